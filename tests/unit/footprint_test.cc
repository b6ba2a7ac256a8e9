#include "test_engine.h"

namespace
{

struct Footprint : testing::Test {
	static EngineOptions options(size_t footprint)
	{
		EngineOptions made;

		made.limit = WEIR_GIB;
		made.footprint = footprint;
		return made;
	}

	size_t held() { return engine.live_bytes() + engine.retained_bytes(); }

	Engine engine{ options(10 * mib) };
};

TEST_F(Footprint, LetsRetainedBlocksGoForFreshOnes)
{
	char *old = engine.take(100 * kib);

	engine.retain({ 4 * mib, 5 * mib });
	ASSERT_TRUE(engine.live(old));
	engine.take(200 * kib);
	engine.take(200 * kib);
	for (int i = 0; i < 20; i++) {
		engine.take(200 * kib);
		ASSERT_LE(held(), 10 * mib);
		ASSERT_TRUE(engine.consistent());
	}
	EXPECT_GT(held(), 9 * mib);
	EXPECT_GT(engine.released_bytes(WEIR_TRIGGER_limit), 0U);
}

TEST_F(Footprint, ReleasesJustWhatIsNeeded)
{
	engine.retain({ 10 * mib });
	engine.take(100 * kib);
	EXPECT_EQ(10 * mib, held());
	EXPECT_EQ(10 * mib - 100 * kib, engine.retained_bytes());
}

TEST_F(Footprint, TakesTheSurplusOfLiveBlocksLast)
{
	char *slot = engine.take(8 * mib);

	engine.free(slot);
	ASSERT_EQ(slot, engine.take(5 * mib));
	ASSERT_EQ(3 * mib, engine.retained_bytes());
	for (int i = 0; i < 25; i++)
		engine.take(200 * kib);
	EXPECT_EQ(5 * mib + 25 * 200 * kib, engine.live_bytes());
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(5 * mib, engine.extent(slot));
	EXPECT_TRUE(engine.consistent());
}

TEST_F(Footprint, HoldsNothingBackFromLiveBlocks)
{
	engine.retain({ 4 * mib });
	char *block = engine.take(20 * mib);

	EXPECT_NE(nullptr, block);
	EXPECT_EQ(20 * mib, held());
	engine.free(engine.take(mib));
	EXPECT_EQ(20 * mib, held());
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST_F(Footprint, RetainsWhatFitsBesideLiveBlocks)
{
	char *live = engine.take(7 * mib), *freed = engine.take(4 * mib);

	engine.free(freed);
	EXPECT_EQ(3 * mib, engine.retained_bytes());
	engine.free(live);
	EXPECT_EQ(10 * mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST_F(Footprint, HoldsWhileABlockGrows)
{
	char *block = engine.take(600 * kib);

	engine.retain({ 100 * kib, 100 * kib, 4 * mib, 5 * mib });
	ASSERT_TRUE(engine.resize(block, mib));
	EXPECT_LE(held(), 10 * mib);
	block = engine.move(block, 6 * mib);
	ASSERT_NE(nullptr, block);
	EXPECT_LE(held(), 10 * mib);
	EXPECT_EQ(6 * mib, engine.live_bytes());
	EXPECT_TRUE(engine.consistent());
}

/* Blocks that lie where they do not fit. */
TEST(FootprintUnset, HoldsLittleMoreThanWasEverLive)
{
	Engine engine;

	for (int i = 0; i < 1000; i++)
		engine.retain({ 200 * kib });
	for (size_t size : { 64 * kib, 100 * kib, 200 * kib, 250 * kib }) {
		std::vector<size_t> sizes(40 * mib / size, size);

		engine.retain(sizes);
		EXPECT_LE(engine.retained_bytes(), 40 * mib + 16 * mib);
		EXPECT_TRUE(engine.consistent());
	}
}

} // namespace
