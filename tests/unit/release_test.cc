#include "engine.h"

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
	EXPECT_EQ(2U, weir_stats.released[WEIR_TRIGGER_api].blocks);
	EXPECT_EQ(2U, weir_stats.released[WEIR_TRIGGER_api].releases);
	EXPECT_EQ(0U, weir_stats.released[WEIR_TRIGGER_signal].releases);
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
	EXPECT_EQ(3000000U, weir_stats.released[WEIR_TRIGGER_api].ns);
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
	EXPECT_EQ(1U, weir_stats.counters[WEIR_COUNT_release_failures]);
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
