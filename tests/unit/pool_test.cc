#include "test_engine.h"

#include <sys/mman.h>

namespace
{

EngineOptions with_limit(size_t bytes)
{
	EngineOptions options;

	options.limit = bytes;
	return options;
}

/* Taking */

TEST(Pool, CountsAFreshSlotAsAMiss)
{
	Engine engine;

	ASSERT_NE(nullptr, engine.take(mib));
	EXPECT_EQ(mib, engine.live_bytes());
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(0U, engine.counts_for(mib).hits);
	EXPECT_EQ(1U, engine.counts_for(mib).misses);
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, CountsWholePages)
{
	Engine engine;

	engine.take(64 * kib + 1);
	EXPECT_EQ(68 * kib, engine.live_bytes());
	engine.take(mib - 1);
	EXPECT_EQ(68 * kib + mib, engine.live_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, GivesARetainedBlockAgain)
{
	Engine engine;
	char *first = engine.take(mib);

	fill(first, mib, 1);
	ASSERT_TRUE(engine.free(first));
	EXPECT_EQ(0U, engine.live_bytes());
	EXPECT_EQ(mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
	EXPECT_EQ(first, engine.take(mib - 5));
	EXPECT_TRUE(holds(first, mib, 1));
	EXPECT_EQ(mib, engine.live_bytes());
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(1U, engine.counts_for(mib).hits);
	EXPECT_EQ(1U, engine.counts_for(mib).misses);
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, GivesTheBlockThatWasFreedLast)
{
	Engine engine;
	char *first = engine.take(mib), *second = engine.take(mib);

	fake_os_set_thread(0);
	engine.free(first);
	engine.free(second);
	EXPECT_EQ(second, engine.take(mib));
	EXPECT_EQ(first, engine.take(mib));
}

TEST(Pool, FindsWhatAnotherCoreRetained)
{
	Engine engine;
	char *block = engine.take(mib);

	for (int core = 0; core < 2 * WEIR_POOL_SHARDS; core++) {
		fake_os_set_thread(core);
		engine.free(block);
		fake_os_set_thread(core + 1);
		EXPECT_EQ(block, engine.take(mib));
	}
	EXPECT_EQ(2U * WEIR_POOL_SHARDS, engine.counts_for(mib).hits);
}

TEST(Pool, ServesFromALargerClassOfTheSameDoubling)
{
	Engine engine;
	char *block = engine.take(mib);

	engine.free(block);
	EXPECT_EQ(block, engine.take(700 * kib));
	EXPECT_EQ(1U, engine.counts_for(700 * kib).hits);
	EXPECT_EQ(0U, engine.counts_for(mib).hits);
	EXPECT_EQ(700 * kib, engine.live_bytes());
	EXPECT_EQ(mib - 700 * kib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
	engine.free(block);
	EXPECT_EQ(mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, PrefersItsOwnClassToALargerOne)
{
	Engine engine;
	char *large = engine.take(mib), *own = engine.take(700 * kib);

	engine.free(own);
	engine.free(large);
	EXPECT_EQ(own, engine.take(700 * kib));
	EXPECT_EQ(large, engine.take(700 * kib));
}

TEST(Pool, LeavesLargerDoublingsAlone)
{
	Engine engine;
	char *large = engine.take(2 * mib);

	engine.free(large);
	EXPECT_NE(large, engine.take(200 * kib));
	EXPECT_EQ(2 * mib, engine.extent(large));
	EXPECT_EQ(2 * mib, engine.retained_bytes());
	EXPECT_EQ(1U, engine.counts_for(200 * kib).misses);
}

TEST(Pool, TakesAShorterBlockBeforeAnEmptySlot)
{
	Engine engine;
	char *shorter = engine.take(600 * kib);

	engine.free(shorter);
	EXPECT_EQ(shorter, engine.take(mib));
	EXPECT_EQ(600 * kib, engine.extent(shorter));
	EXPECT_EQ(mib, engine.live_bytes());
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(0U, engine.counts_for(mib).hits);
	EXPECT_TRUE(engine.consistent());
	engine.free(shorter);
	EXPECT_EQ(mib, engine.extent(shorter));
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, GivesBlocksOfALargeAlignmentTheRestOfTheirSlot)
{
	Engine engine;
	char *block = engine.take(64 * kib, 4 * mib);

	EXPECT_EQ(0U, (uintptr_t)block % (4 * mib));
	EXPECT_EQ(64 * kib, engine.live_bytes());
	engine.free(block);
	EXPECT_EQ(64 * kib, engine.retained_bytes());
	EXPECT_EQ(block, engine.take(100 * kib, 4 * mib));
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, HasNothingToGiveWhenTheRegionIsFull)
{
	Engine engine;
	std::vector<char *> blocks;
	size_t live;

	for (char *block; (block = engine.take(20 * mib)) != nullptr;)
		blocks.push_back(block);
	EXPECT_EQ(engine.space.regions[9].slot_count, blocks.size());
	live = engine.live_bytes();
	EXPECT_EQ(nullptr, engine.take(20 * mib));
	EXPECT_EQ(live, engine.live_bytes());
	EXPECT_TRUE(engine.consistent());
	engine.free(blocks[0]);
	EXPECT_EQ(blocks[0], engine.take(20 * mib));
}

/* Limits */

TEST(Pool, TrimsTheIncomingBlockToTheLimit)
{
	Engine engine(with_limit(5 * mib + 3 * page));
	char *first = engine.take(4 * mib), *second = engine.take(4 * mib);

	fill(first, 4 * mib, 1);
	fill(second, 4 * mib, 2);
	engine.free(first);
	engine.free(second);
	EXPECT_EQ(5 * mib + 3 * page, engine.retained_bytes());
	EXPECT_EQ(4 * mib, engine.extent(first));
	EXPECT_EQ(mib + 3 * page, engine.extent(second));
	EXPECT_EQ(mib + 3 * page, fake_os_resident(second, 4 * mib));
	EXPECT_TRUE(holds(second, mib + 3 * page, 2));
	EXPECT_EQ(3 * mib - 3 * page, engine.released_bytes(WEIR_TRIGGER_limit));
	EXPECT_TRUE(engine.consistent());
	EXPECT_TRUE(engine.zero_beyond_extents());
}

TEST(Pool, RoundsTheLimitDownToAPage)
{
	Engine engine(with_limit(mib + page - 1));

	engine.retain({ mib, mib });
	EXPECT_EQ(mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, RetainsNothingUnderAZeroLimit)
{
	Engine engine(with_limit(0));
	char *block = engine.take(mib);

	fill(block, mib, 1);
	engine.free(block);
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(0U, fake_os_resident(block, mib));
	EXPECT_EQ(block, engine.take(mib));
	EXPECT_EQ(0, block[0]);
	EXPECT_EQ(0U, engine.counts_for(mib).hits);
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, TakesRoomFromTheClassThatWasIdleLongest)
{
	Engine engine(with_limit(8 * mib));
	char *one = engine.take(mib), *two = engine.take(2 * mib), *four = engine.take(4 * mib);
	char *wanted = engine.take(3 * mib);

	fake_os_set_now_ms(10);
	engine.free(two);
	fake_os_set_now_ms(20);
	engine.free(one);
	fake_os_set_now_ms(30);
	engine.free(four);
	EXPECT_EQ(7 * mib, engine.retained_bytes());
	fake_os_set_now_ms(40);
	engine.free(wanted);
	EXPECT_EQ(8 * mib, engine.retained_bytes());
	EXPECT_EQ(0U, engine.extent(two));
	EXPECT_EQ(mib, engine.extent(one));
	EXPECT_EQ(4 * mib, engine.extent(four));
	EXPECT_EQ(3 * mib, engine.extent(wanted));
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, CountsTakingAsUseOfAClass)
{
	Engine engine(with_limit(4 * mib));
	char *one = engine.take(mib), *two = engine.take(2 * mib), *late = engine.take(2 * mib);
	char *wanted = engine.take(4 * mib);

	engine.free(one);
	fake_os_set_now_ms(10);
	engine.free(two);
	fake_os_set_now_ms(20);
	EXPECT_EQ(one, engine.take(mib));
	engine.free(one);
	fake_os_set_now_ms(30);
	engine.resize(wanted, 3 * mib);
	engine.free(wanted);
	EXPECT_EQ(0U, engine.extent(two));
	EXPECT_EQ(mib, engine.extent(one));
	engine.free(late);
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, TakesNoMoreRoomThanItNeeds)
{
	Engine engine(with_limit(4 * mib));
	char *idle = engine.take(2 * mib), *wanted = engine.take(2 * mib + 300 * kib);

	engine.free(idle);
	fake_os_set_now_ms(10);
	engine.free(wanted);
	EXPECT_EQ(4 * mib, engine.retained_bytes());
	EXPECT_EQ(2 * mib - 300 * kib, engine.extent(idle));
	EXPECT_EQ(2 * mib + 300 * kib, engine.extent(wanted));
	EXPECT_EQ(1U, weir_stats_page.released[WEIR_TRIGGER_limit].releases);
	EXPECT_EQ(1U, weir_stats_page.released[WEIR_TRIGGER_limit].blocks);
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, EmptiesAllIdleClassesForABlockThatNeedsThem)
{
	Engine engine(with_limit(8 * mib));
	char *wanted = engine.take(16 * mib);

	engine.retain({ mib, 2 * mib, 3 * mib, 64 * kib, 64 * kib });
	engine.free(wanted);
	EXPECT_EQ(8 * mib, engine.retained_bytes());
	EXPECT_EQ(8 * mib, engine.extent(wanted));
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, KeepsTheMostBlocksOfAClass)
{
	EngineOptions options;

	options.class_blocks = 2;
	Engine engine(options);
	char *third;

	engine.retain({ mib, mib });
	third = engine.take(896 * kib);
	EXPECT_EQ(1U, engine.class_for(mib).blocks);
	char *fourth = engine.take(mib), *fifth = engine.take(mib);
	engine.free(third);
	engine.free(fourth);
	engine.free(fifth);
	EXPECT_EQ(2U, engine.class_for(mib).blocks);
	EXPECT_EQ(2 * mib, engine.retained_bytes());
	EXPECT_EQ(0U, engine.extent(fifth));
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, KeepsNoBlocksWhereNoneAreAllowed)
{
	EngineOptions options;

	options.class_blocks = 0;
	Engine engine(options);

	engine.retain({ mib, 64 * kib });
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, TrimsABlockToTheQuotaOfItsRange)
{
	EngineOptions options;

	options.class_limits = { range(mib + 1, 2 * mib, 3 * mib + page) };
	Engine engine(options);

	engine.retain({ 2 * mib, 2 * mib, 2 * mib, mib, mib });
	EXPECT_EQ(3 * mib + page + 2 * mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, PutsATrimmedBlockUnderTheQuotaOfItsNewSize)
{
	EngineOptions options;

	options.class_limits = { range(900 * kib, mib, 512 * kib), range(0, 640 * kib, 100 * kib) };
	Engine engine(options);
	char *block = engine.take(mib);

	engine.free(block);
	EXPECT_EQ(100 * kib, engine.extent(block));
	EXPECT_EQ(100 * kib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, GivesAQuotaBackWhenABlockIsTaken)
{
	EngineOptions options;

	options.class_limits = { range(0, SIZE_MAX, mib) };
	Engine engine(options);

	for (int i = 0; i < 5; i++) {
		engine.retain({ mib });
		EXPECT_EQ(mib, engine.retained_bytes());
	}
	EXPECT_EQ(4U, engine.counts_for(mib).hits);
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, GivesAQuotaBackWhenTheClassHasNoPlace)
{
	EngineOptions options;

	options.class_blocks = 1;
	options.class_limits = { range(0, SIZE_MAX, 4 * mib) };
	Engine engine(options);

	engine.retain({ mib, mib, mib });
	EXPECT_EQ(mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, TrimsToWholeHugePages)
{
	EngineOptions options;

	options.huge_stride = 4 * mib;
	options.limit = 5 * mib + 300 * kib;
	Engine engine(options);
	char *block = engine.take(3 * mib), *other = engine.take(3 * mib);

	EXPECT_EQ(6 * mib, engine.live_bytes());
	engine.free(block);
	engine.free(other);
	EXPECT_EQ(3 * mib, engine.extent(block));
	EXPECT_EQ(2 * mib, engine.extent(other));
	EXPECT_EQ(5 * mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, NotesItsPeaks)
{
	Engine engine(with_limit(3 * mib));

	engine.retain({ 2 * mib, 2 * mib });
	EXPECT_EQ(4 * mib, weir_units_to_bytes(engine.pool.stats->usage.peak_live_units));
	EXPECT_EQ(3 * mib, weir_units_to_bytes(engine.pool.stats->usage.peak_retained_units));
	EXPECT_EQ(4 * mib, weir_units_to_bytes(engine.pool.stats->usage.peak_footprint_units));
}

/* A kernel that refuses */

void refuse_releases(unsigned times)
{
	fake_os_fail(FAKE_RELEASE, 0, times);
	fake_os_fail(FAKE_RENEW, 0, times);
}

TEST(Pool, PutsFreshPagesWhereTheKernelWillNotRelease)
{
	Engine engine(with_limit(0));
	char *block = engine.take(mib);

	fill(block, mib, 1);
	fake_os_fail(FAKE_RELEASE, 0, 1);
	engine.free(block);
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(0U, fake_os_resident(block, mib));
	EXPECT_EQ(0U, weir_stats_page.counters[WEIR_COUNT_release_failures]);
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, ReleasesPagesThatTheProgramLocked)
{
	Engine engine(with_limit(0));
	char *block = engine.take(mib);

	fill(block, mib, 1);
	ASSERT_EQ(0, mlock(block, 16 * page));
	engine.free(block);
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(0U, fake_os_resident(block, mib));
	EXPECT_EQ(0U, weir_stats_page.counters[WEIR_COUNT_release_failures]);
}

TEST(Pool, ReleasesByFreshPagesWhereReleaseDoesNotZero)
{
	Engine engine(with_limit(0));
	char *block = engine.take(mib);

	engine.space.release_zeroes = false;
	fake_os_ignore_release(true);
	fill(block, mib, 1);
	engine.free(block);
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(0U, fake_os_resident(block, mib));
}

TEST(Pool, CountsWhatTheKernelWillNotReleaseAsRetained)
{
	Engine engine(with_limit(mib));
	char *block = engine.take(4 * mib);

	fill(block, 4 * mib, 1);
	refuse_releases(1);
	engine.free(block);
	EXPECT_EQ(4 * mib, engine.retained_bytes());
	EXPECT_EQ(0U, engine.live_bytes());
	EXPECT_EQ(4 * mib, engine.extent(block));
	EXPECT_EQ(1U, weir_stats_page.counters[WEIR_COUNT_release_failures]);
	EXPECT_EQ(0U, engine.released_bytes(WEIR_TRIGGER_limit));
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, TakesAStuckBlockAgainWithItsExtent)
{
	Engine engine(with_limit(mib));
	char *block = engine.take(4 * mib);

	fill(block, 4 * mib, 1);
	refuse_releases(1);
	engine.free(block);
	EXPECT_EQ(block, engine.take(3 * mib));
	EXPECT_EQ(4 * mib, engine.extent(block));
	EXPECT_EQ(3 * mib, engine.live_bytes());
	EXPECT_EQ(mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
	engine.free(block);
	EXPECT_EQ(mib, engine.retained_bytes());
	EXPECT_EQ(mib, fake_os_resident(block, 4 * mib));
	EXPECT_TRUE(engine.consistent());
	EXPECT_TRUE(engine.zero_beyond_extents());
}

TEST(Pool, RetainsNothingMoreWhileStuckBlocksFillTheLimit)
{
	Engine engine(with_limit(2 * mib));
	char *stuck = engine.take(4 * mib), *next = engine.take(mib);

	stuck[4 * mib - 1] = 1;
	ASSERT_EQ(0, mlock(stuck + 4 * mib - page, page));
	fake_os_fail(FAKE_RENEW, 0, 1000);
	engine.free(stuck);
	engine.free(next);
	EXPECT_EQ(4 * mib, engine.extent(stuck));
	EXPECT_EQ(0U, engine.extent(next));
	EXPECT_EQ(4 * mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, ReturnsToTheLimitOnceTheKernelGivesWay)
{
	Engine engine(with_limit(2 * mib));
	char *stuck = engine.take(4 * mib), *next = engine.take(mib);

	refuse_releases(1);
	engine.free(stuck);
	engine.free(next);
	EXPECT_EQ(2 * mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, StaysTrueWhenVictimsCannotBeReleased)
{
	Engine engine(with_limit(4 * mib));
	char *wanted = engine.take(4 * mib);

	engine.retain({ mib, mib, 2 * mib });
	fake_os_set_now_ms(5);
	refuse_releases(100);
	engine.free(wanted);
	EXPECT_EQ(8 * mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

/* Release epoch */

void release_once(void *context)
{
	Engine *engine = (Engine *)context;

	fake_os_on(FAKE_RELEASE, nullptr, nullptr);
	engine->release(WEIR_TRIGGER_signal);
}

TEST(Pool, DrainsABlockThatWasOnItsWayToAListWhenAReleaseBegan)
{
	Engine engine(with_limit(mib));
	char *block = engine.take(2 * mib);

	fill(block, 2 * mib, 1);
	fake_os_on(FAKE_RELEASE, release_once, &engine);
	engine.free(block);
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(0U, fake_os_resident(block, 2 * mib));
	EXPECT_EQ(mib, engine.released_bytes(WEIR_TRIGGER_signal));
	EXPECT_EQ(1U, weir_stats_page.released[WEIR_TRIGGER_signal].releases);
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, DrainsTheRestOfAVictimThatWasInHandWhenAReleaseBegan)
{
	Engine engine(with_limit(4 * mib));
	char *idle = engine.take(4 * mib), *wanted = engine.take(mib);

	engine.free(idle);
	fake_os_set_now_ms(1);
	fake_os_on(FAKE_RELEASE, release_once, &engine);
	engine.free(wanted);
	EXPECT_EQ(0U, engine.extent(idle));
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, TrimsTheSurplusOfABlockThatWasInHandWhenAReleaseBegan)
{
	Engine engine;
	weir_block block = {};
	char *address = engine.take(mib);

	fill(address, mib, 3);
	engine.free(address);
	ASSERT_TRUE(weir_pool_take(&engine.pool, 4, 600 * kib, 0, &block));
	engine.release();
	EXPECT_EQ(mib - 600 * kib, engine.retained_bytes());
	weir_live_publish(&engine.pool, &block, 600 * kib, 0);
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(600 * kib, fake_os_resident(address, mib));
	EXPECT_TRUE(holds(address, 600 * kib, 3));
	EXPECT_EQ(mib - 600 * kib, engine.released_bytes(WEIR_TRIGGER_signal));
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, TellsReleasesApartByTheirTriggers)
{
	Engine engine;
	weir_block block = {};

	ASSERT_TRUE(weir_pool_take(&engine.pool, 4, mib, 0, &block));
	EXPECT_FALSE(weir_pool_release_began(&engine.pool, &block));
	for (int trigger = 0; trigger < WEIR_TRIGGER_COUNT; trigger++) {
		block.epoch = engine.pool.epoch;
		weir_pool_begin_release(&engine.pool, (weir_trigger)trigger);
		EXPECT_TRUE(weir_pool_release_began(&engine.pool, &block)) << trigger;
		EXPECT_EQ((uint64_t)trigger, engine.pool.epoch & 7);
	}
}

TEST(Pool, DrainsUpToTheNumberAskedFor)
{
	Engine engine;
	weir_tally tally = {};
	unsigned own = weir_class_of(4, mib);

	engine.retain({ mib, mib, mib, 2 * mib });
	EXPECT_EQ(2U, weir_pool_drain(&engine.pool, own, 2, &tally));
	EXPECT_EQ(2U, tally.blocks);
	EXPECT_EQ(2 * mib, weir_units_to_bytes(tally.units));
	EXPECT_EQ(3 * mib, engine.retained_bytes());
	EXPECT_EQ(1U, weir_pool_drain(&engine.pool, own, 2, &tally));
	EXPECT_EQ(0U, weir_pool_drain(&engine.pool, own, 2, &tally));
	EXPECT_EQ(2 * mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

/* Other limits while it works */

TEST(Pool, KeepsToTheLimitThatIsInForceNow)
{
	Engine engine(with_limit(mib));

	engine.set_limits(with_limit(3 * mib));
	engine.retain({ 2 * mib, 2 * mib });
	EXPECT_EQ(3 * mib, engine.retained_bytes());
	engine.release();
	engine.set_limits(with_limit(64 * kib));
	engine.retain({ 2 * mib, mib });
	EXPECT_EQ(64 * kib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, LeavesWhatIsRetainedWhenLimitsChange)
{
	Engine engine;

	engine.retain({ mib, 2 * mib });
	unsigned calls = fake_os_calls(FAKE_RELEASE);

	engine.set_limits(with_limit(0));
	EXPECT_EQ(3 * mib, engine.retained_bytes());
	EXPECT_EQ(calls, fake_os_calls(FAKE_RELEASE));
}

TEST(Pool, KeepsToTheFootprintThatIsInForceNow)
{
	EngineOptions options;
	Engine engine;
	char *block = engine.take(mib);

	options.footprint = 3 * mib;
	engine.set_limits(options);
	engine.take(2 * mib);
	engine.free(block);
	EXPECT_EQ(mib, engine.retained_bytes());
	options.footprint = 2 * mib;
	engine.change_limits(options);
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, KeepsToTheBlocksOfAClassThatAreAllowedNow)
{
	EngineOptions options;
	Engine engine;

	options.class_blocks = 2;
	engine.set_limits(options);
	engine.retain({ mib, mib, mib });
	EXPECT_EQ(2U, engine.class_for(mib).blocks);
	options.class_blocks = 3;
	engine.set_limits(options);
	engine.retain({ mib, mib, mib, mib });
	EXPECT_EQ(3U, engine.class_for(mib).blocks);
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, KeepsToTheLimitOfARangeThatIsInForceNow)
{
	EngineOptions options;

	options.class_limits = { range(0, SIZE_MAX, mib) };
	Engine engine(options);

	options.class_limits = { range(0, SIZE_MAX, 3 * mib) };
	engine.set_limits(options);
	engine.retain({ 2 * mib, 2 * mib });
	EXPECT_EQ(3 * mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

struct Change {
	Engine *engine;
	EngineOptions options;
};

void change_once(void *context)
{
	Change *change = (Change *)context;

	fake_os_on(FAKE_RELEASE, nullptr, nullptr);
	change->engine->change_limits(change->options);
}

/* Its free had read the old limits. */
TEST(Pool, ReleasesABlockThatWasOnItsWayToAListWhenLimitsChanged)
{
	EngineOptions lower[3];

	lower[0].limit = mib;
	lower[1].class_blocks = 0;
	lower[2].footprint = mib;
	for (const EngineOptions &options : lower) {
		Engine engine(with_limit(4 * mib));
		Change change = { &engine, options };
		char *block = engine.take(6 * mib);

		fake_os_on(FAKE_RELEASE, change_once, &change);
		engine.free(block);
		EXPECT_EQ(0U, engine.retained_bytes());
		EXPECT_GT(engine.released_bytes(WEIR_TRIGGER_limit), 0U);
		EXPECT_TRUE(engine.consistent());
	}
}

/* Room of one part of the classes */

unsigned class_at(size_t bytes)
{
	return weir_class_of(weir_region_of(bytes, 1), bytes);
}

TEST(Pool, TakesRoomFromTheClassesItIsTold)
{
	Engine engine;
	weir_tally tally = {};

	engine.retain({ 512 * kib, mib, 2 * mib });
	EXPECT_TRUE(weir_pool_evict_of(&engine.pool, UINT64_MAX, class_at(mib), class_at(mib) + 1,
				       &tally));
	EXPECT_EQ(mib, weir_units_to_bytes(tally.units));
	EXPECT_EQ(0U, engine.class_for(mib).blocks);
	EXPECT_FALSE(weir_pool_evict_of(&engine.pool, UINT64_MAX, class_at(mib), class_at(mib) + 1,
					&tally));
	EXPECT_EQ(512 * kib + 2 * mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, TakesRoomFromTheClassOfThoseThatWasIdleLongest)
{
	Engine engine;
	weir_tally tally = {};
	const size_t by_age[] = { 4 * mib, mib, 2 * mib };

	for (size_t bytes : by_age) {
		fake_os_set_now_ms(engine.now() + 5);
		engine.retain({ bytes });
	}
	for (size_t bytes : { mib, 2 * mib }) {
		EXPECT_TRUE(
			weir_pool_evict_of(&engine.pool, UINT64_MAX, 0, class_at(4 * mib), &tally));
		EXPECT_EQ(0U, engine.class_for(bytes).blocks) << bytes;
	}
	EXPECT_FALSE(weir_pool_evict_of(&engine.pool, UINT64_MAX, 0, class_at(4 * mib), &tally));
	EXPECT_EQ(4 * mib, engine.retained_bytes());
}

TEST(Pool, TakesAsMuchOfABlockAsItIsTold)
{
	Engine engine;
	weir_tally tally = {};

	engine.retain({ 2 * mib });
	EXPECT_TRUE(weir_pool_evict_of(&engine.pool, 3, 0, WEIR_CLASS_COUNT, &tally));
	EXPECT_EQ(3U, tally.units);
	EXPECT_EQ(2 * mib - 3 * page, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST(Pool, LeavesTheCacheAloneWhenToldOfClasses)
{
	EngineOptions options;

	options.cached = mib;
	Engine engine(options);
	weir_tally tally = {};

	engine.retain({ mib });
	ASSERT_GT(engine.pool.cache.units, 0U);
	EXPECT_FALSE(weir_pool_evict_of(&engine.pool, UINT64_MAX, 0, WEIR_CLASS_COUNT, &tally));
	EXPECT_EQ(mib, engine.retained_bytes());
}

TEST(Pool, SaysWhereTheKernelWillNotReleaseForClasses)
{
	Engine engine;
	weir_tally tally = {};

	engine.retain({ mib });
	fake_os_fail(FAKE_RELEASE, 0, 1);
	fake_os_fail(FAKE_RENEW, 0, 1);
	EXPECT_FALSE(weir_pool_evict_of(&engine.pool, UINT64_MAX, 0, WEIR_CLASS_COUNT, &tally));
	EXPECT_EQ(mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

/* Live blocks, counted one by one */

EngineOptions counting(size_t live_limit)
{
	EngineOptions options;

	options.live_limit = live_limit;
	options.cached = mib;
	return options;
}

uint64_t units(size_t bytes)
{
	return bytes >> WEIR_UNIT_SHIFT;
}

TEST(PoolLive, ReservesUpToTheLimitExactly)
{
	Engine engine(counting(10 * mib));

	EXPECT_TRUE(weir_pool_reserve_live(&engine.pool, units(6 * mib)));
	EXPECT_FALSE(weir_pool_reserve_live(&engine.pool, units(4 * mib) + 1));
	EXPECT_TRUE(weir_pool_reserve_live(&engine.pool, units(4 * mib)));
	EXPECT_FALSE(weir_pool_reserve_live(&engine.pool, 1));
	weir_pool_give_back_live(&engine.pool, 1);
	EXPECT_TRUE(weir_pool_reserve_live(&engine.pool, 1));
	EXPECT_FALSE(weir_pool_reserve_live(&engine.pool, UINT64_MAX));
}

TEST(PoolLive, GivesBackWhatABlockHadWhenItIsPut)
{
	Engine engine(counting(10 * mib));
	char *block;

	ASSERT_TRUE(weir_pool_reserve_live(&engine.pool, units(6 * mib)));
	block = engine.take(6 * mib);
	EXPECT_FALSE(weir_pool_reserve_live(&engine.pool, units(5 * mib)));
	EXPECT_TRUE(engine.free(block));
	EXPECT_EQ(0U, engine.pool.reserved_live_units);
	EXPECT_TRUE(engine.consistent());
}

/* free() gave back what it had: whoever works on its pages then puts the block late. */
TEST(PoolLive, GivesBackOnceWhatABlockHadThatIsFreedWhileItsPagesAreInHand)
{
	Engine engine(counting(10 * mib));
	weir_block claimed;

	ASSERT_TRUE(weir_pool_reserve_live(&engine.pool, units(6 * mib)));
	char *block = engine.take(6 * mib);

	claimed = engine.find(block);
	ASSERT_TRUE(weir_live_claim(&engine.pool, &claimed));
	EXPECT_TRUE(engine.free(block));
	weir_pool_give_back_live(&engine.pool, units(6 * mib));
	EXPECT_TRUE(weir_pool_reserve_live(&engine.pool, units(10 * mib)));
	weir_live_finish(&engine.pool, &claimed, 0);
	EXPECT_EQ(units(10 * mib), engine.pool.reserved_live_units);
	EXPECT_EQ(6 * mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

/* The last table of a shorter block is no block of the program. */
TEST(PoolLive, GivesBackNothingForATableThatIsSetAside)
{
	EngineOptions options = counting(100 * mib);

	options.footprint = 17 * mib;
	Engine engine(options);
	char *shorter, *other;

	ASSERT_TRUE(weir_pool_reserve_live(&engine.pool, units(16 * mib)));
	shorter = engine.take(11 * mib);
	other = engine.take(5 * mib);
	engine.free(shorter);
	engine.free(other);
	ASSERT_EQ(0U, engine.pool.reserved_live_units);
	ASSERT_TRUE(weir_pool_reserve_live(&engine.pool, units(14 * mib)));
	ASSERT_EQ(shorter, engine.take(14 * mib));
	EXPECT_EQ(7 * mib, fake_os_bytes(FAKE_MOVE)); /* it was set aside */
	EXPECT_EQ(units(14 * mib), engine.pool.reserved_live_units);
	EXPECT_TRUE(engine.consistent());
}

TEST(PoolLive, KeepsNoBlockAtHand)
{
	Engine engine(counting(10 * mib));

	ASSERT_TRUE(weir_pool_reserve_live(&engine.pool, units(mib)));
	EXPECT_TRUE(engine.free(engine.take(mib)));
	EXPECT_EQ(0U, engine.pool.cache.units);
	EXPECT_EQ(mib, engine.retained_bytes());
}

TEST(PoolLive, RefusesNothingWhereTheyAreNotCounted)
{
	Engine engine;

	EXPECT_TRUE(weir_pool_reserve_live(&engine.pool, UINT64_MAX));
	EXPECT_EQ(0U, engine.pool.reserved_live_units);
}

TEST(PoolLive, TakesAnotherLimit)
{
	Engine engine(counting(10 * mib));

	ASSERT_TRUE(weir_pool_reserve_live(&engine.pool, units(6 * mib)));
	engine.set_limits(counting(5 * mib));
	EXPECT_FALSE(weir_pool_reserve_live(&engine.pool, 1));
	engine.set_limits(EngineOptions());
	EXPECT_TRUE(weir_pool_reserve_live(&engine.pool, units(mib)));
}

/* Idle classes */

TEST(PoolIdle, ReleasesOfClassesThatNobodyUsedSince)
{
	Engine engine;
	weir_tally tally = {};

	fake_os_set_now_ms(1000);
	engine.retain({ 2 * mib, 2 * mib });
	fake_os_set_now_ms(3000);
	engine.retain({ 4 * mib });
	EXPECT_TRUE(weir_pool_evict_idle(&engine.pool, units(mib), 2000, &tally));
	EXPECT_EQ(units(mib), tally.units);
	while (weir_pool_evict_idle(&engine.pool, UINT64_MAX, 2000, &tally))
		;
	EXPECT_EQ(4 * mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

} // namespace
