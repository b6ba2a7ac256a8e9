#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include "socket_path.h"
}

namespace
{

struct Place {
	std::string directory;
	bool make;
};

/* All places of a configuration, for user 1000. */
std::vector<Place> places(const char *socket_dir, const char *runtime_dir, unsigned uid = 1000)
{
	std::vector<Place> all;
	weir_config config = {};
	char data[256];
	weir_text text;
	bool make;

	strcpy(config.socket_dir, socket_dir);
	strcpy(config.runtime_dir, runtime_dir);
	weir_text_init(&text, data, sizeof data);
	for (size_t i = 0; weir_socket_place(i, &config, uid, &text, &make); i++) {
		all.push_back({ data, make });
		weir_text_init(&text, data, sizeof data);
	}
	EXPECT_STREQ("", data);
	return all;
}

TEST(SocketPath, TriesTheDirectoriesInTheirOrder)
{
	std::vector<Place> all = places("/asked/for", "/run/user/1000");

	ASSERT_EQ(4U, all.size());
	EXPECT_EQ("/asked/for", all[0].directory);
	EXPECT_EQ("/run/weir", all[1].directory);
	EXPECT_EQ("/run/user/1000/weir", all[2].directory);
	EXPECT_EQ("/tmp/weir-1000", all[3].directory);
}

TEST(SocketPath, MakesOnlyTheUsersOwnDirectories)
{
	std::vector<Place> all = places("/asked/for", "/run/user/1000");

	ASSERT_EQ(4U, all.size());
	EXPECT_FALSE(all[0].make);
	EXPECT_FALSE(all[1].make);
	EXPECT_TRUE(all[2].make);
	EXPECT_TRUE(all[3].make);
}

TEST(SocketPath, LeavesOutWhatIsNotSet)
{
	std::vector<Place> all = places("", "");

	ASSERT_EQ(4U, all.size());
	EXPECT_EQ("", all[0].directory);
	EXPECT_EQ("", all[2].directory);
}

TEST(SocketPath, TakesNoRuntimeDirectoryThatIsRelative)
{
	EXPECT_EQ("", places("", "run/user")[2].directory);
	EXPECT_EQ("", places("", ".")[2].directory);
}

TEST(SocketPath, NamesTheUserInTheLastPlace)
{
	EXPECT_EQ("/tmp/weir-0", places("", "", 0)[3].directory);
	EXPECT_EQ("/tmp/weir-4294967295", places("", "", UINT32_MAX)[3].directory);
}

TEST(SocketPath, HasNoPlaceBehindTheLast)
{
	weir_config config = {};
	char data[8];
	weir_text text;
	bool make;

	weir_text_init(&text, data, sizeof data);
	for (size_t i : { (size_t)4, (size_t)5, SIZE_MAX })
		EXPECT_FALSE(weir_socket_place(i, &config, 1, &text, &make)) << i;
	EXPECT_STREQ("", data);
}

/* Names of files */

std::string format_name(uint64_t pid, uint64_t start)
{
	char data[64];
	weir_text text;

	weir_text_init(&text, data, sizeof data);
	weir_socket_format_name(&text, pid, start);
	EXPECT_TRUE(weir_text_fits(&text));
	return data;
}

TEST(SocketPath, NamesAFileAfterItsProcess)
{
	EXPECT_EQ("4711-123456.sock", format_name(4711, 123456));
	EXPECT_EQ("0-0.sock", format_name(0, 0));
}

TEST(SocketPath, ReadsTheNamesItMakes)
{
	for (uint64_t pid : { (uint64_t)1, (uint64_t)4711, (uint64_t)4194304, UINT64_MAX })
		for (uint64_t start : { (uint64_t)0, (uint64_t)17, UINT64_MAX }) {
			uint64_t read_pid = 0, read_start = 1;

			EXPECT_TRUE(weir_socket_is_name(format_name(pid, start).c_str(), &read_pid,
							&read_start));
			EXPECT_EQ(pid, read_pid);
			EXPECT_EQ(start, read_start);
		}
}

TEST(SocketPath, LeavesOtherFilesAlone)
{
	uint64_t pid, start;

	for (const char *name : { "",
				  ".",
				  "..",
				  "-",
				  "-.sock",
				  "1-.sock",
				  "-1.sock",
				  "1.sock",
				  "1-2",
				  "1-2.",
				  "1-2.soc",
				  "1-2.socks",
				  "1-2.sock~",
				  "1-2.sock.sock",
				  "1-2-3.sock",
				  "1--2.sock",
				  "+1-2.sock",
				  " 1-2.sock",
				  "1-2 .sock",
				  "1-0x2.sock",
				  "a-2.sock",
				  "1.-2sock",
				  ".sock-1",
				  "1-2.SOCK",
				  "18446744073709551616-1.sock",
				  "1-18446744073709551616.sock" })
		EXPECT_FALSE(weir_socket_is_name(name, &pid, &start)) << name;
}

/* /proc/PID/stat */

std::string stat_of(const std::string &name)
{
	return "4711 (" + name +
	       ") S 1 4711 4711 0 -1 4194560 1 0 0 0 2 3 0 0 20 0 1 0 987654 1000000 200 "
	       "18446744073709551615 0 0 0\n";
}

TEST(SocketPath, ReadsTheStartTimeWhateverTheProgramIsCalled)
{
	for (const char *name :
	     { "node", "", "a b", "a) S 1 2 3", ")", "(((", ")))", "x ) y", "1 2 3" })
		EXPECT_EQ(987654U, weir_socket_parse_start(stat_of(name).c_str())) << name;
}

TEST(SocketPath, ReadsTheStartTimeAtTheEndOfTheText)
{
	std::string stat = stat_of("node");

	stat.resize(stat.find("987654") + 6);
	EXPECT_EQ(987654U, weir_socket_parse_start(stat.c_str()));
}

TEST(SocketPath, KnowsNoStartTimeWhereTheFieldIsMissing)
{
	std::string stat = stat_of("node");

	for (size_t length = 0; length <= stat.find("987654"); length++)
		EXPECT_EQ(0U, weir_socket_parse_start(stat.substr(0, length).c_str())) << length;
}

TEST(SocketPath, KnowsNoStartTimeThatIsNoNumber)
{
	for (const char *field : { "", "x", "-5", "18446744073709551616", "\n" }) {
		std::string stat = stat_of("node");

		stat.replace(stat.find("987654"), 6, field);
		EXPECT_EQ(0U, weir_socket_parse_start(stat.c_str())) << field;
	}
}

} // namespace
