#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include <unistd.h>

extern "C" {
#include "config.h"
}

namespace
{

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const size_t kib = 1024;
const size_t mib = 1024 * kib;
const size_t gib = 1024 * mib;
const size_t tib = 1024 * gib;

void Collect(void *lines, const char *line)
{
	static_cast<std::vector<std::string> *>(lines)->push_back(line);
}

/* A configuration read from the given settings, and what was said about them. */
struct Loaded {
	explicit Loaded(std::vector<std::string> settings, const char *program = "program")
	    : environment(std::move(settings))
	{
		std::vector<char *> entries;

		for (std::string &entry : environment)
			entries.push_back(&entry[0]);
		entries.push_back(nullptr);
		memset(&config, 0xa5, sizeof config);
		may_go_on = weir_config_load(&config, entries.data(), program, &sink);
	}
	Loaded(const Loaded &) = delete;

	bool Resolve(size_t memory_limit_bytes)
	{
		return weir_config_resolve(&config, memory_limit_bytes, &sink);
	}

	std::string Banner() const
	{
		char data[2048];
		struct weir_text text;

		weir_text_init(&text, data, sizeof data);
		weir_config_format_banner(&text, &config);
		return data;
	}

	std::vector<std::string> environment;
	std::vector<std::string> complaints;
	struct weir_config_sink sink = { Collect, &complaints };
	struct weir_config config;
	bool may_go_on;
};

/* What every value of a variable should do to one field of the structure. */
template <class Value> using Values = std::initializer_list<std::pair<const char *, Value>>;

template <class Value, class Field>
void ExpectAccepted(const char *name, Field field, Values<Value> values)
{
	for (const auto &value : values) {
		Loaded loaded({ std::string(name) + "=" + value.first });

		EXPECT_EQ(value.second, loaded.config.*field) << name << "=" << value.first;
		EXPECT_THAT(loaded.complaints, IsEmpty());
		EXPECT_TRUE(loaded.may_go_on);
	}
}

/* Each of the values is refused in one line that names the variable, the value,
 * what is accepted and what is used, and changes nothing. */
void ExpectRefused(const char *name, const char *accepted, const char *used,
		   std::initializer_list<const char *> values)
{
	const std::string defaults = Loaded({}).Banner();

	for (const char *value : values) {
		Loaded loaded({ std::string(name) + "=" + value });

		ASSERT_EQ(1U, loaded.complaints.size()) << name << "=" << value;
		EXPECT_THAT(loaded.complaints[0],
			    StartsWith(std::string(name) + "=" + value + ": "));
		EXPECT_THAT(loaded.complaints[0],
			    HasSubstr(std::string("; accepted: ") + accepted));
		EXPECT_THAT(loaded.complaints[0], EndsWith(std::string("; using ") + used));
		EXPECT_EQ(defaults, loaded.Banner()) << name << "=" << value;
		EXPECT_TRUE(loaded.may_go_on);
	}
}

/* Defaults. */

TEST(Config, HasTheDefaultsOfTheTable)
{
	Loaded loaded({ "PATH=/bin", "WEIRD=1", "weir_limit=7", "WEIR", "HOME=WEIR_LIMIT=1" });
	const struct weir_config &config = loaded.config;

	EXPECT_THAT(loaded.complaints, IsEmpty());
	EXPECT_TRUE(loaded.may_go_on);
	EXPECT_FALSE(config.disable);
	EXPECT_EQ(WEIR_PRESET_DEFAULT, config.preset);
	EXPECT_EQ(64 * kib, config.min_bytes);
	EXPECT_EQ(4 * gib, config.max_bytes);
	EXPECT_EQ(0U, config.class_limit_count);
	EXPECT_EQ(WEIR_NO_LIMIT, config.class_blocks);
	EXPECT_EQ(WEIR_NO_LIMIT, config.max_alloc_bytes);
	EXPECT_EQ(10000U, config.decay_ms);
	EXPECT_EQ(SIGUSR1, config.signal);
	EXPECT_EQ(WEIR_HUGEPAGES_AUTO, config.hugepages);
	EXPECT_EQ(nullptr, config.programs);
	EXPECT_FALSE(config.report_at_exit);
	EXPECT_EQ(nullptr, config.report_path);
	EXPECT_STREQ("", config.socket);
	EXPECT_STREQ("", config.socket_dir);
	EXPECT_STREQ("", config.runtime_dir);
	EXPECT_FALSE(config.only);
	EXPECT_FALSE(config.verbose);
	EXPECT_FALSE(config.strict);
}

TEST(Config, TakesTheDefaultLimitFromTheMemoryLimit)
{
	const struct {
		size_t memory;
		size_t limit;
	} cases[] = {
		{ 0, 128 * mib },
		{ 512 * mib, 64 * mib },
		{ 4 * gib, 512 * mib },
		{ 64 * gib, 512 * mib },
		{ 4 * gib - 80000, 512 * mib - 10000 },
	};

	for (const auto &c : cases) {
		Loaded loaded({});

		EXPECT_TRUE(loaded.Resolve(c.memory));
		EXPECT_EQ(c.limit, loaded.config.limit_bytes) << c.memory;
		EXPECT_THAT(loaded.complaints, IsEmpty());
	}
}

/* Each variable: good values at and inside its bounds, then bad ones. */

TEST(Config, ReadsFlags)
{
	for (auto flag : { std::make_pair("WEIR_DISABLE", &weir_config::disable),
			   std::make_pair("WEIR_HARDEN", &weir_config::harden),
			   std::make_pair("WEIR_ONLY", &weir_config::only),
			   std::make_pair("WEIR_VERBOSE", &weir_config::verbose),
			   std::make_pair("WEIR_STRICT", &weir_config::strict) }) {
		ExpectAccepted<bool>(flag.first, flag.second,
				     { { "0", false },
				       { "1", true },
				       { "off", false },
				       { "on", true },
				       { "No", false },
				       { "YES", true },
				       { "false", false },
				       { "true", true } });
		ExpectRefused(flag.first, "0, 1, off, on, no, yes, false, true", "0",
			      { "", "2", "01", "1 ", "y", "enable", "-1" });
	}
}

TEST(Config, ReadsMinAndMaxWithinTheirRange)
{
	ExpectAccepted<size_t>("WEIR_MIN", &weir_config::min_bytes,
			       { { "4K", 4 * kib },
				 { "4096", 4 * kib },
				 { "4097", 4097 },
				 { "1.5M", 1536 * kib },
				 { "4G", 4 * gib } });
	ExpectAccepted<size_t>("WEIR_MAX", &weir_config::max_bytes,
			       { { "64K", 64 * kib }, { "1MiB", mib }, { "4G", 4 * gib } });
	ExpectRefused("WEIR_MIN", "a size from 4K to 4G, a share like 25%", "64K",
		      { "", "0", "4095", "0%", "4294967297", "5G", "12Q", "-64K", "none" });
	ExpectRefused("WEIR_MAX", "a size from 4K to 4G, a share like 25%", "4G",
		      { "", "0", "4095", "4294967297", "8T", "big", "64 K", "none" });
}

TEST(Config, ReadsTheLimitWithinItsRange)
{
	ExpectAccepted<size_t>("WEIR_LIMIT", &weir_config::limit_bytes,
			       { { "0", 0 },
				 { "0%", 0 },
				 { "1", 1 },
				 { "64M", 64 * mib },
				 { "1.5G", 1536 * mib },
				 { "4T", 4 * tib } });
	ExpectRefused("WEIR_LIMIT", "a size from 0 to 4T, a share like 25%", "min(512M, 12.5%)",
		      { "",
			"12Q",
			"-1",
			"4398046511105",
			"5T",
			"101%",
			"none",
			"off",
			"99999999999999999999999",
			"min(",
			"min(1G)",
			"min(1G,)",
			"min(,50%)",
			"min(5T, 50%)",
			"min(1G, 50%",
			"min(1G, 50%)x",
			"min(1G, 50%x",
			"min()",
			"min(1G, 1G)",
			"min(1G,           ",
			"max(1G, 50%)" });
}

TEST(Config, SaysWhetherAValueIsWrongOrOnlyOutOfRange)
{
	EXPECT_THAT(Loaded({ "WEIR_LIMIT=12Q" }).complaints,
		    ElementsAre("WEIR_LIMIT=12Q: not a size; accepted: a size from 0 to 4T, a "
				"share like 25%, the smaller of both like min(512M, 25%); using "
				"min(512M, 12.5%)"));
	EXPECT_THAT(Loaded({ "WEIR_LIMIT=5T" }).complaints,
		    ElementsAre(StartsWith("WEIR_LIMIT=5T: out of range; ")));
}

TEST(Config, ReadsTheFootprint)
{
	ExpectAccepted<size_t>("WEIR_FOOTPRINT", &weir_config::footprint_bytes,
			       { { "0", 0 },
				 { "200M", 200 * mib },
				 { "4T", 4 * tib },
				 { "none", WEIR_NO_LIMIT } });
	ExpectRefused("WEIR_FOOTPRINT", "a size from 0 to 4T, ", "none", { "", "5T", "no" });
}

TEST(Config, ReadsTheLargestRequest)
{
	ExpectAccepted<size_t>("WEIR_MAX_ALLOC", &weir_config::max_alloc_bytes,
			       { { "4K", 4 * kib },
				 { "2G", 2 * gib },
				 { "4T", 4 * tib },
				 { "none", WEIR_NO_LIMIT },
				 { "NONE", WEIR_NO_LIMIT } });
	ExpectRefused("WEIR_MAX_ALLOC", "a size from 4K to 4T, ", "none",
		      { "", "0", "4095", "5T", "no" });
}

TEST(Config, ReadsBlocksPerClass)
{
	ExpectAccepted<size_t>(
		"WEIR_CLASS_BLOCKS", &weir_config::class_blocks,
		{ { "0", 0 }, { "8", 8 }, { "1000000", 1000000 }, { "none", WEIR_NO_LIMIT } });
	ExpectRefused("WEIR_CLASS_BLOCKS", "a whole number from 0 to 1000000, or none", "none",
		      { "", "-1", "1000001", "8K", "1.5", "25%", "18446744073709551616" });
}

TEST(Config, ReadsTheDecay)
{
	ExpectAccepted<uint64_t>("WEIR_DECAY", &weir_config::decay_ms,
				 { { "10ms", 10 },
				   { "500ms", 500 },
				   { "1.5s", 1500 },
				   { "30", 30000 },
				   { "2m", 120000 },
				   { "1000h", 3600000000U },
				   { "off", WEIR_DECAY_OFF },
				   { "OFF", WEIR_DECAY_OFF } });
	ExpectRefused("WEIR_DECAY", "a time from 10ms to 1000h in ms, s, m or h, or off", "10s",
		      { "", "0", "9ms", "3600000001ms", "10 s", "-1s", "10d", "10M s", "none" });
}

TEST(Config, ReadsTheSignal)
{
	ExpectAccepted<int>("WEIR_SIGNAL", &weir_config::signal,
			    { { "USR1", SIGUSR1 },
			      { "SIGUSR1", SIGUSR1 },
			      { "usr2", SIGUSR2 },
			      { "sigusr2", SIGUSR2 },
			      { "RTMIN", SIGRTMIN },
			      { "RTMIN+0", SIGRTMIN },
			      { "SIGRTMIN+18", SIGRTMIN + 18 },
			      { "rtmin+18", SIGRTMIN + 18 },
			      { "off", 0 } });
	ExpectRefused("WEIR_SIGNAL", "USR1, USR2, RTMIN+0 to RTMIN+", "USR1",
		      { "", "10", "USR3", "SIG", "SIGSIGUSR1", "TERM", "RTMIN+", "RTMIN-1",
			"RTMIN+1x", "RTMIN18", "RTMAX", "SIGOFF", "RTMIN+-1", "RTMIN+4294967296" });
}

TEST(Config, HoldsRealTimeSignalsToTheLastOneThereIs)
{
	int last = SIGRTMAX - SIGRTMIN;
	Loaded fits({ "WEIR_SIGNAL=RTMIN+" + std::to_string(last) });
	Loaded exceeds({ "WEIR_SIGNAL=RTMIN+" + std::to_string(last + 1) });

	EXPECT_EQ(SIGRTMAX, fits.config.signal);
	EXPECT_THAT(fits.complaints, IsEmpty());
	EXPECT_EQ(SIGUSR1, exceeds.config.signal);
	EXPECT_THAT(exceeds.complaints, ElementsAre(HasSubstr(": out of range; ")));
}

TEST(Config, ReadsHugepages)
{
	ExpectAccepted<enum weir_hugepages>("WEIR_HUGEPAGES", &weir_config::hugepages,
					    { { "auto", WEIR_HUGEPAGES_AUTO },
					      { "always", WEIR_HUGEPAGES_ALWAYS },
					      { "Never", WEIR_HUGEPAGES_NEVER } });
	ExpectRefused("WEIR_HUGEPAGES", "auto, always, never", "auto",
		      { "", "on", "1", "alway", "always,never" });
}

TEST(Config, ReadsTheReport)
{
	Loaded to_stderr({ "WEIR_REPORT=exit" });
	Loaded to_file({ "WEIR_REPORT=exit:/tmp/weir-%p.json" });
	Loaded upper({ "WEIR_REPORT=EXIT:Name" });

	EXPECT_TRUE(to_stderr.config.report_at_exit);
	EXPECT_EQ(nullptr, to_stderr.config.report_path);
	EXPECT_TRUE(to_file.config.report_at_exit);
	EXPECT_STREQ("/tmp/weir-%p.json", to_file.config.report_path);
	EXPECT_TRUE(upper.config.report_at_exit);
	EXPECT_STREQ("Name", upper.config.report_path);
	ExpectAccepted<bool>("WEIR_REPORT", &weir_config::report_at_exit,
			     { { "off", false }, { "Exit", true } });
	ExpectRefused("WEIR_REPORT", "exit, exit:PATH, or off", "off",
		      { "", "1", "exit:", "exits", "/tmp/report", "signal" });
}

TEST(Config, KeepsThePathOfTheReportWhenTheProgramWritesOverItsEnvironment)
{
	Loaded loaded({ "WEIR_REPORT=exit:/tmp/report" });

	std::fill(loaded.environment[0].begin(), loaded.environment[0].end(), 't');
	EXPECT_STREQ("/tmp/report", loaded.config.report_path);
}

TEST(Config, RefusesAPathThatItHasNoRoomFor)
{
	const std::string most(WEIR_REPORT_PATH_BYTES - 1, 'p');
	Loaded fits({ "WEIR_REPORT=exit:" + most });
	Loaded exceeds({ "WEIR_REPORT=exit:p" + most });

	EXPECT_THAT(fits.complaints, IsEmpty());
	EXPECT_EQ(most, fits.config.report_path);
	EXPECT_THAT(exceeds.complaints, ElementsAre(HasSubstr(": too long a path; ")));
	EXPECT_FALSE(exceeds.config.report_at_exit);
}

/* The control socket. */

TEST(Config, ReadsTheSocket)
{
	EXPECT_STREQ("/run/weir/%p.sock",
		     Loaded({ "WEIR_SOCKET=/run/weir/%p.sock" }).config.socket);
	EXPECT_STREQ("auto", Loaded({ "WEIR_SOCKET=auto" }).config.socket);
	EXPECT_STREQ("auto", Loaded({ "WEIR_SOCKET=AUTO" }).config.socket);
	EXPECT_STREQ("", Loaded({ "WEIR_SOCKET=off" }).config.socket);
	EXPECT_STREQ("", Loaded({ "WEIR_SOCKET=OFF" }).config.socket);
	ExpectRefused("WEIR_SOCKET", "an absolute path of up to 107 bytes, auto, or off", "off",
		      { "", "1", "on", "none", "weir.sock", "./auto", "~/weir" });
}

TEST(Config, ReadsTheDirectoryOfSockets)
{
	EXPECT_STREQ("/run/mine", Loaded({ "WEIR_SOCKET_DIR=/run/mine" }).config.socket_dir);
	EXPECT_STREQ("", Loaded({ "WEIR_SOCKET_DIR=none" }).config.socket_dir);
	ExpectRefused("WEIR_SOCKET_DIR", "an absolute path of up to 107 bytes, or none", "none",
		      { "", "auto", "off", "run" });
}

TEST(Config, RefusesASocketPathThatTheKernelHasNoRoomFor)
{
	const std::string most = "/" + std::string(WEIR_SOCKET_PATH_BYTES - 2, 'p');

	Loaded fits({ "WEIR_SOCKET=" + most, "WEIR_SOCKET_DIR=" + most });
	Loaded exceeds({ "WEIR_SOCKET=" + most + "p", "WEIR_SOCKET_DIR=" + most + "p" });

	EXPECT_THAT(fits.complaints, IsEmpty());
	EXPECT_EQ(most, fits.config.socket);
	EXPECT_EQ(most, fits.config.socket_dir);
	EXPECT_THAT(exceeds.complaints, ElementsAre(HasSubstr(": too long a path; "),
						    HasSubstr(": too long a path; ")));
	EXPECT_STREQ("", exceeds.config.socket);
	EXPECT_STREQ("", exceeds.config.socket_dir);
}

TEST(Config, KeepsThePathOfTheSocketWhenTheProgramWritesOverItsEnvironment)
{
	Loaded loaded({ "WEIR_SOCKET=/run/a", "WEIR_SOCKET_DIR=/run/b", "XDG_RUNTIME_DIR=/run/c" });

	for (std::string &entry : loaded.environment)
		std::fill(entry.begin(), entry.end(), 't');
	EXPECT_STREQ("/run/a", loaded.config.socket);
	EXPECT_STREQ("/run/b", loaded.config.socket_dir);
	EXPECT_STREQ("/run/c", loaded.config.runtime_dir);
}

TEST(Config, TakesTheRuntimeDirectoryWhereItFits)
{
	const std::string most = "/" + std::string(WEIR_SOCKET_PATH_BYTES - 2, 'r');

	EXPECT_STREQ("/run/user/7", Loaded({ "XDG_RUNTIME_DIR=/run/user/7" }).config.runtime_dir);
	EXPECT_EQ(most, Loaded({ "XDG_RUNTIME_DIR=" + most }).config.runtime_dir);
	EXPECT_STREQ("", Loaded({ "XDG_RUNTIME_DIR=" + most + "r" }).config.runtime_dir);
	EXPECT_STREQ("", Loaded({ "XDG_RUNTIME_DIRS=/run", "RUNTIME_DIR=/r" }).config.runtime_dir);
}

/* Class limits. */

struct Range {
	size_t min;
	size_t max;
	size_t limit;
};

void ExpectClassLimits(const char *value, std::initializer_list<Range> ranges)
{
	Loaded loaded({ std::string("WEIR_CLASS_LIMITS=") + value });
	unsigned i = 0;

	EXPECT_THAT(loaded.complaints, IsEmpty());
	ASSERT_EQ(ranges.size(), loaded.config.class_limit_count) << value;
	for (const Range &range : ranges) {
		const struct weir_class_limit &limit = loaded.config.class_limits[i++];

		EXPECT_EQ(range.min, limit.min_bytes) << value;
		EXPECT_EQ(range.max, limit.max_bytes) << value;
		EXPECT_EQ(range.limit, limit.limit_bytes) << value;
	}
}

TEST(Config, ReadsClassLimits)
{
	ExpectClassLimits("64K-1M:32M,16M:64M,*:128M", { { 64 * kib, 1024 * kib, 32 * mib },
							 { 16 * mib, 16 * mib, 64 * mib },
							 { 0, WEIR_NO_LIMIT, 128 * mib } });
	ExpectClassLimits("*:0", { { 0, WEIR_NO_LIMIT, 0 } });
	ExpectClassLimits("*:0%", { { 0, WEIR_NO_LIMIT, 0 } });
	ExpectClassLimits("4G-4G:8G", { { 4 * gib, 4 * gib, 8 * gib } });
	ExpectClassLimits("none", {});
}

TEST(Config, KeepsTheSizesOfAClassLimitAsTheyWereAsked)
{
	ExpectClassLimits("11M:64M", { { 11 * mib, 11 * mib, 64 * mib } });
	ExpectClassLimits("64K-900K:64M", { { 64 * kib, 900 * kib, 64 * mib } });
	ExpectClassLimits("1048577:1M", { { mib + 1, mib + 1, mib } });
}

TEST(Config, RefusesClassLimitsWithAnErrorAnywhere)
{
	ExpectRefused("WEIR_CLASS_LIMITS", "up to 16 of RANGE:LIMIT", "none",
		      { "",
			",",
			":",
			"64K",
			"64K:",
			":32M",
			"64K-:32M",
			"-64K:32M",
			"1M-64K:32M",
			"64K-1M-2M:32M",
			"64K:32M,",
			",64K:32M",
			"64K:32M,,*:1M",
			"64K:32M;*:1M",
			"64K:32Q",
			"64Q:32M",
			"64K:32M:1M",
			"**:32M",
			"*-1M:32M",
			"64K-*:32M",
			"5G:1G",
			"1M-5G:1G",
			"64K:-1",
			"64K:101%",
			"10%:32M",
			"64K:18446744073709551615",
			"64K: 32M",
			"64K:none" });
}

TEST(Config, RefusesMoreClassLimitsThanThereIsRoomFor)
{
	std::string most = "WEIR_CLASS_LIMITS=64K:1M";

	for (int i = 1; i < WEIR_CLASS_LIMITS_MAX; i++)
		most += ",64K:1M";
	Loaded fits({ most });
	Loaded exceeds({ most + ",*:1M" });

	EXPECT_THAT(fits.complaints, IsEmpty());
	EXPECT_EQ(WEIR_CLASS_LIMITS_MAX, (int)fits.config.class_limit_count);
	EXPECT_THAT(exceeds.complaints, ElementsAre(HasSubstr("too many ranges")));
	EXPECT_EQ(0U, exceeds.config.class_limit_count);
}

/* Programs. */

bool Serves(const char *patterns, const char *program)
{
	Loaded loaded({ std::string("WEIR_PROGRAMS=") + patterns }, program);

	EXPECT_THAT(loaded.complaints, IsEmpty());
	return !loaded.config.disable;
}

TEST(Config, ServesOnlyTheProgramsItIsGiven)
{
	EXPECT_TRUE(Serves("node", "node"));
	EXPECT_TRUE(Serves("python*,node", "node"));
	EXPECT_TRUE(Serves("node,python*", "python3.11"));
	EXPECT_TRUE(Serves("python*", "python"));
	EXPECT_TRUE(Serves("*", "anything"));
	EXPECT_TRUE(Serves("*", ""));
	EXPECT_TRUE(Serves("all", "anything"));
	EXPECT_TRUE(Serves("g??", "gcc"));
	EXPECT_TRUE(Serves("*a*b*c", "xaybzabc"));
	EXPECT_TRUE(Serves("a**c", "ac"));
	EXPECT_TRUE(Serves("*.exe", "a.exe.exe"));
	EXPECT_FALSE(Serves("node", "nodejs"));
	EXPECT_FALSE(Serves("node", "nod"));
	EXPECT_FALSE(Serves("node", "Node"));
	EXPECT_FALSE(Serves("nodejs,python*", "node"));
	EXPECT_FALSE(Serves("g??", "gc"));
	EXPECT_FALSE(Serves("g??", "gccc"));
	EXPECT_FALSE(Serves("*a*b*c", "abcd"));
	EXPECT_FALSE(Serves("[n]ode", "node"));
	EXPECT_FALSE(Serves("?", ""));
}

TEST(Config, MatchesAPatternOfManyStarsWithoutTryingEveryWay)
{
	std::string stars;

	for (int i = 0; i < 200; i++)
		stars += "*a";
	EXPECT_FALSE(Serves((stars + "b").c_str(), std::string(2000, 'a').c_str()));
}

TEST(Config, RefusesEmptyProgramNamesAndServesAll)
{
	ExpectRefused("WEIR_PROGRAMS", "program names with commas between", "all",
		      { "", ",", "node,", ",node", "node,,perl" });
}

TEST(Config, LeavesProgramsItIsNotForInPeace)
{
	Loaded other({ "WEIR_PROGRAMS=node", "WEIR_STRICT=1", "WEIR_LIMIT=12Q", "WEIR_TYPO=1" },
		     "ls");
	Loaded named({ "WEIR_PROGRAMS=node", "WEIR_STRICT=1", "WEIR_LIMIT=12Q", "WEIR_TYPO=1" },
		     "node");

	EXPECT_TRUE(other.config.disable);
	EXPECT_THAT(other.complaints, IsEmpty());
	EXPECT_TRUE(other.may_go_on);
	EXPECT_FALSE(named.config.disable);
	EXPECT_EQ(2U, named.complaints.size());
	EXPECT_FALSE(named.may_go_on);
}

/* Presets. */

struct PresetCase {
	const char *name;
	enum weir_preset preset;
	size_t limit;
	size_t max;
	size_t class_blocks;
	uint64_t decay_ms;
};

const PresetCase preset_cases[] = {
	{ "off", WEIR_PRESET_OFF, 0, 4 * gib, WEIR_NO_LIMIT, 10000 },
	{ "minimal", WEIR_PRESET_MINIMAL, 8 * mib, mib, 8, 1000 },
	{ "moderate", WEIR_PRESET_MODERATE, 32 * mib, 32 * mib, 16, 5000 },
	{ "default", WEIR_PRESET_DEFAULT, 512 * mib, 4 * gib, WEIR_NO_LIMIT, 10000 },
	{ "aggressive", WEIR_PRESET_AGGRESSIVE, 5 * gib, 4 * gib, WEIR_NO_LIMIT, WEIR_DECAY_OFF },
};

TEST(Config, StartsFromThePreset)
{
	for (const PresetCase &c : preset_cases) {
		Loaded loaded({ std::string("WEIR_PRESET=") + c.name });

		EXPECT_THAT(loaded.complaints, IsEmpty());
		EXPECT_TRUE(loaded.Resolve(64 * gib));
		EXPECT_EQ(c.preset, loaded.config.preset);
		EXPECT_EQ(c.limit, loaded.config.limit_bytes) << c.name;
		EXPECT_EQ(c.max, loaded.config.max_bytes) << c.name;
		EXPECT_EQ(c.class_blocks, loaded.config.class_blocks) << c.name;
		EXPECT_EQ(c.decay_ms, loaded.config.decay_ms) << c.name;
	}
}

TEST(Config, TakesHalfTheMemoryLimitAtMostWhenAggressive)
{
	Loaded small({ "WEIR_PRESET=aggressive" });
	Loaded unknown({ "WEIR_PRESET=aggressive" });

	small.Resolve(2 * gib);
	unknown.Resolve(0);
	EXPECT_EQ(gib, small.config.limit_bytes);
	EXPECT_EQ(5 * gib / 4, unknown.config.limit_bytes);
	EXPECT_THAT(unknown.complaints, IsEmpty());
}

TEST(Config, LetsVariablesWinOverThePresetWhateverTheirOrder)
{
	std::vector<std::string> settings = { "WEIR_CLASS_BLOCKS=none", "WEIR_DECAY=3s",
					      "WEIR_LIMIT=100M", "WEIR_PRESET=minimal" };

	do {
		Loaded loaded(settings);

		ASSERT_THAT(loaded.complaints, IsEmpty());
		ASSERT_EQ(100 * mib, loaded.config.limit_bytes);
		ASSERT_EQ(3000U, loaded.config.decay_ms);
		ASSERT_EQ(WEIR_NO_LIMIT, loaded.config.class_blocks);
		ASSERT_EQ(mib, loaded.config.max_bytes);
	} while (std::next_permutation(settings.begin(), settings.end()));
}

TEST(Config, KeepsThePresetsValueWhereAVariableIsBad)
{
	Loaded loaded({ "WEIR_LIMIT=lots", "WEIR_DECAY=soon", "WEIR_PRESET=moderate" });

	EXPECT_EQ(32 * mib, loaded.config.limit_bytes);
	EXPECT_EQ(5000U, loaded.config.decay_ms);
	EXPECT_THAT(loaded.complaints,
		    ElementsAre(AllOf(StartsWith("WEIR_LIMIT=lots: "), EndsWith("using 32M")),
				AllOf(StartsWith("WEIR_DECAY=soon: "), EndsWith("using 5s"))));
}

TEST(Config, RefusesAnUnknownPreset)
{
	ExpectRefused("WEIR_PRESET", "off, minimal, moderate, default, aggressive", "default",
		      { "", "maximal", "min", "1" });
}

/* WEIR_MIN up to WEIR_MAX. */

TEST(Config, AcceptsEqualBounds)
{
	Loaded loaded({ "WEIR_MIN=1M", "WEIR_MAX=1M" });

	EXPECT_THAT(loaded.complaints, IsEmpty());
	EXPECT_EQ(mib, loaded.config.min_bytes);
	EXPECT_EQ(mib, loaded.config.max_bytes);
}

TEST(Config, PutsBothBoundsBackWhenTheyExcludeEverything)
{
	Loaded both({ "WEIR_MIN=2M", "WEIR_MAX=1M" });
	Loaded preset({ "WEIR_MIN=2M", "WEIR_PRESET=minimal" });

	EXPECT_THAT(both.complaints, ElementsAre("WEIR_MIN=2M is more than WEIR_MAX=1M; accepted: "
						 "WEIR_MIN up to WEIR_MAX; using 64K and 4G"));
	EXPECT_EQ(64 * kib, both.config.min_bytes);
	EXPECT_EQ(4 * gib, both.config.max_bytes);
	EXPECT_THAT(preset.complaints, ElementsAre(EndsWith("using 64K and 1M")));
	EXPECT_EQ(mib, preset.config.max_bytes);
}

TEST(Config, ChecksTheBoundsAgainOnceSharesAreKnown)
{
	Loaded loaded({ "WEIR_MIN=10%", "WEIR_MAX=64M", "WEIR_STRICT=1" });

	EXPECT_TRUE(loaded.may_go_on);
	EXPECT_FALSE(loaded.Resolve(gib));
	EXPECT_THAT(loaded.complaints, ElementsAre(HasSubstr(" is more than WEIR_MAX=64M; ")));
	EXPECT_EQ(64 * kib, loaded.config.min_bytes);
	EXPECT_EQ(4 * gib, loaded.config.max_bytes);
}

/* Shares. */

TEST(Config, ResolvesSharesOfTheMemoryLimit)
{
	Loaded loaded({ "WEIR_MIN=0.01%", "WEIR_MAX=50%", "WEIR_LIMIT=25%", "WEIR_MAX_ALLOC=75%",
			"WEIR_FOOTPRINT=40%", "WEIR_CLASS_LIMITS=64K-1M:12.5%,*:1M" });

	EXPECT_TRUE(loaded.Resolve(4 * gib));
	EXPECT_THAT(loaded.complaints, IsEmpty());
	EXPECT_EQ(4 * gib / 10000, loaded.config.min_bytes);
	EXPECT_EQ(2 * gib, loaded.config.max_bytes);
	EXPECT_EQ(gib, loaded.config.limit_bytes);
	EXPECT_EQ(4 * gib * 2 / 5, loaded.config.footprint_bytes);
	EXPECT_EQ(3 * gib, loaded.config.max_alloc_bytes);
	EXPECT_EQ(512 * mib, loaded.config.class_limits[0].limit_bytes);
	EXPECT_EQ(mib, loaded.config.class_limits[1].limit_bytes);
}

TEST(Config, ServesTheDefaultBoundsUntilTheirSharesAreKnown)
{
	Loaded loaded({ "WEIR_MIN=1%", "WEIR_MAX=2%", "WEIR_CLASS_LIMITS=*:1%" });

	EXPECT_EQ(64 * kib, loaded.config.min_bytes);
	EXPECT_EQ(4 * gib, loaded.config.max_bytes);
	EXPECT_EQ(WEIR_NO_LIMIT, loaded.config.class_limits[0].limit_bytes);
}

TEST(Config, ReplacesAShareByALaterSizeInFull)
{
	Loaded loaded({ "WEIR_LIMIT=64M" });

	loaded.Resolve(64 * gib);
	EXPECT_EQ(64 * mib, loaded.config.limit_bytes);
}

TEST(Config, TakesTheSmallerOfASizeAndAShare)
{
	Loaded small({ "WEIR_LIMIT=min(1G,50%)" });
	Loaded large({ "WEIR_LIMIT=MIN(1G, 50%)" });
	Loaded nothing({ "WEIR_LIMIT=min(1G, 0%)" });

	small.Resolve(gib);
	large.Resolve(64 * gib);
	nothing.Resolve(64 * gib);
	EXPECT_EQ(512 * mib, small.config.limit_bytes);
	EXPECT_EQ(gib, large.config.limit_bytes);
	EXPECT_EQ(0U, nothing.config.limit_bytes);
	EXPECT_THAT(small.complaints, IsEmpty());
}

TEST(Config, KeepsSharesWithinTheRangeOfTheirVariable)
{
	Loaded loaded({ "WEIR_MIN=0.01%", "WEIR_MAX=100%", "WEIR_LIMIT=100%" });

	loaded.Resolve(8 * mib);
	EXPECT_EQ(4 * kib, loaded.config.min_bytes);
	EXPECT_EQ(8 * mib, loaded.config.max_bytes);
	Loaded huge({ "WEIR_MAX=100%", "WEIR_LIMIT=100%" });

	huge.Resolve(SIZE_MAX / 2);
	EXPECT_EQ(4 * gib, huge.config.max_bytes);
	EXPECT_EQ(4 * tib, huge.config.limit_bytes);
}

TEST(Config, SaysWhichSharesItCannotTakeOfAnUnknownLimit)
{
	Loaded loaded({ "WEIR_LIMIT=25%", "WEIR_MAX_ALLOC=50%", "WEIR_MIN=1%",
			"WEIR_CLASS_LIMITS=1M:25%,2M:25%,*:1M" });

	EXPECT_TRUE(loaded.Resolve(0));
	EXPECT_THAT(loaded.complaints,
		    ElementsAre("WEIR_MIN=1%: the memory limit is unknown; using 64K",
				"WEIR_LIMIT=25%: the memory limit is unknown; using 128M",
				"WEIR_MAX_ALLOC=50%: the memory limit is unknown; using none",
				StartsWith("WEIR_CLASS_LIMITS: the memory limit is unknown; ")));
	EXPECT_EQ(128 * mib, loaded.config.limit_bytes);
	EXPECT_EQ(WEIR_NO_LIMIT, loaded.config.max_alloc_bytes);
	EXPECT_EQ(WEIR_NO_LIMIT, loaded.config.class_limits[0].limit_bytes);
	EXPECT_EQ(mib, loaded.config.class_limits[2].limit_bytes);
}

TEST(Config, ResolvesSharesAgainOfAnotherMemoryLimit)
{
	Loaded loaded({ "WEIR_LIMIT=25%", "WEIR_CLASS_LIMITS=*:25%", "WEIR_FOOTPRINT=50%",
			"WEIR_LIVE_LIMIT=75%", "WEIR_MAX_ALLOC=10%" });

	loaded.Resolve(4 * gib);
	loaded.Resolve(8 * gib);
	EXPECT_EQ(2 * gib, loaded.config.limit_bytes);
	EXPECT_EQ(2 * gib, loaded.config.class_limits[0].limit_bytes);
	EXPECT_EQ(4 * gib, loaded.config.footprint_bytes);
	EXPECT_EQ(6 * gib, loaded.config.live_limit_bytes);
	EXPECT_EQ(8 * gib / 10, loaded.config.max_alloc_bytes);
	loaded.Resolve(gib);
	EXPECT_EQ(gib / 4, loaded.config.limit_bytes);
	EXPECT_THAT(loaded.complaints, IsEmpty());
}

bool AskedForShares(std::vector<std::string> settings)
{
	Loaded loaded(std::move(settings));

	return weir_config_has_shares(&loaded.config);
}

/* Of what can change while the program runs; presets and defaults are shares, too. */
TEST(Config, KnowsWhetherSharesWereAskedFor)
{
	for (const char *setting : { "WEIR_LIMIT=25%", "WEIR_FOOTPRINT=50%", "WEIR_LIVE_LIMIT=75%",
				     "WEIR_MAX_ALLOC=10%", "WEIR_CLASS_LIMITS=64K-1M:1M,*:25%" })
		EXPECT_TRUE(AskedForShares({ setting })) << setting;
	for (const char *setting :
	     { "WEIR_LIMIT=64M", "WEIR_LIVE_LIMIT=1G", "WEIR_MIN=0.01%", "WEIR_MAX=50%",
	       "WEIR_CLASS_LIMITS=*:1M", "WEIR_PRESET=moderate", "WEIR_PRESET=aggressive",
	       "WEIR_LIMIT=none" })
		EXPECT_FALSE(AskedForShares({ setting })) << setting;
	EXPECT_FALSE(AskedForShares({}));
}

TEST(Config, KeepsWhatSharesCameToWhenTheMemoryLimitIsNotKnownAnyMore)
{
	Loaded loaded({ "WEIR_LIMIT=25%", "WEIR_CLASS_LIMITS=*:25%" });

	loaded.Resolve(4 * gib);
	const std::string once = loaded.Banner();

	loaded.Resolve(0);
	EXPECT_EQ(once, loaded.Banner());
	EXPECT_THAT(loaded.complaints, IsEmpty());
}

TEST(Config, ResolvesTheBoundsOfRequestsOnlyOnce)
{
	Loaded loaded({ "WEIR_MIN=1%", "WEIR_MAX=10%" });

	loaded.Resolve(gib);
	loaded.Resolve(2 * gib);
	EXPECT_EQ(gib / 100, loaded.config.min_bytes);
	EXPECT_EQ(gib / 10, loaded.config.max_bytes);
}

TEST(Config, CopiesWhatTheServiceManagerSaysOfMemoryPressure)
{
	const std::string path(1100, 'p');
	Loaded loaded({ "MEMORY_PRESSURE_WATCH=/run/pressure", "MEMORY_PRESSURE_WRITE=c29tZQ==" });
	Loaded too_long({ "MEMORY_PRESSURE_WATCH=" + path });

	EXPECT_STREQ("/run/pressure", loaded.config.pressure_watch);
	EXPECT_STREQ("c29tZQ==", loaded.config.pressure_write);
	EXPECT_STREQ("", too_long.config.pressure_watch);
}

TEST(Config, WantsAHelperForWhateverGoesOnWhileTheProgramIdles)
{
	Loaded none({ "WEIR_LIMIT=1M" });

	EXPECT_FALSE(weir_config_wants_helper(&none.config));
	for (const char *setting : { "WEIR_BACKGROUND=1", "WEIR_PRESSURE=1", "WEIR_SOCKET=auto" }) {
		Loaded loaded({ setting });

		EXPECT_TRUE(weir_config_wants_helper(&loaded.config)) << setting;
	}
}

/* Unknown names. */

TEST(Config, NamesTheNearestVariableForAnUnknownOne)
{
	const std::map<std::string, std::string> nearest = {
		{ "WEIR_LIMTI", "WEIR_LIMIT" },	     { "WEIR_LIMITS", "WEIR_LIMIT" },
		{ "WEIR_limit", "WEIR_LIMIT" },	     { "WEIR_CLASS_LIMIT", "WEIR_CLASS_LIMITS" },
		{ "WEIR_DEBUG", "WEIR_DECAY" },	     { "WEIR_HUGE_PAGES", "WEIR_HUGEPAGES" },
		{ "WEIR_PROGRAM", "WEIR_PROGRAMS" }, { "WEIR_MAXALLOC", "WEIR_MAX_ALLOC" },
	};

	for (const auto &name : nearest) {
		Loaded loaded({ name.first + "=1" });

		EXPECT_THAT(loaded.complaints,
			    ElementsAre(name.first +
					": unknown variable, ignored; the nearest known name is " +
					name.second));
		EXPECT_TRUE(loaded.may_go_on);
	}
}

TEST(Config, WarnsOnceForEachUnknownName)
{
	Loaded loaded({ "WEIR_A=1", "WEIR_VERBOSE=1", "WEIR_=", "WEIR_B" });

	EXPECT_THAT(loaded.complaints,
		    ElementsAre(StartsWith("WEIR_A: unknown"), StartsWith("WEIR_: unknown")));
	EXPECT_TRUE(loaded.config.verbose);
}

TEST(Config, KeepsAComplaintOneShortLineWhateverItQuotes)
{
	Loaded loaded({ "WEIR_LIMIT=" + std::string(100000, '9'),
			"WEIR_" + std::string(100000, 'X') + "=1", "WEIR_DECAY=1\n2\x1b[2J\x7f" });

	ASSERT_EQ(3U, loaded.complaints.size());
	for (const std::string &line : loaded.complaints) {
		EXPECT_LT(line.size(), 400U);
		EXPECT_EQ(std::string::npos, line.find_first_of("\n\x1b\x7f"));
	}
	EXPECT_THAT(loaded.complaints[0], HasSubstr("999...: not a size; accepted: "));
	EXPECT_THAT(loaded.complaints[1], StartsWith("WEIR_DECAY=1?2?[2J?: not a time"));
	EXPECT_THAT(loaded.complaints[2], HasSubstr("XXX...: unknown variable, ignored; "));
}

/* WEIR_STRICT, and names that are there twice. */

TEST(Config, StopsTheProgramWhenStrictAfterAllComplaints)
{
	Loaded bad({ "WEIR_LIMIT=1Q", "WEIR_DECAY=1Q", "WEIR_STRICT=1" });
	Loaded unknown({ "WEIR_STRICT=1", "WEIR_NOTHING=1" });
	Loaded bounds({ "WEIR_STRICT=1", "WEIR_MIN=2M", "WEIR_MAX=1M" });
	Loaded good({ "WEIR_STRICT=1", "WEIR_LIMIT=1M", "PATH=/bin" });

	EXPECT_FALSE(bad.may_go_on);
	EXPECT_EQ(2U, bad.complaints.size());
	EXPECT_FALSE(unknown.may_go_on);
	EXPECT_EQ(1U, unknown.complaints.size());
	EXPECT_FALSE(bounds.may_go_on);
	EXPECT_TRUE(good.may_go_on);
}

TEST(Config, StopsTheProgramWhenAStrictShareCannotBeTaken)
{
	Loaded strict({ "WEIR_STRICT=1", "WEIR_LIMIT=25%" });
	Loaded lenient({ "WEIR_LIMIT=25%" });

	EXPECT_TRUE(strict.may_go_on);
	EXPECT_FALSE(strict.Resolve(0));
	EXPECT_TRUE(lenient.Resolve(0));
}

TEST(Config, TakesTheFirstOfTwoEqualNamesAsGetenvDoes)
{
	Loaded loaded({ "WEIR_LIMIT=1M", "WEIR_LIMIT=2M", "WEIR_LIMIT=2Q" });

	EXPECT_EQ(mib, loaded.config.limit_bytes);
	EXPECT_THAT(loaded.complaints, IsEmpty());
}

TEST(Config, ReadsTheProcessesOwnEnvironment)
{
	std::vector<std::string> complaints;
	const struct weir_config_sink sink = { Collect, &complaints };
	struct weir_config config;

	ASSERT_EQ(0, setenv("WEIR_LIMIT", "3M", 1));
	weir_config_load(&config, nullptr, "program", &sink);
	ASSERT_EQ(0, unsetenv("WEIR_LIMIT"));
	EXPECT_EQ(3 * mib, config.limit_bytes);
	EXPECT_THAT(complaints, IsEmpty());
}

TEST(Config, HasTheDefaultsWithoutAnyEnvironment)
{
	char **saved = environ;
	std::vector<std::string> complaints;
	const struct weir_config_sink sink = { Collect, &complaints };
	struct weir_config config;

	environ = nullptr;
	EXPECT_TRUE(weir_config_load(&config, nullptr, "program", &sink));
	environ = saved;
	EXPECT_EQ(64 * kib, config.min_bytes);
	EXPECT_THAT(complaints, IsEmpty());
}

TEST(Config, ComplainsOnStderrWithoutASink)
{
	char setting[] = "WEIR_LIMIT=12Q";
	char *environment[] = { setting, nullptr };
	struct weir_config config;

	testing::internal::CaptureStderr();
	weir_config_load(&config, environment, "program", nullptr);
	EXPECT_THAT(
		testing::internal::GetCapturedStderr(),
		testing::MatchesRegex("weir\\[[0-9]+\\]: WEIR_LIMIT=12Q: not a size; [^\n]+\n"));
}

/* Where values come from. */

std::string Setting(const weir_config &config, const char *name)
{
	char data[1024];
	struct weir_text text;

	weir_text_init(&text, data, sizeof data);
	return weir_config_format_setting(&text, &config, name) ? data : "no such name";
}

TEST(Config, SaysWhereEachValueComesFrom)
{
	Loaded loaded({ "WEIR_PRESET=minimal", "WEIR_DECAY=3s", "WEIR_MIN=4Q" });

	EXPECT_EQ("WEIR_PRESET=minimal\tenvironment\n", Setting(loaded.config, "WEIR_PRESET"));
	EXPECT_EQ("WEIR_LIMIT=8M\tpreset\n", Setting(loaded.config, "WEIR_LIMIT"));
	EXPECT_EQ("WEIR_MAX=1M\tpreset\n", Setting(loaded.config, "WEIR_MAX"));
	EXPECT_EQ("WEIR_CLASS_BLOCKS=8\tpreset\n", Setting(loaded.config, "WEIR_CLASS_BLOCKS"));
	EXPECT_EQ("WEIR_DECAY=3s\tenvironment\n", Setting(loaded.config, "WEIR_DECAY"));
	EXPECT_EQ("WEIR_MIN=64K\tdefault\n", Setting(loaded.config, "WEIR_MIN"));
	EXPECT_EQ("WEIR_SIGNAL=USR1\tdefault\n", Setting(loaded.config, "WEIR_SIGNAL"));
}

TEST(Config, CallsAValueOfTheTableDefaultUnderAPresetThatLeavesIt)
{
	Loaded loaded({ "WEIR_PRESET=aggressive" });

	EXPECT_EQ("WEIR_LIMIT=min(5G, 50%)\tpreset\n", Setting(loaded.config, "WEIR_LIMIT"));
	EXPECT_EQ("WEIR_MAX=4G\tdefault\n", Setting(loaded.config, "WEIR_MAX"));
}

TEST(Config, SaysThatBoundsThatWerePutBackAreNotTheEnvironments)
{
	Loaded both({ "WEIR_MIN=2M", "WEIR_MAX=1M" });
	Loaded preset({ "WEIR_MIN=2M", "WEIR_PRESET=minimal" });

	EXPECT_EQ("WEIR_MIN=64K\tdefault\n", Setting(both.config, "WEIR_MIN"));
	EXPECT_EQ("WEIR_MAX=4G\tdefault\n", Setting(both.config, "WEIR_MAX"));
	EXPECT_EQ("WEIR_MAX=1M\tpreset\n", Setting(preset.config, "WEIR_MAX"));
}

TEST(Config, SaysThatADefaultInPlaceOfAShareIsNotTheEnvironments)
{
	Loaded loaded({ "WEIR_LIMIT=25%" });

	loaded.Resolve(0);
	EXPECT_EQ("WEIR_LIMIT=128M\tdefault\n", Setting(loaded.config, "WEIR_LIMIT"));
}

TEST(Config, HasASettingForEveryNameAndNoOther)
{
	Loaded loaded({});

	for (size_t i = 0; i < weir_config_option_count(); i++) {
		const char *name = weir_config_option_help(i).name;

		EXPECT_THAT(Setting(loaded.config, name),
			    testing::AllOf(StartsWith(std::string(name) + "="),
					   EndsWith("\tdefault\n")));
	}
	for (const char *name : { "", "WEIR_", "WEIR_LIMI", "WEIR_LIMITS", "weir_limit", "PATH" })
		EXPECT_EQ("no such name", Setting(loaded.config, name)) << name;
}

TEST(Config, ListsItsSettingsOneLineEach)
{
	Loaded loaded({ "WEIR_LIMIT=1M" });
	char data[4096];
	struct weir_text text;
	std::string lines;

	for (size_t i = 0; i < weir_config_option_count(); i++)
		lines += Setting(loaded.config, weir_config_option_help(i).name);
	weir_text_init(&text, data, sizeof data);
	weir_config_format_settings(&text, &loaded.config);
	EXPECT_EQ(lines, data);
	EXPECT_EQ(25, std::count(lines.begin(), lines.end(), '\n'));
}

TEST(Config, KeepsASettingOneLineWhateverTheEnvironmentHolds)
{
	Loaded loaded({ "WEIR_REPORT=exit:/tmp/a\nWEIR_LIMIT=1\tset", "WEIR_SOCKET=/run/a\nb",
			"WEIR_PROGRAMS=program,a\tb\nc" });

	for (const char *name : { "WEIR_REPORT", "WEIR_SOCKET", "WEIR_PROGRAMS" }) {
		std::string line = Setting(loaded.config, name);

		EXPECT_EQ(1, std::count(line.begin(), line.end(), '\n')) << line;
		EXPECT_EQ(1, std::count(line.begin(), line.end(), '\t')) << line;
	}
}

/* Changing settings while the program runs. */

struct Set {
	Set(weir_config *config, const char *name, const char *value, size_t memory = 4 * gib)
	{
		char data[512];
		struct weir_text text;

		weir_text_init(&text, data, sizeof data);
		done = weir_config_set(config, name, value, memory, &text);
		reason = data;
	}

