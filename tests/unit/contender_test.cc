/* Lists of contenders, with made-up libraries: jemalloc is installed, mimalloc is not. */
#include <gtest/gtest.h>

#include <cstdarg>
#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include "contender.h"
#include "preload.h"
}

namespace
{

std::vector<std::string> complaints;

} // namespace

extern "C" {

void command_complain(const struct command *, const char *format, ...)
{
	char line[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	complaints.emplace_back(line);
}

bool preload_is_known(const char *name)
{
	return strcmp(name, "jemalloc") == 0 || strcmp(name, "mimalloc") == 0;
}

bool preload_find_backend(const char *name, char *path, char *reason)
{
	strcpy(path, "/lib/made-up.so");
	strcpy(reason, "not there");
	return strcmp(name, "jemalloc") == 0 || strcmp(name, "/lib/mine.so") == 0;
}

bool launch_add_typed(struct launch *launch, const char *, const char *typed)
{
	launch->settings[launch->setting_count++] = strdup(typed);
	return strchr(typed, '=') != nullptr;
}

bool launch_prepare(struct launch *launch)
{
	strcpy(launch->library, "/lib/libweir.so.0");
	return true;
}
}

namespace
{

class Contenders : public testing::Test
{
protected:
	void SetUp() override { complaints.clear(); }
	void TearDown() override { contenders_free(&list_); }

	bool add(const char *list) { return contenders_add(&list_, list); }
	std::vector<std::string> names() const
	{
		std::vector<std::string> found;

		for (size_t i = 0; i < list_.count; i++)
			found.emplace_back(list_.each[i]->name);
		return found;
	}
	const struct launch &launch(size_t i) const { return list_.each[i]->launch; }

	contenders list_ = {};
};

TEST_F(Contenders, FindsTheEndOfAnItem)
{
	EXPECT_STREQ(",weir", contender_item_end("glibc,weir"));
	EXPECT_STREQ(",b", contender_item_end("weir[limit=1M,decay=1s],b"));
	EXPECT_STREQ("", contender_item_end("weir[limit=1M,decay=1s"));
	EXPECT_STREQ(",", contender_item_end(","));
}

TEST_F(Contenders, FindsTheEndOfASetting)
{
	EXPECT_STREQ(",decay=1s", contender_setting_end("limit=1M,decay=1s"));
	EXPECT_STREQ(",limit=1M", contender_setting_end("class-limits=1M:2M,*:3M,limit=1M"));
	EXPECT_STREQ("", contender_setting_end("class-limits=64K-1M:2M,*:3M"));
	EXPECT_STREQ("", contender_setting_end("limit=1M,"));
}

TEST_F(Contenders, AreWhatAListSays)
{
	ASSERT_TRUE(add("glibc,jemalloc,/lib/mine.so,weir,weir+jemalloc[limit=1M,decay=2s]"));
	EXPECT_EQ((std::vector<std::string>{ "glibc", "jemalloc", "/lib/mine.so", "weir",
					     "weir+jemalloc[limit=1M,decay=2s]" }),
		  names());
	EXPECT_STREQ("", launch(0).library);
	EXPECT_STREQ("", launch(0).backend);
	EXPECT_STREQ("", launch(1).library);
	EXPECT_STREQ("/lib/made-up.so", launch(1).backend);
	EXPECT_STREQ("/lib/libweir.so.0", launch(3).library);
	EXPECT_STREQ("", launch(3).backend);
	EXPECT_STREQ("/lib/made-up.so", launch(4).backend);
	ASSERT_EQ(2U, launch(4).setting_count);
	EXPECT_STREQ("limit=1M", launch(4).settings[0]);
	EXPECT_STREQ("decay=2s", launch(4).settings[1]);
	for (size_t i = 0; i < 5; i++)
		EXPECT_TRUE(launch(i).sole);
	EXPECT_TRUE(complaints.empty());
}

TEST_F(Contenders, LeaveOutWhatIsNotInstalled)
{
	EXPECT_TRUE(add("glibc,mimalloc,weir+mimalloc,weir"));
	EXPECT_EQ((std::vector<std::string>{ "glibc", "weir" }), names());
	EXPECT_EQ((std::vector<std::string>{ "mimalloc is left out: not there",
					     "weir+mimalloc is left out: not there" }),
		  complaints);
}

TEST_F(Contenders, AreNotWhatNobodyKnows)
{
	for (const char *wrong :
	     { "dlmalloc", "", "glibc,", "weir[limit=1M", "jemalloc[limit=1M]", "weir[limit]",
	       "weir+", "weir+dlmalloc", "/lib/other.so", "glibc+jemalloc", "weir]" }) {
		EXPECT_FALSE(add(wrong)) << wrong;
		contenders_free(&list_);
	}
	EXPECT_EQ(10U, complaints.size()) << "the setting is its reader's to complain of";
}

TEST_F(Contenders, MayBeTheSameTwice)
{
	EXPECT_TRUE(add("glibc,glibc"));
	EXPECT_EQ(2U, list_.count);
}

TEST_F(Contenders, AreNoMoreThanThereIsRoomFor)
{
	std::string many = "glibc";

	for (unsigned i = 1; i < CONTENDERS_MAX; i++)
		many += ",glibc";
	EXPECT_TRUE(add(many.c_str()));
	EXPECT_FALSE(add("glibc"));
}

TEST_F(Contenders, OfWeirHaveAName)
{
	contender *made = contenders_add_weir(&list_, "the best", "limit=1M");

	ASSERT_NE(nullptr, made);
	EXPECT_STREQ("the best", made->name);
	EXPECT_STREQ("/lib/libweir.so.0", made->launch.library);
}

} // namespace
