#include "test_engine.h"

namespace
{

constexpr uint64_t period = 1000;

/* An engine whose clock the test moves; decay runs only when the test says so. */
struct Decay : testing::Test {
	Decay() { weir_decay_init(&decay, period, 0); }

	static EngineOptions options()
	{
		EngineOptions made;

		made.limit = WEIR_GIB;
		made.region_shift = 30;
		return made;
	}

	/* One call of the program at this time. */
	bool step(uint64_t now_ms)
	{
		fake_os_set_now_ms(now_ms);
		return weir_decay_step(&decay, &engine.pool, now_ms, &tally);
	}

	/* Calls until nothing is due at this time; how many there were. */
	unsigned steps(uint64_t now_ms)
	{
		unsigned count = 0;

		do {
			step(now_ms);
			count++;
		} while (decay.due && count < 1000);
		return count;
	}

	Engine engine{ options() };
	weir_decay decay = {};
	weir_tally tally = {};
};

TEST_F(Decay, ReleasesNothingBeforeAWholePeriod)
{
	step(1);
	engine.retain({ mib, 2 * mib });
	for (uint64_t now_ms : { period / 2, period - 1, period, period + 1 }) {
		steps(now_ms);
		EXPECT_EQ(3 * mib, engine.retained_bytes()) << now_ms;
	}
	EXPECT_TRUE(engine.consistent());
}

/* With a call every millisecond: when a block is gone that was freed at that time. */
uint64_t gone_at(uint64_t freed_ms)
{
	struct DecayOfOne : Decay {
		void TestBody() override {}
	} one;

	for (uint64_t now_ms = 0; now_ms < 10 * period; now_ms++) {
		one.step(now_ms);
		if (now_ms == freed_ms)
			one.engine.retain({ mib });
		else if (now_ms > freed_ms && one.engine.retained_bytes() == 0)
			return now_ms;
	}
	return UINT64_MAX;
}

TEST(DecayClock, ReleasesABlockBetweenOnePeriodAndFourThirdsOfOneAfterItsLastUse)
{
	for (uint64_t freed_ms = 0; freed_ms < 2 * period; freed_ms += 37) {
		uint64_t waited_ms = gone_at(freed_ms) - freed_ms;

		EXPECT_GE(waited_ms, period - 1) << freed_ms;
		EXPECT_LE(waited_ms, period * 4 / 3 + 1) << freed_ms;
	}
}

/* Freed so late after the last request: when it is gone, with a call every millisecond. */
uint64_t late_one_gone_at(uint64_t freed_ms, bool asked_for_meanwhile)
{
	struct DecayOfOne : Decay {
		void TestBody() override {}
	} one;
	char *late = one.engine.take(mib);

	for (uint64_t now_ms = 0; now_ms < 10 * period; now_ms++) {
		one.step(now_ms);
		if (now_ms == freed_ms - period / 2 && asked_for_meanwhile)
			one.engine.take(mib);
		if (now_ms == freed_ms)
			one.engine.free(late);
		else if (now_ms > freed_ms && one.engine.retained_bytes() == 0)
			return now_ms;
	}
	return UINT64_MAX;
}

TEST(DecayClock, ReleasesWhatComesBackToAClassThatNobodyAskedForWithinTwoThirds)
{
	for (uint64_t freed_ms = 4 * period / 3; freed_ms < 3 * period; freed_ms += 37) {
		uint64_t waited_ms = late_one_gone_at(freed_ms, false) - freed_ms;

		EXPECT_GE(waited_ms, period / 3 - 1) << freed_ms;
		EXPECT_LE(waited_ms, period * 2 / 3 + 1) << freed_ms;
	}
}

TEST(DecayClock, KeepsItForAPeriodWhereSomebodyAsked)
{
	for (uint64_t freed_ms = 4 * period / 3; freed_ms < 3 * period; freed_ms += 37)
		EXPECT_GE(late_one_gone_at(freed_ms, true) - freed_ms, period / 2) << freed_ms;
}

TEST_F(Decay, KeepsWhatDemandGrewByInAPeriod)
{
	std::vector<char *> grown;

	engine.retain(std::vector<size_t>(8, mib));
	for (uint64_t now_ms = 0; now_ms <= 6 * period; now_ms += period / 3) {
		steps(now_ms);
		grown.push_back(engine.take(2 * mib));
	}
	EXPECT_EQ(6 * mib, engine.retained_bytes()); /* three blocks of 2 MiB a period */
	steps(9 * period);
	steps(12 * period);
	EXPECT_EQ(0U, engine.retained_bytes());
}

TEST_F(Decay, SaysWhenToCallAgain)
{
	EXPECT_EQ(period / 3, weir_decay_next_ms(&decay));
	engine.retain(std::vector<size_t>(4, 32 * mib));
	steps(period);
	step(2 * period);
	EXPECT_EQ(0U, weir_decay_next_ms(&decay));
	steps(2 * period);
	EXPECT_EQ(2 * period + period / 3, weir_decay_next_ms(&decay));
	weir_decay_set_period(&decay, WEIR_DECAY_OFF, 2 * period);
	EXPECT_EQ(UINT64_MAX, weir_decay_next_ms(&decay));
}

TEST_F(Decay, ReleasesWhatALateCallFinds)
{
	engine.retain({ mib, 2 * mib });
	steps(period);
	EXPECT_EQ(3 * mib, engine.retained_bytes());
	steps(2 * period);
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(3 * mib, engine.released_bytes(WEIR_TRIGGER_decay));
	EXPECT_EQ(1U, weir_stats_page.released[WEIR_TRIGGER_decay].releases);
	EXPECT_TRUE(engine.consistent());
}

TEST_F(Decay, SaysWhenItHasFinished)
{
	engine.retain({ mib, 2 * mib });
	EXPECT_FALSE(step(period));
	EXPECT_FALSE(step(period + period / 3 - 1));
	EXPECT_TRUE(step(2 * period));
	EXPECT_EQ(3 * mib, weir_units_to_bytes(tally.units));
	EXPECT_EQ(2U, tally.blocks);
	EXPECT_FALSE(step(2 * period));
	EXPECT_FALSE(step(3 * period));
}

TEST_F(Decay, KeepsTheBlocksOfAClassInUse)
{
	engine.retain({ mib, mib, mib });
	for (uint64_t third = 0; third < 30; third++) {
		steps(third * period / 3);
		engine.retain({ mib, mib, mib });
		EXPECT_EQ(3 * mib, engine.retained_bytes()) << third;
	}
	EXPECT_EQ(3U * 30, engine.counts_for(mib).hits);
}

TEST_F(Decay, ReleasesOnlyWhatNobodyNeededInTheWholePeriod)
{
	engine.retain({ mib, mib, mib, mib, mib });
	for (uint64_t now_ms = 0; now_ms <= 4 * period; now_ms += period / 4) {
		steps(now_ms);
		engine.retain({ mib, mib });
	}
	EXPECT_EQ(2 * mib, engine.retained_bytes());
	EXPECT_EQ(3 * mib, engine.released_bytes(WEIR_TRIGGER_decay));
	EXPECT_TRUE(engine.consistent());
}

TEST_F(Decay, LeavesLiveBlocksAlone)
{
	char *block = engine.take(mib);

	fill(block, mib, 1);
	for (uint64_t now_ms = 0; now_ms < 5 * period; now_ms += period)
		steps(now_ms);
	EXPECT_TRUE(holds(block, mib, 1));
	EXPECT_EQ(mib, engine.live_bytes());
}

TEST_F(Decay, TrimsTheSurplusOfLiveBlocksBetweenOneAndTwoPeriods)
{
	char *block = engine.take(mib);

	fill(block, mib, 1);
	engine.free(block);
	fake_os_set_now_ms(period / 2);
	ASSERT_EQ(block, engine.take(600 * kib));
	steps(period);
	EXPECT_EQ(mib - 600 * kib, engine.retained_bytes());
	steps(period + period * 2 / 3);
	EXPECT_EQ(mib - 600 * kib, engine.retained_bytes());
	steps(2 * period);
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(600 * kib, fake_os_resident(block, mib));
	EXPECT_TRUE(holds(block, 600 * kib, 1));
	EXPECT_TRUE(engine.consistent());
}

TEST_F(Decay, ReleasesABoundedPartInEachCall)
{
	size_t before = 20 * 16 * mib;

	engine.retain(std::vector<size_t>(20, 16 * mib));
	steps(period);
	ASSERT_EQ(before, engine.retained_bytes());
	do {
		before = engine.retained_bytes();
		step(2 * period);
		EXPECT_LE(before - engine.retained_bytes(), 48 * mib);
	} while (engine.retained_bytes() < before);
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(1U, weir_stats_page.released[WEIR_TRIGGER_decay].releases);
}

TEST_F(Decay, TrimsABoundedPartOfTheSurplusInEachCall)
{
	size_t before;

	engine.retain(std::vector<size_t>(20, 16 * mib));
	for (int i = 0; i < 20; i++)
		ASSERT_NE(nullptr, engine.take(9 * mib));
	before = engine.retained_bytes();
	ASSERT_EQ(20 * 7 * mib, before);
	for (int i = 0; i < 100; i++) {
		step(i < 50 ? period : 2 * period);
		EXPECT_LE(before - engine.retained_bytes(), 48 * mib);
		before = engine.retained_bytes();
	}
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST_F(Decay, SparesBlocksThatAreUsedBetweenTwoOfItsSteps)
{
	engine.retain(std::vector<size_t>(4, 32 * mib));
	steps(period);
	step(2 * period);
	ASSERT_EQ(3U, engine.class_for(32 * mib).blocks);
	engine.retain(std::vector<size_t>(3, 32 * mib));
	steps(2 * period);
	EXPECT_EQ(3U, engine.class_for(32 * mib).blocks);
	steps(3 * period - 1);
	EXPECT_EQ(3U, engine.class_for(32 * mib).blocks);
}

TEST_F(Decay, ReleasesNoMoreThanStayedUnusedSinceTheTick)
{
	engine.retain(std::vector<size_t>(5, 32 * mib));
	steps(period);
	step(2 * period);
	ASSERT_EQ(4U, engine.class_for(32 * mib).blocks);
	engine.retain({ 32 * mib, 32 * mib });
	steps(2 * period);
	EXPECT_EQ(2U, engine.class_for(32 * mib).blocks);
}

TEST_F(Decay, SparesBlocksThatAreFreedAfterAReleaseBetweenTwoOfItsSteps)
{
	engine.retain(std::vector<size_t>(4, 32 * mib));
	steps(period);
	step(2 * period);
	engine.release();
	engine.retain({ 32 * mib, 32 * mib });
	steps(2 * period);
	EXPECT_EQ(2U, engine.class_for(32 * mib).blocks);
}

TEST_F(Decay, TicksOnceForAllThePeriodsOfAnIdleProgram)
{
	engine.retain({ mib });
	steps(100 * period);
	EXPECT_EQ(mib, engine.retained_bytes());
	steps(100 * period + period / 3 - 1);
	EXPECT_EQ(mib, engine.retained_bytes());
	steps(101 * period);
	EXPECT_EQ(0U, engine.retained_bytes());
}

TEST_F(Decay, GoesOnWhereTheKernelRefuses)
{
	engine.retain({ mib, 2 * mib, 4 * mib });
	steps(period);
	fake_os_fail(FAKE_RELEASE, 0, 1);
	fake_os_fail(FAKE_RENEW, 0, 1);
	EXPECT_LT(steps(2 * period), 10U);
	EXPECT_EQ(mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST_F(Decay, NeverReleasesWhenItIsOff)
{
	weir_decay_init(&decay, WEIR_DECAY_OFF, 5);
	engine.retain({ mib });
	for (uint64_t now_ms : { (uint64_t)0, period, 100 * period, UINT64_MAX - 1 })
		EXPECT_FALSE(step(now_ms));
	EXPECT_EQ(mib, engine.retained_bytes());
	EXPECT_EQ(0U, weir_stats_page.released[WEIR_TRIGGER_decay].releases);
}

/* Another period */

TEST_F(Decay, CountsAnotherPeriodFromNowOn)
{
	engine.retain({ mib });
	weir_decay_set_period(&decay, 9 * period, period - 1);
	for (uint64_t now_ms = period; now_ms < 13 * period; now_ms += period)
		steps(now_ms);
	EXPECT_EQ(mib, engine.retained_bytes());
	steps(13 * period);
	EXPECT_EQ(0U, engine.retained_bytes());
}

TEST_F(Decay, TakesAShorterPeriodAtOnce)
{
	engine.retain({ mib });
	weir_decay_set_period(&decay, 90, 5);
	for (uint64_t now_ms : { 35, 65, 95, 124 })
		steps(now_ms);
	EXPECT_EQ(mib, engine.retained_bytes());
	steps(125);
	EXPECT_EQ(0U, engine.retained_bytes());
}

TEST_F(Decay, KeepsWhatIsDueWhenThePeriodChanges)
{
	engine.retain(std::vector<size_t>(4, 32 * mib));
	steps(period);
	step(2 * period);
	ASSERT_EQ(3U, engine.class_for(32 * mib).blocks);
	weir_decay_set_period(&decay, WEIR_DECAY_OFF, 2 * period);
	steps(2 * period);
	EXPECT_EQ(0U, engine.class_for(32 * mib).blocks);
}

TEST_F(Decay, EndsAndBeginsWhileTheProgramRuns)
{
	engine.retain({ mib });
	weir_decay_set_period(&decay, WEIR_DECAY_OFF, 1);
	steps(100 * period);
	steps(200 * period);
	EXPECT_EQ(mib, engine.retained_bytes());
	weir_decay_set_period(&decay, period, 200 * period);
	steps(201 * period - 1);
	steps(201 * period);
	EXPECT_EQ(mib, engine.retained_bytes());
	steps(202 * period);
	EXPECT_EQ(0U, engine.retained_bytes());
}

} // namespace