	bool done;
	std::string reason;
};

TEST(Config, KnowsWhetherSharesWereSetLater)
{
	Loaded loaded({ "WEIR_LIMIT=64M" });

	loaded.Resolve(4 * gib);
	EXPECT_TRUE(Set(&loaded.config, "WEIR_LIMIT", "10%").done);
	EXPECT_TRUE(weir_config_has_shares(&loaded.config));
	EXPECT_TRUE(Set(&loaded.config, "WEIR_LIMIT", "10M").done);
	EXPECT_FALSE(weir_config_has_shares(&loaded.config));
}

TEST(Config, ChangesWhatCanBeChanged)
{
	Loaded loaded({ "WEIR_CLASS_LIMITS=512M-1G:1G,*:2G" });
	weir_config &config = loaded.config;

	loaded.Resolve(4 * gib);
	EXPECT_TRUE(Set(&config, "WEIR_LIMIT", "7M").done);
	EXPECT_TRUE(Set(&config, "WEIR_FOOTPRINT", "300M").done);
	EXPECT_TRUE(Set(&config, "WEIR_CLASS_BLOCKS", "5").done);
	EXPECT_TRUE(Set(&config, "WEIR_MAX_ALLOC", "2G").done);
	EXPECT_TRUE(Set(&config, "WEIR_DECAY", "off").done);
	EXPECT_TRUE(Set(&config, "WEIR_CLASS_LIMITS", "512M-1G:0,*:64M").done);
	EXPECT_EQ(7 * mib, config.limit_bytes);
	EXPECT_EQ(300 * mib, config.footprint_bytes);
	EXPECT_EQ(5U, config.class_blocks);
	EXPECT_EQ(2 * gib, config.max_alloc_bytes);
	EXPECT_EQ(WEIR_DECAY_OFF, config.decay_ms);
	EXPECT_EQ(0U, config.class_limits[0].limit_bytes);
	EXPECT_EQ(64 * mib, config.class_limits[1].limit_bytes);
	EXPECT_EQ("WEIR_LIMIT=7M\tset\n", Setting(config, "WEIR_LIMIT"));
	EXPECT_EQ("WEIR_CLASS_LIMITS=512M-1G:0,*:64M\tset\n", Setting(config, "WEIR_CLASS_LIMITS"));
	EXPECT_EQ("WEIR_MIN=64K\tdefault\n", Setting(config, "WEIR_MIN"));
}

TEST(Config, ChangesTheLimitsOfTheRangesThatTheEnvironmentGave)
{
	Loaded loaded({ "WEIR_CLASS_LIMITS=64K-1M:32M,*:128M" });

	Set set(&loaded.config, "WEIR_CLASS_LIMITS", "64K-1M:8M,*:16M");

	EXPECT_TRUE(set.done) << set.reason;
	EXPECT_EQ(8 * mib, loaded.config.class_limits[0].limit_bytes);
	EXPECT_EQ(16 * mib, loaded.config.class_limits[1].limit_bytes);
}

TEST(Config, AcceptsTheValueOfASettingThatItShows)
{
	Loaded loaded({ "WEIR_CLASS_LIMITS=64K-1M:32M,16M:64M,*:128M" });

	loaded.Resolve(4 * gib);
	for (size_t i = 0; i < weir_config_option_count(); i++) {
		struct weir_option_help option = weir_config_option_help(i);
		std::string line = Setting(loaded.config, option.name);
		std::string value = line.substr(0, line.find('\t')).substr(strlen(option.name) + 1);
		Set set(&loaded.config, option.name, value.c_str());

		EXPECT_EQ(option.live, set.done) << line << set.reason;
	}
}

TEST(Config, TakesSharesOfTheMemoryLimitWhenItIsChanged)
{
	Loaded loaded({ "WEIR_CLASS_LIMITS=*:1M" });

	loaded.Resolve(4 * gib);
	EXPECT_TRUE(Set(&loaded.config, "WEIR_LIMIT", "25%").done);
	EXPECT_EQ(gib, loaded.config.limit_bytes);
	EXPECT_TRUE(Set(&loaded.config, "WEIR_LIMIT", "min(1G, 12.5%)").done);
	EXPECT_EQ(512 * mib, loaded.config.limit_bytes);
	EXPECT_TRUE(Set(&loaded.config, "WEIR_CLASS_LIMITS", "*:50%").done);
	EXPECT_EQ(2 * gib, loaded.config.class_limits[0].limit_bytes);
	EXPECT_EQ("WEIR_LIMIT=512M\tset\n", Setting(loaded.config, "WEIR_LIMIT"));
}

TEST(Config, ForgetsAShareOnceASizeIsSet)
{
	Loaded loaded({ "WEIR_LIMIT=25%" });

	loaded.Resolve(gib);
	EXPECT_TRUE(Set(&loaded.config, "WEIR_LIMIT", "5M", gib).done);
	loaded.Resolve(2 * gib);
	EXPECT_EQ(5 * mib, loaded.config.limit_bytes);
}

/* Each is refused with a reason in one line, and changes nothing. */
void ExpectNotSet(const char *name, const char *value, const char *why, size_t memory = 4 * gib)
{
	Loaded loaded({ "WEIR_CLASS_LIMITS=64K-1M:32M,*:128M", "WEIR_LIMIT=3M" });

	loaded.Resolve(4 * gib);
	const weir_config before = loaded.config;
	Set set(&loaded.config, name, value, memory);

	EXPECT_FALSE(set.done) << name << "=" << value;
	EXPECT_THAT(set.reason, HasSubstr(why)) << name << "=" << value;
	EXPECT_EQ(std::string::npos, set.reason.find('\n'));
	EXPECT_EQ(0, memcmp(&before, &loaded.config, sizeof before)) << name << "=" << value;
}

TEST(Config, RefusesToSetABadValueAndChangesNothing)
{
	ExpectNotSet("WEIR_LIMIT", "12Q", "WEIR_LIMIT=12Q: not a size; accepted: a size from 0");
	ExpectNotSet("WEIR_LIMIT", "12Q", "using 3M");
	ExpectNotSet("WEIR_LIMIT", "", "not a size");
	ExpectNotSet("WEIR_LIMIT", "5T", "out of range");
	ExpectNotSet("WEIR_MAX_ALLOC", "1", "out of range");
	ExpectNotSet("WEIR_DECAY", "1ms", "out of range");
	ExpectNotSet("WEIR_CLASS_BLOCKS", "-1", "not a whole number");
	ExpectNotSet("WEIR_CLASS_LIMITS", "64K", "not a list of limits");
	ExpectNotSet("WEIR_LIMIT", "1\n2", "WEIR_LIMIT=1?2: not a size");
}

TEST(Config, RefusesToSetWhatIsFixedAtTheStart)
{
	for (const char *name :
	     { "WEIR_MIN", "WEIR_MAX", "WEIR_PRESET", "WEIR_SIGNAL", "WEIR_SOCKET",
	       "WEIR_HUGEPAGES", "WEIR_HARDEN", "WEIR_VERBOSE", "WEIR_STRICT" })
		ExpectNotSet(
			name, "1M",
			"cannot be changed while the program runs; these can: WEIR_LIMIT, "
			"WEIR_CLASS_LIMITS, WEIR_CLASS_BLOCKS, WEIR_FOOTPRINT, WEIR_MAX_ALLOC, "
			"WEIR_LIVE_LIMIT, WEIR_DECAY");
	ExpectNotSet("WEIR_LIMITS", "1M", "no variable of this name; these can be changed: ");
	ExpectNotSet("", "1M", "no variable of this name");
}

TEST(Config, RefusesToChangeTheRangesOfClassLimits)
{
	for (const char *value : { "none", "64K-1M:32M", "*:128M", "*:128M,64K-1M:32M",
				   "64K-2M:32M,*:128M", "64K-1M:32M,*:128M,16M:1M" })
		ExpectNotSet("WEIR_CLASS_LIMITS", value,
			     "the ranges of WEIR_CLASS_LIMITS stay as they were at the start, only "
			     "their limits can change: WEIR_CLASS_LIMITS=64K-");
}

TEST(Config, RefusesAShareOfAnUnknownMemoryLimit)
{
	ExpectNotSet("WEIR_LIMIT", "25%", "the memory limit is unknown", 0);
	ExpectNotSet("WEIR_CLASS_LIMITS", "64K-1M:25%,*:128M", "the memory limit is unknown", 0);
}

TEST(Config, SaysWhichSettingsCanBeChanged)
{
	std::vector<std::string> live;

	for (size_t i = 0; i < weir_config_option_count(); i++)
		if (weir_config_option_help(i).live)
			live.push_back(weir_config_option_help(i).name);
	EXPECT_THAT(live, ElementsAre("WEIR_LIMIT", "WEIR_CLASS_LIMITS", "WEIR_CLASS_BLOCKS",
				      "WEIR_FOOTPRINT", "WEIR_MAX_ALLOC", "WEIR_LIVE_LIMIT",
				      "WEIR_DECAY"));
}

/* LD_PRELOAD of the children. */

std::string LeftOf(const std::string &list)
{
	std::string entry = "LD_PRELOAD=" + list;
	char path[] = "PATH=/libweir.so";
	char *entries[] = { path, &entry[0], nullptr };
	char **saved = environ;

	environ = entries;
	weir_config_leave_environment();
	environ = saved;
	EXPECT_STREQ("PATH=/libweir.so", path);
	return entry.c_str() + strlen("LD_PRELOAD=");
}

TEST(Config, TakesItselfOutOfThePreloadList)
{
	EXPECT_EQ("", LeftOf("libweir.so"));
	EXPECT_EQ("", LeftOf("/usr/lib/libweir.so.0"));
	EXPECT_EQ("", LeftOf("/a/libweir.so.0 libweir.so:/b/libweir.so.0.0.0"));
	EXPECT_EQ("libjemalloc.so.2", LeftOf("libweir.so.0 libjemalloc.so.2"));
	EXPECT_EQ("a.so:b.so", LeftOf("a.so:/x/libweir.so.0:b.so"));
	EXPECT_EQ("a.so  b.so", LeftOf("a.so  b.so"));
}

TEST(Config, LeavesOtherLibrariesInThePreloadList)
{
	for (const char *list : { "", "libm.so", "/libweir.so.0/libm.so", "libweird.so", "libweir",
				  "libweir.s", "mylibweir.so", "/x/libjemalloc.so.2 /y/libm.so:z" })
		EXPECT_EQ(list, LeftOf(list));
}

TEST(Config, LeavesAnEnvironmentWithoutAPreloadListAlone)
{
	char other[] = "XLD_PRELOAD=libweir.so", another[] = "LD_PRELOADS=libweir.so";
	char *entries[] = { other, another, nullptr };
	char **saved = environ;

	environ = entries;
	weir_config_leave_environment();
	environ = nullptr;
	weir_config_leave_environment();
	environ = saved;
	EXPECT_STREQ("XLD_PRELOAD=libweir.so", other);
	EXPECT_STREQ("LD_PRELOADS=libweir.so", another);
}

/* The banner and the table. */

TEST(Config, TellsAllSettingsInOneLine)
{
	Loaded defaults({});
	Loaded changed({ "WEIR_PRESET=minimal", "WEIR_CLASS_LIMITS=64K-1M:32M,11M:10%,*:128M",
			 "WEIR_PROGRAMS=node,pro*", "WEIR_REPORT=exit:/tmp/%p", "WEIR_VERBOSE=1",
			 "WEIR_SIGNAL=SIGRTMIN+3", "WEIR_HUGEPAGES=never", "WEIR_MAX_ALLOC=2G",
			 "WEIR_HARDEN=1", "WEIR_FOOTPRINT=25%", "WEIR_SOCKET=/run/%p",
			 "WEIR_SOCKET_DIR=/run/s", "WEIR_ONLY=yes" });

	EXPECT_THAT(defaults.Banner(), HasSubstr("limit min(512M, 12.5%), "));
	defaults.Resolve(64 * gib);
	EXPECT_EQ(
		"disable 0, preset default, min 64K, max 4G, limit 512M, class-limits none, "
		"class-blocks none, footprint none, max-alloc none, live-limit none, decay 10s, "
		"signal USR1, socket off, socket-dir none, background 0, pressure 0, hugepages auto, harden 0, programs all, only 0, report off, record off, record-limit 1G, verbose 0, strict 0",
		defaults.Banner());
	EXPECT_EQ(
		"disable 0, preset minimal, min 64K, max 1M, limit 8M, class-limits "
		"64K-1M:32M,11M:10%,*:128M, class-blocks 8, footprint 25%, "
		"max-alloc 2G, live-limit none, decay 1s, signal RTMIN+3, socket /run/%p, "
		"socket-dir /run/s, background 0, pressure 0, hugepages never, harden 1, programs node,pro*, only 1, report exit:/tmp/%p, record off, record-limit 1G, verbose 1, strict 0",
		changed.Banner());
}

TEST(Config, CutsABannerThatDoesNotFit)
{
	Loaded loaded({});
	char data[16];
	struct weir_text text;

	weir_text_init(&text, data, sizeof data);
	weir_config_format_banner(&text, &loaded.config);
	EXPECT_STREQ("disable 0, pres", data);
}

TEST(Config, HasATableInWhichEveryDefaultIsItsOwnValue)
{
	const std::string defaults = Loaded({}).Banner();

	ASSERT_EQ(25U, weir_config_option_count());
	for (size_t i = 0; i < weir_config_option_count(); i++) {
		struct weir_option_help option = weir_config_option_help(i);
		Loaded loaded({ std::string(option.name) + "=" + option.default_text });

		EXPECT_THAT(loaded.complaints, IsEmpty()) << option.name;
		EXPECT_EQ(defaults, loaded.Banner()) << option.name;
		EXPECT_THAT(defaults, HasSubstr(std::string(" ") + option.default_text))
			<< option.name;
		EXPECT_STRNE("", option.help);
	}
}

} // namespace
