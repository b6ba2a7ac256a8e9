#include "test_engine.h"

#include <atomic>
#include <thread>

#include <sys/mman.h>
#include <unistd.h>

namespace
{

TEST(Release, EmptiesEveryList)
{
	EngineOptions options;

	options.limit = 256 * mib;
	Engine engine(options);
	std::vector<char *> blocks;
	std::vector<size_t> sizes;

	for (size_t base = 64 * kib; base <= 8 * mib; base *= 2)
		for (size_t eighths = 5; eighths <= 8; eighths++)
			sizes.push_back(base / 8 * eighths);
	for (size_t size : sizes) {
		blocks.push_back(engine.take(size));
		fill(blocks.back(), size, 1);
	}
	for (size_t i = 0; i < blocks.size(); i++) {
		fake_os_set_thread((int)i);
		engine.free(blocks[i]);
	}
	size_t retained = engine.retained_bytes();
	weir_tally tally = engine.release();

	EXPECT_EQ(retained, weir_units_to_bytes(tally.units));
	EXPECT_EQ(blocks.size(), tally.blocks);
	EXPECT_EQ(0U, engine.retained_bytes());
	for (size_t i = 0; i < blocks.size(); i++)
		EXPECT_EQ(0U, fake_os_resident(blocks[i], weir_align_up(sizes[i], page)));
	for (weir_class &each : engine.pool.classes)
		EXPECT_EQ(0U, each.blocks);
	EXPECT_TRUE(engine.consistent());
}

TEST(Release, LeavesLiveBlocksUntouched)
{
	Engine engine;
	char *live = engine.take(mib), *larger = engine.take(2 * mib);

	fill(live, mib, 1);
	fill(larger, 2 * mib, 2);
	engine.retain({ mib, 2 * mib, 4 * mib });
	engine.release();
	EXPECT_EQ(3 * mib, engine.live_bytes());
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_TRUE(holds(live, mib, 1));
	EXPECT_TRUE(holds(larger, 2 * mib, 2));
	EXPECT_TRUE(engine.consistent());
}

TEST(Release, TrimsTheSurplusOfLiveBlocks)
{
	Engine engine;
	char *block = engine.take(mib);

	fill(block, mib, 1);
	engine.free(block);
	ASSERT_EQ(block, engine.take(600 * kib));
	weir_tally tally = engine.release();

	EXPECT_EQ(mib - 600 * kib, weir_units_to_bytes(tally.units));
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(600 * kib, fake_os_resident(block, mib));
	EXPECT_TRUE(holds(block, 600 * kib, 1));
	EXPECT_TRUE(engine.consistent());
}

TEST(Release, RetainsWhatIsFreedAfterwards)
{
	Engine engine;
	char *block = engine.take(mib);

	engine.release();
	engine.free(block);
	EXPECT_EQ(mib, engine.retained_bytes());
	EXPECT_EQ(block, engine.take(mib));
	EXPECT_TRUE(engine.consistent());
}

TEST(Release, GivesTheSlotsOutAgainAsZeroes)
{
	Engine engine;
	char *block = engine.take(mib);

	fill(block, mib, 1);
	engine.free(block);
	engine.release();
	ASSERT_EQ(block, engine.take(mib));
	EXPECT_EQ(0U, engine.extent(block));
	EXPECT_TRUE(engine.zero_beyond_extents());
	for (size_t at = 0; at < mib; at++)
		ASSERT_EQ(0, block[at]);
}

TEST(Release, CountsUnderItsTrigger)
{
	Engine engine;

	engine.retain({ mib, mib });
	engine.release(WEIR_TRIGGER_api);
	engine.release(WEIR_TRIGGER_api);
	EXPECT_EQ(2 * mib, engine.released_bytes(WEIR_TRIGGER_api));
	EXPECT_EQ(2U, weir_stats_page.released[WEIR_TRIGGER_api].blocks);
	EXPECT_EQ(2U, weir_stats_page.released[WEIR_TRIGGER_api].releases);
	EXPECT_EQ(0U, weir_stats_page.released[WEIR_TRIGGER_signal].releases);
}

void advance_clock(void *context)
{
	fake_os_set_now_ms(++*(uint64_t *)context);
}

TEST(Release, CountsTheTimeItTook)
{
	Engine engine;
	uint64_t now_ms = 0;

	engine.retain({ mib, mib, 2 * mib });
	fake_os_on(FAKE_RELEASE, advance_clock, &now_ms);
	EXPECT_EQ(3000000U, engine.release(WEIR_TRIGGER_api).ns);
	EXPECT_EQ(3000000U, weir_stats_page.released[WEIR_TRIGGER_api].ns);
}

TEST(Release, StaysTrueWhereTheKernelRefuses)
{
	Engine engine;

	engine.retain({ mib, mib, 2 * mib });
	fake_os_fail(FAKE_RELEASE, 1, 1);
	fake_os_fail(FAKE_RENEW, 1, 1); /* the first is the 2 MiB block's fresh mapping */
	weir_tally tally = engine.release();

	EXPECT_EQ(2U, tally.blocks);
	EXPECT_EQ(mib, engine.retained_bytes());
	EXPECT_EQ(1U, weir_stats_page.counters[WEIR_COUNT_release_failures]);
	EXPECT_TRUE(engine.consistent());
}

TEST(Release, TriesAgainWhatTheKernelRefusedBefore)
{
	Engine engine;

	engine.retain({ mib });
	fake_os_fail(FAKE_RELEASE, 0, 1);
	fake_os_fail(FAKE_RENEW, 0, 1);
	engine.release();
	EXPECT_EQ(mib, engine.retained_bytes());
	engine.release();
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST(Release, GoesOnBelowABlockThatTheKernelWillNotRelease)
{
	Engine engine;
	char *blocks[3];

	fake_os_set_thread(0);
	for (char *&block : blocks)
		block = engine.take(mib);
	*blocks[2] = 1;
	ASSERT_EQ(0, mlock(blocks[2], page));
	for (char *block : blocks)
		engine.free(block);
	fake_os_fail(FAKE_RENEW, 0, 1000);
	engine.release();
	EXPECT_EQ(mib, engine.retained_bytes());
	EXPECT_EQ(mib, engine.extent(blocks[2]));
	EXPECT_TRUE(engine.consistent());
	fake_os_fail(FAKE_RENEW, 0, 0);
	engine.release();
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

/* In the middle of a release */

struct Middle {
	Engine *engine;
	char *block;
	unsigned after; /* kernel releases */
};

void free_in_the_middle(void *context)
{
	Middle *middle = (Middle *)context;

	if (middle->block && middle->after-- == 0) {
		char *block = middle->block;

		middle->block = nullptr;
		EXPECT_TRUE(middle->engine->free(block));
	}
}

TEST(Release, PutsABlockOnceThatIsFreedWhileItsSurplusGoes)
{
	Engine engine;
	char *block = engine.take(mib);
	Middle middle = { &engine, block, 0 };

	fill(block, mib, 1);
	engine.free(block);
	ASSERT_EQ(block, engine.take(600 * kib));
	fake_os_on(FAKE_RELEASE, free_in_the_middle, &middle);
	engine.release();
	EXPECT_EQ(nullptr, middle.block);
	EXPECT_EQ(0U, engine.live_bytes());
	EXPECT_TRUE(engine.consistent());
	EXPECT_EQ(block, engine.take(mib));
	EXPECT_NE(block, engine.take(mib));
	EXPECT_TRUE(engine.consistent());
}

void free_and_release_in_the_middle(void *context)
{
	Middle *middle = (Middle *)context;
	char *block = middle->block;

	middle->block = nullptr;
	if (!block)
		return;
	middle->engine->free(block);
	middle->engine->release(WEIR_TRIGGER_api);
}

/* The second release comes after the free, and finds a block that the first will put. */
TEST(Release, ReachesABlockThatWasFreedWhileAnotherTrimmedIt)
{
	Engine engine;
	char *block = engine.take(mib);
	Middle middle = { &engine, block, 0 };

	engine.free(block);
	ASSERT_EQ(block, engine.take(600 * kib));
	fake_os_on(FAKE_RELEASE, free_and_release_in_the_middle, &middle);
	engine.release();
	EXPECT_EQ(nullptr, middle.block);
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

/* Its free began after the release: it is retained, on a list that the release
 * has passed or on one that it will come to. */
TEST(Release, StaysTrueWhenBlocksAreFreedInTheMiddle)
{
	for (size_t size : { 64 * kib, mib, 8 * mib })
		for (unsigned after : { 0, 1, 2 }) {
			Engine engine;
			Middle middle = { &engine, engine.take(size), after };

			engine.retain({ 128 * kib, 2 * mib, 4 * mib });
			fake_os_on(FAKE_RELEASE, free_in_the_middle, &middle);
			engine.release();
			EXPECT_EQ(nullptr, middle.block);
			EXPECT_TRUE(engine.retained_bytes() == 0 ||
				    engine.retained_bytes() == size);
			EXPECT_EQ(0U, engine.live_bytes());
			EXPECT_TRUE(engine.consistent());
		}
}

void release_in_the_middle(void *context)
{
	Middle *middle = (Middle *)context;

	if (middle->after > 0) {
		middle->after--;
		middle->engine->release(WEIR_TRIGGER_api);
	}
}

TEST(Release, MayInterruptAnother)
{
	Engine engine;
	Middle middle = { &engine, nullptr, 3 };

	engine.retain({ 128 * kib, 2 * mib, 4 * mib, mib, mib, mib });
	fake_os_on(FAKE_RELEASE, release_in_the_middle, &middle);
	engine.release();
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(9 * mib + 128 * kib, engine.released_bytes(WEIR_TRIGGER_signal) +
					       engine.released_bytes(WEIR_TRIGGER_api));
	EXPECT_TRUE(engine.consistent());
}

TEST(Release, MayRunInSeveralThreadsAtOnce)
{
	Engine engine;
	std::vector<std::thread> threads;
	std::atomic<uint64_t> units{ 0 };

	for (int i = 0; i < 200; i++)
		engine.retain({ 64 * kib, 128 * kib, 128 * kib, 256 * kib });
	for (int i = 0; i < 40; i++)
		engine.retain(std::vector<size_t>(20, 64 * kib));
	size_t retained = engine.retained_bytes();

	for (int t = 0; t < 4; t++)
		threads.emplace_back([&] { units += engine.release().units; });
	for (std::thread &thread : threads)
		thread.join();
	EXPECT_EQ(retained, weir_units_to_bytes(units));
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

/* A part of it */

unsigned class_at(size_t bytes)
{
	return weir_class_of(weir_region_of(bytes, 1), bytes);
}

weir_tally release_some(Engine *engine, size_t keep, unsigned first = 0,
			unsigned end = WEIR_CLASS_COUNT)
{
	weir_release_scope scope = { keep >> WEIR_UNIT_SHIFT, first, end };

	return weir_release_some(&engine->pool, WEIR_TRIGGER_socket, &scope, engine->now());
}

TEST(ReleaseSome, KeepsAsMuchAsItIsTold)
{
	Engine engine;

	engine.retain({ mib, 2 * mib, 4 * mib, mib });
	for (size_t keep : { 8 * mib, 5 * mib, 5 * mib - page, 64 * kib, (size_t)0 }) {
		release_some(&engine, keep);
		EXPECT_EQ(keep, engine.retained_bytes());
		EXPECT_TRUE(engine.consistent());
	}
}

TEST(ReleaseSome, ReleasesNothingWhereNoMoreIsRetained)
{
	Engine engine;

	engine.retain({ mib, 2 * mib });
	unsigned calls = fake_os_calls(FAKE_RELEASE);
	weir_tally tally = release_some(&engine, 3 * mib);

	EXPECT_EQ(0U, tally.blocks);
	EXPECT_EQ(0U, tally.units);
	EXPECT_EQ(3 * mib, engine.retained_bytes());
	EXPECT_EQ(calls, fake_os_calls(FAKE_RELEASE));
}

TEST(ReleaseSome, BeginsWithWhatWasIdleLongest)
{
	Engine engine;

	engine.retain({ 2 * mib });
	fake_os_set_now_ms(10);
	engine.retain({ mib });
	fake_os_set_now_ms(20);
	engine.retain({ 4 * mib });
	release_some(&engine, 5 * mib);
	EXPECT_EQ(0U, engine.class_for(2 * mib).blocks);
	EXPECT_EQ(1U, engine.class_for(mib).blocks);
	release_some(&engine, 4 * mib);
	EXPECT_EQ(0U, engine.class_for(mib).blocks);
	EXPECT_EQ(1U, engine.class_for(4 * mib).blocks);
}

TEST(ReleaseSome, LeavesOtherClassesAlone)
{
	Engine engine;

	engine.retain({ 512 * kib, mib, mib, 2 * mib });
	weir_tally tally = release_some(&engine, 0, class_at(mib), class_at(mib) + 1);

	EXPECT_EQ(2U, tally.blocks);
	EXPECT_EQ(2 * mib, weir_units_to_bytes(tally.units));
	EXPECT_EQ(0U, engine.class_for(mib).blocks);
	EXPECT_EQ(512 * kib + 2 * mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

/* What is kept is counted over all classes. */
TEST(ReleaseSome, KeepsOfAllClassesWhatItReleasesOfSome)
{
	Engine engine;

	engine.retain({ mib, mib, 2 * mib });
	release_some(&engine, 3 * mib, class_at(mib), class_at(mib) + 1);
	EXPECT_EQ(1U, engine.class_for(mib).blocks);
	release_some(&engine, 1 * mib, class_at(mib), class_at(mib) + 1);
	EXPECT_EQ(0U, engine.class_for(mib).blocks);
	EXPECT_EQ(2 * mib, engine.retained_bytes());
}

TEST(ReleaseSome, TakesBlocksAtHandAndTheSurplusOfLiveOnes)
{
	EngineOptions options;

	options.cached = mib;
	Engine engine(options);
	char *block = engine.take(4 * mib);

	fill(block, 4 * mib, 1);
	engine.free(block);
	ASSERT_EQ(block, engine.take(3 * mib));
	engine.retain({ mib });
	ASSERT_GT(engine.pool.cache.units, 0U);
	release_some(&engine, mib, class_at(3 * mib), class_at(4 * mib) + 1);
	EXPECT_EQ(mib, engine.retained_bytes());
	EXPECT_EQ(3 * mib, fake_os_resident(block, 4 * mib));
	release_some(&engine, 0, class_at(mib), class_at(mib) + 1);
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(0U, engine.pool.cache.units);
	EXPECT_TRUE(holds(block, 3 * mib, 1));
	EXPECT_TRUE(engine.consistent());
}

TEST(ReleaseSome, LeavesBlocksAtHandOfOtherClassesAlone)
{
	EngineOptions options;

	options.cached = mib;
	Engine engine(options);

	engine.retain({ 768 * kib, 896 * kib, mib });
	release_some(&engine, 0, class_at(896 * kib), class_at(896 * kib) + 1);
	EXPECT_EQ(768 * kib + mib, engine.retained_bytes());
}

TEST(ReleaseSome, CountsALiveBlockAtHandAsLive)
{
	EngineOptions options;

	options.cached = mib;
	Engine engine(options);

	engine.retain({ mib });
	char *block = engine.take(mib);

	fill(block, mib, 1);
	ASSERT_GT(engine.pool.cache.units, 0U);
	EXPECT_EQ(0U, release_some(&engine, 0).units);
	EXPECT_EQ(mib, engine.live_bytes());
	EXPECT_TRUE(holds(block, mib, 1));
}

TEST(ReleaseSome, CountsUnderItsTrigger)
{
	Engine engine;

	engine.retain({ mib, 2 * mib });
	release_some(&engine, mib);
	EXPECT_EQ(2 * mib, engine.released_bytes(WEIR_TRIGGER_socket));
	EXPECT_EQ(1U, weir_stats_page.released[WEIR_TRIGGER_socket].releases);
	EXPECT_EQ(0U, weir_stats_page.released[WEIR_TRIGGER_limit].releases);
}

TEST(ReleaseSome, EndsWhereTheKernelRefuses)
{
	Engine engine;

	engine.retain({ mib, 2 * mib });
	fake_os_fail(FAKE_RELEASE, 0, 1U << 30);
	fake_os_fail(FAKE_RENEW, 0, 1U << 30);
	EXPECT_EQ(0U, release_some(&engine, 0).units);
	EXPECT_EQ(3 * mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

/* The class with the block that stays is not in the way of the others. */
TEST(ReleaseSome, GoesOnBesideABlockThatTheKernelWillNotRelease)
{
	Engine engine;

	engine.retain({ mib });
	fake_os_set_now_ms(5);
	engine.retain({ 2 * mib, 4 * mib });
	fake_os_fail(FAKE_RELEASE, 0, 1);
	fake_os_fail(FAKE_RENEW, 0, 1);
	release_some(&engine, 0);
	EXPECT_LE(engine.retained_bytes(), mib);
	EXPECT_TRUE(engine.consistent());
}

TEST(ReleaseSome, MayRunWhileBlocksAreFreed)
{
	for (unsigned after : { 0, 1, 2 }) {
		Engine engine;
		Middle middle = { &engine, engine.take(mib), after };

		engine.retain({ 128 * kib, 2 * mib, 4 * mib });
		fake_os_on(FAKE_RELEASE, free_in_the_middle, &middle);
		release_some(&engine, 64 * kib);
		EXPECT_EQ(nullptr, middle.block);
		EXPECT_LE(engine.retained_bytes(), mib + 64 * kib);
		EXPECT_TRUE(engine.consistent());
	}
}

/* What is beyond other limits */

TEST(ReleaseExcess, ReleasesDownToALowerLimit)
{
	Engine engine;
	EngineOptions options;

	engine.retain({ mib, 2 * mib, 4 * mib });
	for (size_t limit : { 5 * mib, 5 * mib - page, mib, (size_t)0 }) {
		size_t before = engine.retained_bytes();

		options.limit = limit;
		weir_tally tally = engine.change_limits(options);
		EXPECT_EQ(limit, engine.retained_bytes());
		EXPECT_EQ(before - limit, weir_units_to_bytes(tally.units));
		EXPECT_TRUE(engine.consistent());
	}
	EXPECT_EQ(7 * mib, engine.released_bytes(WEIR_TRIGGER_limit));
	EXPECT_EQ(4U, weir_stats_page.released[WEIR_TRIGGER_limit].releases);
}

TEST(ReleaseExcess, BeginsWithWhatWasIdleLongest)
{
	Engine engine;
	EngineOptions options;

	engine.retain({ 2 * mib });
	fake_os_set_now_ms(10);
	engine.retain({ mib, 4 * mib });
	options.limit = 5 * mib;
	engine.change_limits(options);
	EXPECT_EQ(0U, engine.class_for(2 * mib).blocks);
	EXPECT_EQ(1U, engine.class_for(mib).blocks);
	EXPECT_EQ(1U, engine.class_for(4 * mib).blocks);
}

TEST(ReleaseExcess, ReleasesNothingUnderAHigherLimit)
{
	Engine engine;
	EngineOptions options;

	engine.retain({ mib, 2 * mib });
	options.limit = 3 * mib;
	EXPECT_EQ(0U, engine.change_limits(options).blocks);
	EXPECT_EQ(3 * mib, engine.retained_bytes());
	EXPECT_EQ(0U, weir_stats_page.released[WEIR_TRIGGER_limit].releases);
}

TEST(ReleaseExcess, ReleasesDownToALowerFootprint)
{
	Engine engine;
	EngineOptions options;
	char *live = engine.take(4 * mib);

	fill(live, 4 * mib, 1);
	engine.retain({ mib, 2 * mib });
	options.footprint = 5 * mib;
	engine.change_limits(options);
	EXPECT_EQ(mib, engine.retained_bytes());
	options.footprint = 3 * mib;
	engine.change_limits(options);
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_TRUE(holds(live, 4 * mib, 1));
	EXPECT_TRUE(engine.consistent());
}

TEST(ReleaseExcess, ReleasesBlocksThatAClassMayNotKeepAnyMore)
{
	Engine engine;
	EngineOptions options;

	engine.retain({ mib, mib, mib, 2 * mib, 64 * kib, 64 * kib });
	options.class_blocks = 1;
	EXPECT_EQ(3U, engine.change_limits(options).blocks);
	EXPECT_EQ(3 * mib + 64 * kib, engine.retained_bytes());
	options.class_blocks = 0;
	engine.change_limits(options);
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST(ReleaseExcess, ReleasesBlocksBeyondALowerLimitOfTheirRange)
{
	EngineOptions options;

	options.class_limits = { range(0, mib, 16 * mib), range(0, SIZE_MAX, 16 * mib) };
	Engine engine(options);

	engine.retain({ mib, mib, mib, 2 * mib, 2 * mib, 64 * kib });
	options.class_limits[0].limit_bytes = 2 * mib;
	engine.change_limits(options);
	EXPECT_LE(engine.pool.quotas.ranges[0].used_units, (2 * mib) >> WEIR_UNIT_SHIFT);
	EXPECT_GE(engine.retained_bytes(), 5 * mib);
	options.class_limits[1].limit_bytes = 0;
	engine.change_limits(options);
	EXPECT_LE(engine.retained_bytes(), 2 * mib);
	EXPECT_TRUE(engine.consistent());
}

TEST(ReleaseExcess, TakesTheSurplusOfLiveBlocks)
{
	Engine engine;
	EngineOptions options;
	char *block = engine.take(4 * mib);

	fill(block, 4 * mib, 1);
	engine.free(block);
	ASSERT_EQ(block, engine.take(3 * mib));
	options.limit = 0;
	engine.change_limits(options);
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_TRUE(holds(block, 3 * mib, 1));
	EXPECT_TRUE(engine.consistent());
}

TEST(ReleaseExcess, MakesLiveBlocksAtHandGiveUpTheirRoom)
{
	EngineOptions options;

	options.cached = mib;
	Engine engine(options);

	engine.retain({ mib, 100 * kib });
	char *block = engine.take(mib);

	fill(block, mib, 1);
	options.limit = 0;
	engine.change_limits(options);
	EXPECT_EQ(0U, engine.charged_bytes());
	EXPECT_EQ(mib, engine.live_bytes());
	EXPECT_TRUE(holds(block, mib, 1));
	engine.free(block);
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST(ReleaseExcess, EmptiesTheCacheWhereBlocksAreCounted)
{
	EngineOptions options;

	options.cached = mib;
	Engine engine(options);

	engine.retain({ mib, 100 * kib, 2 * mib });
	char *block = engine.take(mib);

	options.class_blocks = 1;
	engine.change_limits(options);
	EXPECT_EQ(0U, engine.pool.cache.units);
	EXPECT_EQ(2 * mib, engine.retained_bytes());
	engine.free(block);
	EXPECT_EQ(0U, engine.pool.cache.units);
	EXPECT_EQ(1U, engine.class_for(mib).blocks);
	EXPECT_TRUE(engine.consistent());
}

struct Taken {
	Engine *engine;
	size_t bytes;
	char *block;
};

void take_in_the_middle(void *context)
{
	Taken *taken = (Taken *)context;

	if (!taken->block)
		taken->block = taken->engine->take(taken->bytes);
}

/* It was free while the live ones left the cache, and live when the free ones did. */
TEST(ReleaseExcess, EmptiesTheCacheOfABlockThatIsTakenMeanwhile)
{
	EngineOptions options;

	options.cached = mib;
	Engine engine(options);
	Taken taken = { &engine, mib, nullptr };

	engine.retain({ 100 * kib, mib });
	options.class_blocks = 0;
	fake_os_on(FAKE_RELEASE, take_in_the_middle, &taken);
	engine.change_limits(options);
	ASSERT_NE(nullptr, taken.block);
	engine.free(taken.block);
	EXPECT_EQ(0U, engine.pool.cache.units);
	EXPECT_EQ(0U, engine.retained_bytes());
}

TEST(ReleaseExcess, EndsWhereTheKernelRefuses)
{
	EngineOptions options;

	options.class_limits = { range(0, SIZE_MAX, 64 * mib) };
	options.class_blocks = 10;
	Engine engine(options);

	engine.retain({ mib, mib, 2 * mib });
	fake_os_fail(FAKE_RELEASE, 0, 1U << 30);
	fake_os_fail(FAKE_RENEW, 0, 1U << 30);
	options.limit = options.footprint = options.class_blocks = 0;
	options.class_limits[0].limit_bytes = 0;
	engine.change_limits(options);
	EXPECT_EQ(4 * mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
	fake_os_fail(FAKE_RELEASE, 0, 0);
	fake_os_fail(FAKE_RENEW, 0, 0);
	engine.change_limits(options);
	EXPECT_EQ(0U, engine.retained_bytes());
}

TEST(ReleaseExcess, ComesDownToTheLimitBesideABlockThatTheKernelWillNotRelease)
{
	Engine engine;
	EngineOptions options;

	engine.retain({ mib });
	fake_os_set_now_ms(5);
	engine.retain({ 2 * mib, 4 * mib });
	fake_os_fail(FAKE_RELEASE, 0, 1);
	fake_os_fail(FAKE_RENEW, 0, 1);
	options.limit = 2 * mib;
	engine.change_limits(options);
	EXPECT_LE(engine.retained_bytes(), 2 * mib);
	EXPECT_TRUE(engine.consistent());
}

TEST(Release, SaysWhatItReleasedInOneLine)
{
	weir_tally tally = { (412 * mib) >> WEIR_UNIT_SHIFT, 318, 18200000 };

	testing::internal::CaptureStderr();
	weir_release_say(WEIR_TRIGGER_signal, &tally);
	EXPECT_EQ("weir[" + std::to_string(getpid()) +
			  "]: released 412.0 MiB in 318 blocks (signal), 18.2 ms\n",
		  testing::internal::GetCapturedStderr());
}

} // namespace
