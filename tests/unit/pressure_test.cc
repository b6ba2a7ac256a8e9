#include <gtest/gtest.h>

#include <utility>

extern "C" {
#include "config.h"
#include "pressure.h"
}

namespace
{

constexpr size_t mib = WEIR_MIB;

/* A container of 256 MiB: its reserve is 32 MiB. */
struct Pressure : testing::Test {
	Pressure()
	{
		weir_pressure_init(&control);
		view.total_bytes = 256 * mib;
		view.used_bytes = 100 * mib;
		view.live_bytes = 10 * mib;
		view.retained_bytes = 80 * mib;
		view.limit_bytes = 128 * mib;
	}

	bool decide(uint64_t now_ms, weir_pressure said = WEIR_PRESSURE_NONE)
	{
		step = {};
		return weir_pressure_decide(&control, said, &view, now_ms, &step);
	}

	void leave_free(size_t bytes) { view.used_bytes = view.total_bytes - bytes; }

	weir_pressure_control control = {};
	weir_pressure_view view = {};
	weir_pressure_step step = {};
};

TEST_F(Pressure, DoesNothingWhileThereIsMoreThanTheReserve)
{
	leave_free(32 * mib);
	EXPECT_FALSE(decide(1000));
	EXPECT_EQ(WEIR_NO_LIMIT, control.ceiling_bytes);
}

TEST_F(Pressure, TakesWhatTheReserveLacksFromIdleBlocksFirst)
{
	leave_free(20 * mib);
	ASSERT_TRUE(decide(1000));
	EXPECT_EQ(12 * mib, step.idle_bytes);
	EXPECT_EQ(90 * mib, step.ceiling_bytes); /* live ones may be retained next */
}

TEST_F(Pressure, GivesAnEighthWhereItIsOnlyTold)
{
	ASSERT_TRUE(decide(1000, WEIR_PRESSURE_SOME));
	EXPECT_EQ(10 * mib, step.idle_bytes);
}

TEST_F(Pressure, IsInNoHurryWhereTheFiguresShowRoom)
{
	ASSERT_TRUE(decide(1000, WEIR_PRESSURE_HIGH));
	EXPECT_EQ(10 * mib, step.idle_bytes);
	EXPECT_EQ(90 * mib, step.ceiling_bytes);
}

/* A program that frees and takes its working set over and over. */
TEST_F(Pressure, LeavesAWorkingSetAloneOfWhichNothingIsIdle)
{
	for (uint64_t now_ms = 1000; now_ms < 60000; now_ms += 250) {
		ASSERT_TRUE(decide(now_ms, WEIR_PRESSURE_SOME));
		ASSERT_EQ(90 * mib, step.ceiling_bytes) << now_ms;
		std::swap(view.live_bytes, view.retained_bytes);
	}
}

TEST_F(Pressure, GivesHalfOfAllThatIsRetainedWhenItIsHigh)
{
	leave_free(15 * mib);
	ASSERT_TRUE(decide(1000));
	EXPECT_EQ(0U, step.idle_bytes);
	EXPECT_EQ(40 * mib, step.ceiling_bytes);
}

TEST_F(Pressure, GivesWhatIsLackingWhereThatIsMoreThanHalf)
{
	view.retained_bytes = 30 * mib;
	leave_free(10 * mib);
	ASSERT_TRUE(decide(1000));
	EXPECT_EQ(8 * mib, step.ceiling_bytes);
}

TEST_F(Pressure, GivesAllOfItAtTheLast)
{
	leave_free(7 * mib);
	ASSERT_TRUE(decide(1000));
	EXPECT_EQ(0U, step.ceiling_bytes);
}

/* What is live may grow faster than anybody can look. */
TEST_F(Pressure, LetsTheProgramGrowIntoWhatIsFreeBesideTheReserve)
{
	leave_free(100 * mib);
	EXPECT_FALSE(decide(1000));
	EXPECT_EQ(158 * mib, weir_pressure_footprint(&control, &view));
	leave_free(32 * mib);
	EXPECT_EQ(90 * mib, weir_pressure_footprint(&control, &view));
}

TEST_F(Pressure, LetsItGrowAtTheCostOfRetainedBlocksAloneWhileMemoryIsShort)
{
	leave_free(20 * mib);
	ASSERT_TRUE(decide(1000));
	EXPECT_EQ(90 * mib, weir_pressure_footprint(&control, &view));
	leave_free(15 * mib);
	ASSERT_TRUE(decide(2000));
	EXPECT_EQ(50 * mib, weir_pressure_footprint(&control, &view));
}

TEST_F(Pressure, LeavesNoFootprintBehindWhereItDoesNotLookAgain)
{
	view.retained_bytes = 0;
	EXPECT_FALSE(decide(1000));
	EXPECT_EQ(WEIR_NO_LIMIT, weir_pressure_footprint(&control, &view));
	EXPECT_EQ(UINT64_MAX, weir_pressure_next_ms(&control, &view, 1000));
}

TEST_F(Pressure, KeepsAnIntervalBetweenSteps)
{
	leave_free(20 * mib);
	ASSERT_TRUE(decide(1000));
	EXPECT_FALSE(decide(1249));
	EXPECT_TRUE(decide(1250));
	leave_free(15 * mib);
	EXPECT_FALSE(decide(1349)); /* not as long as before another small one */
	EXPECT_TRUE(decide(1350));
	EXPECT_FALSE(decide(1449));
	EXPECT_TRUE(decide(1450));
}

TEST_F(Pressure, NeverRaisesTheCeilingWhileMemoryIsShort)
{
	leave_free(15 * mib);
	ASSERT_TRUE(decide(1000));
	ASSERT_EQ(40 * mib, control.ceiling_bytes);
	leave_free(31 * mib); /* a step for idle blocks alone would allow more */
	ASSERT_TRUE(decide(2000));
	EXPECT_EQ(40 * mib, step.ceiling_bytes);
}

TEST_F(Pressure, RisesASixteenthOfTheLimitASecondAfterFiveSecondsOfQuiet)
{
	leave_free(15 * mib);
	ASSERT_TRUE(decide(1000));
	leave_free(100 * mib);
	view.retained_bytes = 40 * mib;
	EXPECT_FALSE(decide(5999));
	ASSERT_TRUE(decide(6000));
	EXPECT_EQ(48 * mib, step.ceiling_bytes);
	EXPECT_EQ(0U, step.idle_bytes);
	EXPECT_FALSE(decide(6999));
	ASSERT_TRUE(decide(7000));
	EXPECT_EQ(56 * mib, step.ceiling_bytes);
}

TEST_F(Pressure, EndsItsCeilingAtTheLimit)
{
	uint64_t now_ms = 1000;

	leave_free(15 * mib);
	ASSERT_TRUE(decide(now_ms));
	leave_free(156 * mib);
	view.retained_bytes = 40 * mib;
	for (now_ms = 6000; now_ms < 60000 && decide(now_ms); now_ms += 1000)
		if (step.ceiling_bytes == WEIR_NO_LIMIT)
			break;
	EXPECT_EQ(WEIR_NO_LIMIT, step.ceiling_bytes);
	EXPECT_EQ(16000U, now_ms);
	EXPECT_FALSE(decide(now_ms + 1000));
}

TEST_F(Pressure, RisesNoFurtherThanTheReserve)
{
	leave_free(15 * mib);
	ASSERT_TRUE(decide(1000));
	view.retained_bytes = 40 * mib;
	leave_free(35 * mib);
	ASSERT_TRUE(decide(10000));
	EXPECT_EQ(43 * mib, step.ceiling_bytes);
	EXPECT_FALSE(decide(11000));
}

TEST_F(Pressure, WaitsAnewAfterEachStep)
{
	ASSERT_TRUE(decide(1000, WEIR_PRESSURE_HIGH));
	EXPECT_FALSE(decide(5000));
	ASSERT_TRUE(decide(5500, WEIR_PRESSURE_SOME));
	EXPECT_FALSE(decide(10499));
	EXPECT_TRUE(decide(10500));
}

TEST_F(Pressure, BelievesWhoSaysSoWhereTheContainerIsUnknown)
{
	view.total_bytes = 0;
	view.used_bytes = 0;
	EXPECT_FALSE(decide(1000));
	ASSERT_TRUE(decide(1000, WEIR_PRESSURE_HIGH));
	EXPECT_EQ(40 * mib, step.ceiling_bytes);
	ASSERT_TRUE(decide(6000));
	EXPECT_EQ(48 * mib, step.ceiling_bytes);
}

TEST_F(Pressure, LooksTenTimesASecondNearTheReserveAndOnceFarFromIt)
{
	EXPECT_EQ(2000U, weir_pressure_next_ms(&control, &view, 1000));
	leave_free(127 * mib);
	EXPECT_EQ(1100U, weir_pressure_next_ms(&control, &view, 1000));
}

TEST_F(Pressure, LooksNoMoreWhereThereIsNothingToGiveAndNothingToRecover)
{
	view.retained_bytes = 0;
	EXPECT_EQ(UINT64_MAX, weir_pressure_next_ms(&control, &view, 1000));
	view.retained_bytes = mib;
	view.total_bytes = 0;
	EXPECT_EQ(UINT64_MAX, weir_pressure_next_ms(&control, &view, 1000));
	decide(1000, WEIR_PRESSURE_HIGH);
	EXPECT_EQ(2000U, weir_pressure_next_ms(&control, &view, 1000));
}

} // namespace
