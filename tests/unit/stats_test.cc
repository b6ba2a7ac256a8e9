#include "test_engine.h"

#include <cstddef>
#include <cstring>
#include <set>
#include <string>

extern "C" {
#include "stats.h"

extern struct weir_stats_page weir_statistics;
}

namespace
{

struct Stats : testing::Test {
	Stats() { reset_counters(); }
	~Stats() override { reset_counters(); }
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
	const char *expected[] = {
		"limit", "signal", "socket", "decay", "api", "enomem", "pressure"
	};

	ASSERT_EQ((size_t)WEIR_TRIGGER_COUNT, sizeof expected / sizeof *expected);
	for (int i = 0; i < WEIR_TRIGGER_COUNT; i++)
		EXPECT_STREQ(expected[i], weir_trigger_name((weir_trigger)i));
}

TEST_F(Stats, CountsEachCounterByItself)
{
	weir_stats_count(WEIR_COUNT_oversize, 2);
	weir_stats_count(WEIR_COUNT_oversize, 3);
	weir_stats_count(WEIR_COUNT_remap_failures, 1);
	EXPECT_EQ(5U, weir_stats_page.counters[WEIR_COUNT_oversize]);
	EXPECT_EQ(1U, weir_stats_page.counters[WEIR_COUNT_remap_failures]);
	EXPECT_EQ(0U, weir_stats_page.counters[WEIR_COUNT_reallocs_moved]);
}

TEST_F(Stats, AddsTalliesToTheirTrigger)
{
	weir_tally tally = { 10, 2, 300 };

	weir_stats_release(WEIR_TRIGGER_decay, &tally, 1);
	weir_stats_release(WEIR_TRIGGER_decay, &tally, 0);
	EXPECT_EQ(20U, weir_stats_page.released[WEIR_TRIGGER_decay].units);
	EXPECT_EQ(4U, weir_stats_page.released[WEIR_TRIGGER_decay].blocks);
	EXPECT_EQ(600U, weir_stats_page.released[WEIR_TRIGGER_decay].ns);
	EXPECT_EQ(1U, weir_stats_page.released[WEIR_TRIGGER_decay].releases);
	EXPECT_EQ(0U, weir_stats_page.released[WEIR_TRIGGER_signal].blocks);
}

/* The page, as readers outside find it */

TEST_F(Stats, ShowsThePageUnderItsSymbol)
{
	EXPECT_EQ(&weir_stats_page, &weir_statistics);
	EXPECT_STREQ("weir_statistics", WEIR_STATS_SYMBOL);
	EXPECT_EQ(0U, (uintptr_t)&weir_stats_page % 4096);
}

TEST_F(Stats, BeginsThePageWithItsSizeAndVersion)
{
	EXPECT_EQ(sizeof(struct weir_stats_page), weir_stats_page.size);
	EXPECT_EQ((uint32_t)WEIR_STATS_VERSION, weir_stats_page.version);
	EXPECT_STREQ(WEIR_VERSION, weir_stats_page.weir_version);
	EXPECT_EQ(0U, offsetof(struct weir_stats_page, size));
	EXPECT_EQ(4U, offsetof(struct weir_stats_page, version));
}

/* A field that moves is another WEIR_STATS_VERSION. */
TEST_F(Stats, KeepsTheLayoutOfItsVersion)
{
	EXPECT_EQ(2, WEIR_STATS_VERSION);
	EXPECT_EQ(8U, offsetof(struct weir_stats_page, state));
	EXPECT_EQ(12U, offsetof(struct weir_stats_page, signal));
	EXPECT_EQ(16U, offsetof(struct weir_stats_page, signal_owner));
	EXPECT_EQ(20U, offsetof(struct weir_stats_page, settings_sequence));
	EXPECT_EQ(24U, offsetof(struct weir_stats_page, backend_malloc));
	EXPECT_EQ(32U, offsetof(struct weir_stats_page, limit_bytes));
	EXPECT_EQ(40U, offsetof(struct weir_stats_page, page_bytes));
	EXPECT_EQ(48U, offsetof(struct weir_stats_page, weir_version));
	EXPECT_EQ(64U, offsetof(struct weir_stats_page, program));
	EXPECT_EQ(128U, offsetof(struct weir_stats_page, socket));
	EXPECT_EQ(236U, offsetof(struct weir_stats_page, settings));
	EXPECT_EQ(8432U, offsetof(struct weir_stats_page, counters));
	EXPECT_EQ(8688U, offsetof(struct weir_stats_page, released));
	EXPECT_EQ(9200U, offsetof(struct weir_stats_page, regions));
	EXPECT_EQ(9472U, offsetof(struct weir_stats_page, pool));
	EXPECT_EQ(256U, offsetof(struct weir_pool_counts, classes));
	EXPECT_EQ(4608U, offsetof(struct weir_pool_counts, cached_hits));
	EXPECT_EQ(19200U, offsetof(struct weir_stats_page, memory_bytes));
	EXPECT_EQ(19216U, offsetof(struct weir_stats_page, pools_address));
	EXPECT_EQ(19224U, offsetof(struct weir_stats_page, pools));
	EXPECT_EQ(19228U, offsetof(struct weir_stats_page, pool_stride_bytes));
	EXPECT_EQ(16U, sizeof(struct weir_slot));
	EXPECT_EQ(12U, offsetof(struct weir_slot, pieces));
	EXPECT_EQ(14U, offsetof(struct weir_slot, pool));
	EXPECT_EQ(8U, offsetof(struct weir_stats_pool, name));
	EXPECT_EQ(40U, offsetof(struct weir_stats_pool, limit_bytes));
	EXPECT_EQ(128U, offsetof(struct weir_stats_pool, counts));
	EXPECT_EQ(20480U, sizeof(struct weir_stats_page));
}

} // namespace
