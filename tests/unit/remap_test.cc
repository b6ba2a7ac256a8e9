#include "test_engine.h"

namespace
{

EngineOptions roomy()
{
	EngineOptions options;

	options.limit = WEIR_GIB;
	return options;
}

struct Remap : testing::Test {
	explicit Remap(const EngineOptions &options = roomy()) : engine(options) {}

	/* A retained block of the size, filled. */
	char *retained(size_t bytes, unsigned seed)
	{
		char *block = engine.take(bytes);

		fill(block, bytes, seed);
		EXPECT_TRUE(engine.free(block));
		leave_idle();
		return block;
	}

	/* Classes that were in use a moment ago are not robbed. */
	static void leave_idle() { fake_os_set_now_ms(Engine::now() + 1000); }

	/* Grows a block in place; what it has beyond its old size must come as pages. */
	size_t filled_by_growth(char *block, size_t bytes)
	{
		size_t before = weir_slot_reach(engine.find(block).word);

		EXPECT_TRUE(engine.resize(block, bytes));
		size_t extent = engine.extent(block);

		return extent > before ? extent - before : 0;
	}

	Engine engine;
};

TEST_F(Remap, GainsOnlyWhereThereIsEnoughToMove)
{
	EXPECT_FALSE(weir_remap_gains(&engine.pool, 1000));
	retained(mib, 1);
	EXPECT_TRUE(weir_remap_gains(&engine.pool, WEIR_CHUNK_UNITS));
	EXPECT_FALSE(weir_remap_gains(&engine.pool, WEIR_CHUNK_UNITS - 1));
}

TEST_F(Remap, TakesTheTailOfARetainedBlock)
{
	char *block = engine.take(768 * kib), *victim = retained(4 * mib, 2);

	fill(block, 768 * kib, 1);
	EXPECT_EQ(256 * kib, filled_by_growth(block, mib));
	EXPECT_TRUE(holds(block, 768 * kib, 1));
	EXPECT_EQ(4 * mib - 256 * kib, engine.extent(victim));
	EXPECT_TRUE(holds(victim, 4 * mib - 256 * kib, 2));
	EXPECT_EQ(mib, engine.live_bytes());
	EXPECT_EQ(4 * mib - 256 * kib, engine.retained_bytes());
	EXPECT_EQ(mib, fake_os_resident(block, mib));
	EXPECT_TRUE(engine.consistent());
	EXPECT_TRUE(engine.zero_beyond_extents());
}

TEST_F(Remap, TakesWholeChunksOnly)
{
	char *block = engine.take(600 * kib), *victim = retained(4 * mib + 100 * kib, 2);

	fill(block, 600 * kib, 1);
	filled_by_growth(block, 1000 * kib);
	EXPECT_TRUE(holds(block, 600 * kib, 1));
	EXPECT_EQ(4 * mib, engine.extent(victim));
	EXPECT_TRUE(holds(victim, 4 * mib, 2));
	EXPECT_EQ(1000 * kib, engine.live_bytes());
	EXPECT_TRUE(engine.consistent());
	EXPECT_TRUE(engine.zero_beyond_extents());
}

TEST_F(Remap, TakesFromTheClassThatWasIdleLongest)
{
	char *block = engine.take(768 * kib);
	char *early = engine.take(4 * mib), *late = engine.take(2 * mib);

	fake_os_set_now_ms(5);
	engine.free(early);
	fake_os_set_now_ms(9);
	engine.free(late);
	leave_idle();
	filled_by_growth(block, mib);
	EXPECT_EQ(4 * mib - 256 * kib, engine.extent(early));
	EXPECT_EQ(2 * mib, engine.extent(late));
	EXPECT_TRUE(engine.consistent());
}

TEST_F(Remap, TakesFromOneAfterTheOther)
{
	char *block = engine.take(9 * mib);

	for (int i = 0; i < 4; i++)
		engine.take(mib);
	engine.retain({ 2 * mib, 2 * mib });
	leave_idle();
	EXPECT_EQ(4 * mib, filled_by_growth(block, 14 * mib));
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(18 * mib, engine.live_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST_F(Remap, FindsLongBlocksBehindAShortOne)
{
	char *block = engine.take(5 * mib), *shorter = engine.take(100 * kib, mib);
	char *victim = engine.take(4 * mib);

	engine.free(shorter);
	fake_os_set_now_ms(5);
	engine.free(victim);
	leave_idle();
	EXPECT_GE(filled_by_growth(block, 7 * mib), 2 * mib - 256 * kib);
	EXPECT_TRUE(engine.consistent());
}

TEST_F(Remap, StaysTrueWhereTheKernelMovesAPart)
{
	char *block = engine.take(9 * mib), *victim = retained(4 * mib, 2);

	fill(block, 9 * mib, 1);
	fake_os_fail(FAKE_MOVE, 0, 1);
	filled_by_growth(block, 12 * mib);
	EXPECT_TRUE(holds(block, 9 * mib, 1));
	EXPECT_TRUE(holds(victim, engine.extent(victim), 2));
	EXPECT_EQ(1U, weir_stats_page.counters[WEIR_COUNT_remap_failures]);
	EXPECT_EQ(12 * mib, engine.live_bytes());
	EXPECT_TRUE(engine.consistent());
	EXPECT_TRUE(engine.zero_beyond_extents());
}

/* Pages that came with a part of a chunk lie beyond the block. */
TEST_F(Remap, KnowsOfPagesThatCameWithAPartOfAChunk)
{
	char *block = engine.take(300 * kib, mib);

	retained(4 * mib, 2);
	fake_os_fail(FAKE_MOVE, 0, 1);
	filled_by_growth(block, 560 * kib);
	EXPECT_TRUE(engine.consistent());
	EXPECT_TRUE(engine.zero_beyond_extents());
	engine.free(block);
	engine.release();
	EXPECT_TRUE(engine.zero_beyond_extents());
}

TEST_F(Remap, LeavesTheVictimWholeWhereNothingMoves)
{
	char *block = engine.take(600 * kib), *victim = retained(4 * mib, 2);

	engine.space.pieces = 16384;
	EXPECT_EQ(0U, filled_by_growth(block, mib));
	engine.space.pieces = 0;
	EXPECT_EQ(4 * mib, engine.extent(victim));
	EXPECT_TRUE(holds(victim, 4 * mib, 2));
	EXPECT_TRUE(engine.consistent());
}

void release_everything(void *context)
{
	Engine *engine = (Engine *)context;

	fake_os_on(FAKE_MOVE, nullptr, nullptr);
	engine->release();
}

TEST_F(Remap, DrainsTheRestOfAVictimWhenAReleaseBegan)
{
	char *block = engine.take(600 * kib), *victim = retained(4 * mib, 2);

	fake_os_on(FAKE_MOVE, release_everything, &engine);
	filled_by_growth(block, mib);
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(0U, engine.extent(victim));
	EXPECT_EQ(mib, engine.live_bytes());
	EXPECT_TRUE(engine.consistent());
}

/* Misses: what a block just taken lacks */

TEST_F(Remap, FillsAnEmptySlot)
{
	char *victim = retained(8 * mib, 2), *block = engine.take(3 * mib);

	EXPECT_EQ(3 * mib, fake_os_resident(block, 4 * mib) - (engine.extent(block) - 3 * mib));
	EXPECT_EQ(4 * mib, engine.extent(block));
	EXPECT_EQ(4 * mib, engine.extent(victim));
	EXPECT_TRUE(holds(victim, 4 * mib, 2));
	EXPECT_EQ(3 * mib, engine.live_bytes());
	EXPECT_EQ(5 * mib, engine.retained_bytes());
	EXPECT_EQ(1U, weir_stats_page.counters[WEIR_COUNT_remaps]);
	EXPECT_EQ(4 * mib, weir_stats_page.counters[WEIR_COUNT_remapped_bytes]);
	EXPECT_TRUE(engine.consistent());
	EXPECT_TRUE(engine.zero_beyond_extents());
}

TEST_F(Remap, FillsSmallBlocksInChunks)
{
	char *victim = retained(8 * mib, 2), *block = engine.take(600 * kib);

	EXPECT_EQ(768 * kib, engine.extent(block));
	EXPECT_EQ(8 * mib - 768 * kib, engine.extent(victim));
	EXPECT_TRUE(engine.consistent());
}

TEST_F(Remap, MovesTablesWhole)
{
	retained(7 * mib, 2);
	engine.take(12 * mib);
	EXPECT_EQ(8 * mib, fake_os_bytes(FAKE_MOVE));
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(12 * mib, engine.live_bytes());
	EXPECT_TRUE(engine.consistent());
}

/* Where no fresh pages may come. */
struct RemapWithoutRoom : Remap {
	RemapWithoutRoom() : Remap(options()) {}

	static EngineOptions options()
	{
		EngineOptions made = roomy();

		made.footprint = 17 * mib;
		return made;
	}
};

/* The last table of a shorter block is no part of one that takes its slot. */
TEST_F(RemapWithoutRoom, SetsAShortTableAside)
{
	char *shorter = engine.take(11 * mib), *other = engine.take(5 * mib);

	fill(shorter, 11 * mib, 1);
	fill(other, 5 * mib, 2);
	engine.free(shorter);
	engine.free(other);
	ASSERT_EQ(shorter, engine.take(14 * mib));
	EXPECT_EQ(14 * mib, fake_os_resident(shorter, 16 * mib));
	EXPECT_EQ(7 * mib, fake_os_bytes(FAKE_MOVE)); /* aside, two tables, and it again */
	EXPECT_EQ(2 * mib, engine.retained_bytes());
	EXPECT_EQ(14 * mib, engine.live_bytes());
	EXPECT_TRUE(engine.consistent());
	EXPECT_TRUE(engine.zero_beyond_extents());
	engine.release();
	EXPECT_EQ(14 * mib, fake_os_resident(shorter, 16 * mib));
	EXPECT_TRUE(engine.consistent());
}

TEST_F(RemapWithoutRoom, KeepsAShortTableWhereItCannotBeSetAside)
{
	char *shorter = engine.take(11 * mib), *other = engine.take(4 * mib);

	engine.free(shorter);
	engine.free(other);
	fake_os_fail(FAKE_COMMIT, 0, 2);
	ASSERT_EQ(shorter, engine.take(14 * mib));
	EXPECT_EQ(14 * mib, engine.live_bytes());
	EXPECT_TRUE(engine.consistent());
	EXPECT_TRUE(engine.zero_beyond_extents());
}

TEST_F(RemapWithoutRoom, StaysTrueWhereAShortTableMovesInPart)
{
	char *shorter = engine.take(11 * mib), *other = engine.take(4 * mib);

	fill(shorter, 11 * mib, 1);
	engine.free(shorter);
	engine.free(other);
	fake_os_fail(FAKE_MOVE, 0, 1);
	ASSERT_EQ(shorter, engine.take(14 * mib));
	EXPECT_EQ(14 * mib, engine.live_bytes());
	EXPECT_TRUE(engine.consistent());
	EXPECT_TRUE(engine.zero_beyond_extents());
}

TEST(RemapAtThePeak, TakesTheSurplusOfLiveBlocks)
{
	Engine engine;
	char *slots[2] = { engine.take(32 * mib), engine.take(32 * mib) };

	engine.free(slots[1]);
	engine.free(slots[0]);
	ASSERT_EQ(slots[0], engine.take(17 * mib));
	ASSERT_EQ(slots[1], engine.take(17 * mib));
	ASSERT_EQ(30 * mib, engine.retained_bytes());
	engine.take(8 * mib); /* 72 MiB are held: an eighth more than the peak */
	EXPECT_EQ(30 * mib, engine.retained_bytes());
	char *block = engine.take(14 * mib);
	EXPECT_EQ(14 * mib, engine.extent(block));
	EXPECT_EQ(18 * mib, engine.extent(slots[0]));
	EXPECT_EQ(56 * mib, engine.live_bytes());
	EXPECT_EQ(16 * mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
	EXPECT_TRUE(engine.zero_beyond_extents());
}

TEST_F(Remap, CountsWhatFailsForWantOfMappings)
{
	retained(8 * mib, 2);
	engine.space.pieces = 16384;
	engine.take(3 * mib);
	engine.space.pieces = 0;
	EXPECT_EQ(1U, weir_stats_page.counters[WEIR_COUNT_remap_failures]);
	EXPECT_EQ(0U, weir_stats_page.counters[WEIR_COUNT_remaps]);
	EXPECT_EQ(3 * mib, engine.live_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST_F(Remap, HealsAFilledSlotWhenItEmpties)
{
	engine.retain({ 300 * kib, mib, mib, 2 * mib, 2 * mib, 4 * mib, 8 * mib });
	engine.release();
	size_t before = engine.mappings();

	retained(8 * mib, 2);
	for (size_t bytes : { 300 * kib, 900 * kib, 2 * mib, 3 * mib })
		engine.free(engine.take(bytes));
	EXPECT_GT(engine.mappings(), before);
	engine.release();
	EXPECT_EQ(before, engine.mappings());
	EXPECT_EQ(0U, engine.space.pieces);
}

struct RemapHuge : Remap {
	static EngineOptions options()
	{
		EngineOptions made = roomy();

		made.huge_stride = 4 * mib;
		return made;
	}

	RemapHuge() : Remap(options()) {}
};

TEST_F(RemapHuge, TakesPartsOfHugePages)
{
	char *block = engine.take(768 * kib), *victim = retained(8 * mib, 2);

	EXPECT_EQ(256 * kib, filled_by_growth(block, mib));
	EXPECT_EQ(mib, engine.live_bytes());
	EXPECT_TRUE(holds(victim, engine.extent(victim), 2));
	EXPECT_TRUE(engine.consistent());
	EXPECT_TRUE(engine.zero_beyond_extents());
}

TEST_F(RemapHuge, FillsABlockOfHugePages)
{
	char *block = engine.take(9 * mib);

	retained(8 * mib, 2);
	retained(mib, 3);
	filled_by_growth(block, 14 * mib);
	EXPECT_EQ(14 * mib, engine.live_bytes());
	EXPECT_TRUE(engine.consistent());
	engine.free(block);
	EXPECT_TRUE(engine.consistent());
	EXPECT_TRUE(engine.zero_beyond_extents());
}

} // namespace
