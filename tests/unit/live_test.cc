#include "test_engine.h"

namespace
{

void refuse_releases()
{
	fake_os_fail(FAKE_RELEASE, 0, 1);
	fake_os_fail(FAKE_RENEW, 0, 1);
}

/* A live block of `bytes` in a slot that keeps `surplus` more. */
char *take_with_surplus(Engine *engine, size_t bytes, size_t surplus)
{
	char *block = engine->take(bytes + surplus);

	fill(block, bytes + surplus, 5);
	engine->free(block);
	EXPECT_EQ(block, engine->take(bytes));
	EXPECT_EQ(surplus, engine->retained_bytes());
	return block;
}

void trim_surplus(Engine *engine, const char *block, bool aged_only, weir_tally *tally)
{
	weir_block found = engine->find(block);

	weir_live_trim(&engine->pool, found.region, found.index, aged_only, 0, tally);
}

TEST(Live, GrowsInPlaceUpToTheStride)
{
	Engine engine;
	char *block = engine.take(600 * kib);

	fill(block, 600 * kib, 1);
	ASSERT_TRUE(engine.resize(block, mib));
	EXPECT_EQ(mib, engine.live_bytes());
	EXPECT_TRUE(holds(block, 600 * kib, 1));
	EXPECT_TRUE(engine.consistent());
	fill(block, mib, 2);
	engine.free(block);
	EXPECT_EQ(mib, engine.retained_bytes());
	EXPECT_EQ(mib, engine.extent(block));
	EXPECT_TRUE(engine.consistent());
}

TEST(Live, GrowsIntoItsSurplusFirst)
{
	Engine engine;
	char *block = take_with_surplus(&engine, 600 * kib, 200 * kib);

	ASSERT_TRUE(engine.resize(block, 700 * kib));
	EXPECT_EQ(100 * kib, engine.retained_bytes());
	EXPECT_EQ(700 * kib, engine.live_bytes());
	EXPECT_TRUE(engine.consistent());
	ASSERT_TRUE(engine.resize(block, 900 * kib));
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(900 * kib, engine.live_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST(Live, ChangesNoCountWithinAPage)
{
	Engine engine;
	char *block = engine.take(mib - 10);

	for (size_t bytes : { mib - 4000, mib - 1, mib })
		ASSERT_TRUE(engine.resize(block, bytes));
	EXPECT_EQ(mib, engine.live_bytes());
	EXPECT_EQ(mib, weir_slot_reach(engine.find(block).word));
	EXPECT_TRUE(engine.consistent());
}

TEST(Live, ReleasesTheTailOfABlockThatShrinks)
{
	Engine engine;
	char *block = engine.take(mib);

	fill(block, mib, 1);
	ASSERT_TRUE(engine.resize(block, 300 * kib + 1));
	EXPECT_EQ(304 * kib, engine.live_bytes());
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(304 * kib, fake_os_resident(block, mib));
	EXPECT_TRUE(holds(block, 300 * kib + 1, 1));
	EXPECT_TRUE(engine.live(block));
	EXPECT_TRUE(engine.consistent());
	EXPECT_TRUE(engine.zero_beyond_extents());
}

/* What was resident before the program got the block. */
TEST(Live, KeepsTheTailOfAReusedBlockAsSurplus)
{
	Engine engine;
	char *block = take_with_surplus(&engine, 700 * kib, 100 * kib);

	ASSERT_TRUE(engine.resize(block, 500 * kib));
	EXPECT_EQ(500 * kib, engine.live_bytes());
	EXPECT_EQ(300 * kib, engine.retained_bytes());
	EXPECT_EQ(800 * kib, engine.extent(block));
	EXPECT_EQ(800 * kib, fake_os_resident(block, mib));
	EXPECT_TRUE(holds(block, 500 * kib, 5));
	EXPECT_TRUE(engine.consistent());
	ASSERT_TRUE(engine.resize(block, 600 * kib));
	EXPECT_EQ(200 * kib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

/* Another block leaves no room for the tail. */
struct LiveAtTheLimit : testing::Test {
	LiveAtTheLimit()
	{
		char *other = engine.take(800 * kib);

		block = take_with_surplus(&engine, 700 * kib, 100 * kib);
		engine.free(other);
		EXPECT_EQ(900 * kib, engine.retained_bytes());
	}

	static EngineOptions options()
	{
		EngineOptions made;

		made.limit = mib;
		return made;
	}

	Engine engine{ options() };
	char *block;
};

TEST_F(LiveAtTheLimit, ReleasesSurplusAndTailOfABlockThatShrinks)
{
	ASSERT_TRUE(engine.resize(block, 500 * kib));
	EXPECT_EQ(500 * kib, engine.live_bytes());
	EXPECT_EQ(800 * kib, engine.retained_bytes());
	EXPECT_EQ(500 * kib, engine.extent(block));
	EXPECT_EQ(500 * kib, fake_os_resident(block, mib));
	EXPECT_TRUE(holds(block, 500 * kib, 5));
	EXPECT_TRUE(engine.consistent());
}

TEST_F(LiveAtTheLimit, KeepsTheTailAsSurplusWhereTheKernelWillNotReleaseIt)
{
	refuse_releases();
	ASSERT_TRUE(engine.resize(block, 500 * kib));
	EXPECT_EQ(500 * kib, engine.live_bytes());
	EXPECT_EQ(1100 * kib, engine.retained_bytes());
	EXPECT_EQ(800 * kib, engine.extent(block));
	EXPECT_EQ(1U, weir_stats_page.counters[WEIR_COUNT_release_failures]);
	EXPECT_TRUE(engine.consistent());
}

TEST(Live, ShrinksOnlyItsOwnClaim)
{
	Engine engine;
	char *block = engine.take(mib);
	weir_block claimed = engine.find(block);

	ASSERT_TRUE(weir_live_claim(&engine.pool, &claimed));
	EXPECT_FALSE(engine.resize(block, 500 * kib));
	EXPECT_FALSE(engine.resize(block, mib));
	EXPECT_EQ(mib, engine.live_bytes());
	weir_live_finish(&engine.pool, &claimed, 0);
	EXPECT_TRUE(engine.resize(block, 500 * kib));
	EXPECT_TRUE(engine.consistent());
}

TEST(Live, IsClaimedByOneAtATime)
{
	Engine engine;
	char *block = engine.take(mib);
	weir_block first = engine.find(block), late = engine.find(block);

	EXPECT_TRUE(weir_live_claim(&engine.pool, &first));
	EXPECT_FALSE(weir_live_claim(&engine.pool, &late));
	late = engine.find(block);
	EXPECT_FALSE(weir_live_claim(&engine.pool, &late));
	weir_live_finish(&engine.pool, &first, 0);
	EXPECT_TRUE(engine.live(block));
	EXPECT_TRUE(weir_live_claim(&engine.pool, &first));
	weir_live_finish(&engine.pool, &first, 0);
	EXPECT_TRUE(engine.consistent());
}

TEST(Live, IsPutByTheClaimThatAFreeFound)
{
	Engine engine;
	char *block = engine.take(mib);
	weir_block claimed = engine.find(block);

	ASSERT_TRUE(weir_live_claim(&engine.pool, &claimed));
	EXPECT_TRUE(engine.free(block));
	EXPECT_EQ(mib, engine.live_bytes());
	EXPECT_FALSE(engine.free(block));
	weir_live_finish(&engine.pool, &claimed, 0);
	EXPECT_EQ(0U, engine.live_bytes());
	EXPECT_EQ(mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
	EXPECT_EQ(block, engine.take(mib));
	EXPECT_NE(block, engine.take(mib));
}

TEST(Live, LosesItsSurplusOnDemand)
{
	Engine engine;
	char *block = take_with_surplus(&engine, 600 * kib, 200 * kib);
	weir_tally tally = {};

	trim_surplus(&engine, block, false, &tally);
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(600 * kib, engine.live_bytes());
	EXPECT_EQ(600 * kib, fake_os_resident(block, mib));
	EXPECT_TRUE(holds(block, 600 * kib, 5));
	EXPECT_EQ(200 * kib, weir_units_to_bytes(tally.units));
	EXPECT_EQ(1U, tally.blocks);
	EXPECT_TRUE(engine.consistent());
	trim_surplus(&engine, block, false, &tally);
	EXPECT_EQ(1U, tally.blocks);
}

TEST(Live, KeepsASurplusThatTheKernelWillNotRelease)
{
	Engine engine;
	char *block = take_with_surplus(&engine, 600 * kib, 200 * kib);
	weir_tally tally = {};

	refuse_releases();
	trim_surplus(&engine, block, false, &tally);
	EXPECT_EQ(200 * kib, engine.retained_bytes());
	EXPECT_EQ(0U, tally.blocks);
	EXPECT_TRUE(engine.consistent());
	trim_surplus(&engine, block, false, &tally);
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST(Live, LosesASurplusThatAged)
{
	Engine engine;
	char *block = take_with_surplus(&engine, 600 * kib, 200 * kib);
	weir_tally tally = {};

	trim_surplus(&engine, block, true, &tally);
	EXPECT_EQ(200 * kib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
	trim_surplus(&engine, block, true, &tally);
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(1U, tally.blocks);
	EXPECT_TRUE(engine.consistent());
}

TEST(Live, AgesAnewWhenItIsResized)
{
	Engine engine;
	char *block = take_with_surplus(&engine, 600 * kib, 200 * kib);
	weir_tally tally = {};

	trim_surplus(&engine, block, true, &tally);
	ASSERT_TRUE(engine.resize(block, 601 * kib));
	trim_surplus(&engine, block, true, &tally);
	EXPECT_EQ(0U, tally.blocks);
	trim_surplus(&engine, block, true, &tally);
	EXPECT_EQ(1U, tally.blocks);
}

/* finish() may find the word as the claim left it or without LIVE, no third way. */
TEST(Live, IsNotMarkedWhileAnotherThreadWorksOnIt)
{
	Engine engine;
	char *block = take_with_surplus(&engine, 600 * kib, 200 * kib);
	weir_block claimed = engine.find(block);
	weir_tally tally = {};
	uint64_t word;

	ASSERT_TRUE(weir_live_claim(&engine.pool, &claimed));
	word = engine.find(block).word;
	trim_surplus(&engine, block, true, &tally);
	EXPECT_EQ(word, engine.find(block).word);
	weir_live_finish(&engine.pool, &claimed, 0);
	EXPECT_TRUE(engine.live(block));
	EXPECT_TRUE(engine.consistent());
}

TEST(Live, LeavesFreeSlotsAlone)
{
	Engine engine;
	char *block = engine.take(mib);
	weir_tally tally = {};

	engine.free(block);
	trim_surplus(&engine, block, false, &tally);
	EXPECT_EQ(0U, tally.blocks);
	EXPECT_EQ(mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

struct FreeInTheMiddle {
	Engine *engine;
	char *block;
	bool done;
};

void free_block(void *context)
{
	FreeInTheMiddle *middle = (FreeInTheMiddle *)context;

	if (!middle->done) {
		middle->done = true;
		EXPECT_TRUE(middle->engine->free(middle->block));
	}
}

TEST(Live, IsPutOnceWhenItIsFreedWhileItsSurplusGoes)
{
	Engine engine;
	char *block = take_with_surplus(&engine, 600 * kib, 200 * kib);
	FreeInTheMiddle middle = { &engine, block, false };
	weir_tally tally = {};

	fake_os_on(FAKE_RELEASE, free_block, &middle);
	trim_surplus(&engine, block, false, &tally);
	EXPECT_TRUE(middle.done);
	EXPECT_FALSE(engine.live(block));
	EXPECT_EQ(0U, engine.live_bytes());
	EXPECT_EQ(600 * kib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
	EXPECT_EQ(block, engine.take(600 * kib));
	EXPECT_NE(block, engine.take(600 * kib));
}

} // namespace
