#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>

extern "C" {
#include "stats.h"
}

namespace
{

struct Stats : testing::Test {
	Stats() { memset(&weir_stats, 0, sizeof weir_stats); }
	~Stats() override { memset(&weir_stats, 0, sizeof weir_stats); }
};

TEST_F(Stats, NamesEveryCounterAsTheReportDoes)
{
	std::set<std::string> names;

	for (int i = 0; i < WEIR_COUNTER_COUNT; i++)
		names.insert(weir_counter_name((weir_counter)i));
	EXPECT_EQ((size_t)WEIR_COUNTER_COUNT, names.size());
	for (const char *name : { "oversize", "reallocs_in_place", "reallocs_moved",
				  "reallocs_copied", "calloc_zeroed_bytes" })
		EXPECT_EQ(1U, names.count(name)) << name;
}

TEST_F(Stats, NamesEveryTrigger)
{
	const char *expected[] = { "limit", "signal", "decay", "api", "enomem" };

	ASSERT_EQ((size_t)WEIR_TRIGGER_COUNT, sizeof expected / sizeof *expected);
	for (int i = 0; i < WEIR_TRIGGER_COUNT; i++)
		EXPECT_STREQ(expected[i], weir_trigger_name((weir_trigger)i));
}

TEST_F(Stats, CountsEachCounterByItself)
{
	weir_stats_count(WEIR_COUNT_oversize, 2);
	weir_stats_count(WEIR_COUNT_oversize, 3);
	weir_stats_count(WEIR_COUNT_remap_failures, 1);
	EXPECT_EQ(5U, weir_stats.counters[WEIR_COUNT_oversize]);
	EXPECT_EQ(1U, weir_stats.counters[WEIR_COUNT_remap_failures]);
	EXPECT_EQ(0U, weir_stats.counters[WEIR_COUNT_reallocs_moved]);
}

TEST_F(Stats, AddsTalliesToTheirTrigger)
{
	weir_tally tally = { 10, 2, 300 };

	weir_stats_release(WEIR_TRIGGER_decay, &tally, 1);
	weir_stats_release(WEIR_TRIGGER_decay, &tally, 0);
	EXPECT_EQ(20U, weir_stats.released[WEIR_TRIGGER_decay].units);
	EXPECT_EQ(4U, weir_stats.released[WEIR_TRIGGER_decay].blocks);
	EXPECT_EQ(600U, weir_stats.released[WEIR_TRIGGER_decay].ns);
	EXPECT_EQ(1U, weir_stats.released[WEIR_TRIGGER_decay].releases);
	EXPECT_EQ(0U, weir_stats.released[WEIR_TRIGGER_signal].blocks);
}

} // namespace
