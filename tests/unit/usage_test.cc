#include <gtest/gtest.h>

extern "C" {
#include "usage.h"
}

namespace
{

TEST(Usage, KeepsLiveAndRetainedApart)
{
	weir_usage usage = {};

	weir_usage_add(&usage, 100, 7);
	weir_usage_add(&usage, -40, 3);
	EXPECT_EQ(60U, weir_usage_live(usage.word));
	EXPECT_EQ(10U, weir_usage_retained(usage.word));
	weir_usage_add(&usage, 5, -10);
	EXPECT_EQ(65U, weir_usage_live(usage.word));
	EXPECT_EQ(0U, weir_usage_retained(usage.word));
}

TEST(Usage, MovesUnitsFromOneCountToTheOtherAtOnce)
{
	weir_usage usage = {};

	weir_usage_add(&usage, 9, 0);
	usage.word += weir_usage_delta(-9, 9);
	EXPECT_EQ(0U, weir_usage_live(usage.word));
	EXPECT_EQ(9U, weir_usage_retained(usage.word));
}

TEST(Usage, HoldsTheLargestLimitWithoutTouchingTheLiveCount)
{
	weir_usage usage = {};

	weir_usage_add(&usage, 1, (int64_t)WEIR_USAGE_RETAINED_MAX);
	EXPECT_EQ(1U, weir_usage_live(usage.word));
	EXPECT_EQ(WEIR_USAGE_RETAINED_MAX, weir_usage_retained(usage.word));
	weir_usage_add(&usage, -1, -(int64_t)WEIR_USAGE_RETAINED_MAX);
	EXPECT_EQ(0U, usage.word);
}

TEST(Usage, HoldsTheLiveUnitsOfEveryRegionAtItsLargest)
{
	weir_usage usage = {};
	int64_t units = (int64_t)17 << (41 - WEIR_UNIT_SHIFT);

	weir_usage_add(&usage, units, 3);
	EXPECT_EQ((uint64_t)units, weir_usage_live(usage.word));
	EXPECT_EQ(3U, weir_usage_retained(usage.word));
}

TEST(Usage, HasNothingLiveWhileTheCountIsBelowZero)
{
	weir_usage usage = {};

	weir_usage_add(&usage, -5, 7);
	EXPECT_EQ(0U, weir_usage_live(usage.word));
	EXPECT_EQ(7U, weir_usage_retained(usage.word));
	weir_usage_add(&usage, 6, 0);
	EXPECT_EQ(1U, weir_usage_live(usage.word));
}

TEST(Usage, NotesTheLargestOfEachCountAndOfTheirSum)
{
	weir_usage usage = {};

	weir_usage_note_peaks(&usage, weir_usage_add(&usage, 100, 0), 0);
	weir_usage_note_peaks(&usage, weir_usage_add(&usage, -90, 60), 0);
	weir_usage_note_peaks(&usage, weir_usage_add(&usage, 0, -60), 0);
	EXPECT_EQ(100U, usage.peak_live_units);
	EXPECT_EQ(60U, usage.peak_retained_units);
	EXPECT_EQ(100U, usage.peak_footprint_units);
	weir_usage_note_peaks(&usage, weir_usage_add(&usage, 80, 20), 0);
	EXPECT_EQ(100U, usage.peak_live_units);
	EXPECT_EQ(110U, usage.peak_footprint_units);
}

TEST(Usage, CountsLiveUnitsThatCountAsRetained)
{
	weir_usage usage = {};
	uint64_t word = weir_usage_add(&usage, 10, 30);

	EXPECT_TRUE(weir_usage_is_peak(&usage, word, 0));
	weir_usage_note_peaks(&usage, word, 20);
	EXPECT_EQ(30U, usage.peak_live_units);
	EXPECT_EQ(10U, usage.peak_retained_units);
	EXPECT_EQ(40U, usage.peak_footprint_units);
	EXPECT_TRUE(weir_usage_is_peak(&usage, word, 21));
}

} // namespace
