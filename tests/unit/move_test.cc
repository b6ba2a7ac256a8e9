#include "test_engine.h"

namespace
{

EngineOptions roomy()
{
	EngineOptions options;

	options.limit = WEIR_GIB;
	return options;
}

struct Move : testing::Test {
	explicit Move(const EngineOptions &options = roomy()) : engine(options) {}

	char *filled(size_t bytes, unsigned seed)
	{
		char *block = engine.take(bytes);

		fill(block, bytes, seed);
		return block;
	}

	void expect_unchanged(char *block, size_t bytes, unsigned seed)
	{
		EXPECT_TRUE(engine.live(block));
		EXPECT_EQ(bytes, weir_slot_reach(engine.find(block).word));
		EXPECT_TRUE(holds(block, bytes, seed));
		EXPECT_EQ(weir_align_up(bytes, page), engine.live_bytes());
		EXPECT_TRUE(engine.consistent());
	}

	Engine engine;
};

TEST_F(Move, KeepsEveryByte)
{
	for (size_t bytes : { 600 * kib, mib, 2 * mib - 5, 3 * mib + 1 }) {
		char *block = filled(bytes, 1);
		char *moved = engine.move(block, 5 * mib);

		ASSERT_NE(nullptr, moved) << bytes;
		EXPECT_NE(block, moved);
		EXPECT_TRUE(holds(moved, bytes, 1));
		EXPECT_EQ(0U, (uintptr_t)moved % (8 * mib));
		EXPECT_EQ(5 * mib, engine.live_bytes());
		EXPECT_TRUE(engine.consistent());
		EXPECT_TRUE(engine.free(moved));
		engine.release();
	}
}

TEST_F(Move, LeavesAnEmptySlotBehind)
{
	char *block = filled(mib, 1);

	ASSERT_NE(nullptr, engine.move(block, 2 * mib));
	EXPECT_FALSE(engine.live(block));
	EXPECT_EQ(0U, engine.extent(block));
	EXPECT_EQ(0U, fake_os_resident(block, mib));
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_FALSE(engine.free(block));
	EXPECT_EQ(block, engine.take(mib));
	EXPECT_TRUE(engine.zero_beyond_extents());
}

TEST_F(Move, CopiesNothingAndFaultsNothing)
{
	char *block = filled(mib, 1);
	char *moved = engine.move(block, 2 * mib);

	ASSERT_NE(nullptr, moved);
	EXPECT_EQ(mib, fake_os_bytes(FAKE_MOVE));
	EXPECT_EQ(mib, fake_os_resident(moved, 2 * mib));
	EXPECT_EQ(mib, engine.extent(moved));
}

TEST_F(Move, TakesTheSurplusAlong)
{
	char *block = filled(mib, 1);

	engine.free(block);
	ASSERT_EQ(block, engine.take(600 * kib));
	char *moved = engine.move(block, 2 * mib);

	ASSERT_NE(nullptr, moved);
	EXPECT_TRUE(holds(moved, mib, 1));
	EXPECT_EQ(mib, engine.extent(moved));
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST_F(Move, GrowsByRetainedPages)
{
	char *block = filled(mib, 1);

	engine.free(filled(4 * mib, 2));
	char *moved = engine.move(block, 2 * mib);

	ASSERT_NE(nullptr, moved);
	EXPECT_TRUE(holds(moved, mib, 1));
	EXPECT_EQ(2 * mib, engine.extent(moved));
	EXPECT_EQ(2 * mib, fake_os_resident(moved, 2 * mib));
	EXPECT_EQ(3 * mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST_F(Move, KeepsWhatIsRetainedInTheNewStride)
{
	char *block = filled(mib, 1), *kept = filled(2 * mib, 2);

	engine.free(kept);
	ASSERT_NE(nullptr, engine.move(block, mib + 64 * kib));
	EXPECT_GE(engine.retained_bytes(), 2 * mib - 64 * kib);
	EXPECT_TRUE(holds(kept, engine.extent(kept), 2));
	EXPECT_TRUE(engine.consistent());
}

TEST_F(Move, FollowsABufferThatGrowsAndGrows)
{
	size_t bytes = 100 * kib;
	char *block = filled(bytes, 1);

	for (size_t larger; bytes < 20 * mib; bytes = larger) {
		larger = bytes + bytes / 2;
		if (larger <= weir_region_slot_bytes(engine.find(block).region)) {
			ASSERT_TRUE(engine.resize(block, larger));
		} else if (char *moved = engine.move(block, larger)) {
			block = moved;
		} else {
			char *copy = engine.take(larger);

			memcpy(copy, block, bytes);
			engine.free(block);
			block = copy;
		}
		ASSERT_TRUE(holds(block, bytes, 1));
		fill(block, larger, 1);
		ASSERT_TRUE(engine.consistent());
	}
	EXPECT_EQ(weir_align_up(bytes, page), engine.live_bytes());
	EXPECT_TRUE(engine.zero_beyond_extents());
}

TEST_F(Move, LeavesNoMappingsBehind)
{
	std::vector<char *> blocks;

	engine.retain({ mib, mib, 2 * mib, 2 * mib, 4 * mib, 4 * mib, 8 * mib });
	engine.release();
	size_t before = engine.mappings();

	for (int i = 0; i < 2; i++) {
		blocks.push_back(filled(mib, 1));
		blocks.back() = engine.move(blocks.back(), 2 * mib);
		engine.free(filled(4 * mib, 2));
		blocks.back() = engine.move(blocks.back(), 4 * mib);
		ASSERT_NE(nullptr, blocks.back());
	}
	EXPECT_GT(engine.mappings(), before);
	for (char *block : blocks)
		engine.free(block);
	engine.release();
	EXPECT_EQ(before, engine.mappings());
	EXPECT_EQ(0U, engine.space.pieces);
	EXPECT_TRUE(engine.consistent());
}

/* Refusals: nothing has changed then. */

TEST_F(Move, LeavesSmallBlocksToACopy)
{
	char *block = filled(100 * kib, 1);

	EXPECT_EQ(nullptr, engine.move(block, mib));
	expect_unchanged(block, 100 * kib, 1);
}

TEST_F(Move, LeavesABlockToTheThreadThatWorksOnIt)
{
	char *block = filled(mib, 1);
	weir_block claimed = engine.find(block);

	ASSERT_TRUE(weir_live_claim(&engine.pool, &claimed));
	EXPECT_EQ(nullptr, engine.move(block, 2 * mib));
	weir_live_finish(&engine.pool, &claimed, 0);
	expect_unchanged(block, mib, 1);
}

TEST_F(Move, NeedsASlot)
{
	char *block = filled(mib, 1);

	fake_os_fail(FAKE_COMMIT, 0, 2);
	EXPECT_EQ(nullptr, engine.move(block, 2 * mib));
	expect_unchanged(block, mib, 1);
	EXPECT_NE(nullptr, engine.move(block, 2 * mib));
	EXPECT_TRUE(engine.consistent());
}

TEST_F(Move, IsRefusedWhereTooManyMappingsAreInUse)
{
	char *block = filled(mib, 1);

	engine.space.pieces = 16384;
	EXPECT_EQ(nullptr, engine.move(block, 2 * mib));
	engine.space.pieces = 0;
	expect_unchanged(block, mib, 1);
}

TEST_F(Move, CopiesWhatTheKernelDoesNotMove)
{
	char *block = filled(mib - 3, 1);

	fake_os_fail(FAKE_MOVE, 0, 1);
	char *moved = engine.move(block, 2 * mib);

	ASSERT_NE(nullptr, moved);
	EXPECT_TRUE(holds(moved, mib - 3, 1));
	EXPECT_EQ(1U, weir_stats_page.counters[WEIR_COUNT_remap_failures]);
	EXPECT_EQ(0U, fake_os_resident(block, mib));
	EXPECT_EQ(2 * mib, engine.live_bytes());
	EXPECT_TRUE(engine.consistent());
	EXPECT_TRUE(engine.zero_beyond_extents());
}

TEST_F(Move, StaysTrueWhereTheOldPagesCannotBeReleased)
{
	char *block = filled(mib, 1);

	fake_os_fail(FAKE_MOVE, 0, 1);
	fake_os_fail(FAKE_RELEASE, 0, 1);
	fake_os_fail(FAKE_RENEW, 0, 1);
	char *moved = engine.move(block, 2 * mib);

	ASSERT_NE(nullptr, moved);
	EXPECT_TRUE(holds(moved, mib, 1));
	EXPECT_EQ(2 * mib, engine.live_bytes());
	EXPECT_EQ(1U, weir_stats_page.counters[WEIR_COUNT_release_failures]);
	EXPECT_TRUE(engine.consistent());
	EXPECT_TRUE(engine.zero_beyond_extents());
}

void release_everything(void *context)
{
	Engine *engine = (Engine *)context;

	fake_os_on(FAKE_MOVE, nullptr, nullptr);
	engine->release();
}

TEST_F(Move, MayBeInterruptedByARelease)
{
	char *block = filled(mib, 1);

	engine.free(block);
	ASSERT_EQ(block, engine.take(600 * kib));
	engine.free(filled(4 * mib, 2));
	fake_os_on(FAKE_MOVE, release_everything, &engine);
	char *moved = engine.move(block, 2 * mib);

	ASSERT_NE(nullptr, moved);
	EXPECT_TRUE(holds(moved, 600 * kib, 1));
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(2 * mib, engine.live_bytes());
	EXPECT_TRUE(engine.consistent());
	EXPECT_TRUE(engine.zero_beyond_extents());
}

struct MoveHuge : Move {
	static EngineOptions options()
	{
		EngineOptions made = roomy();

		made.huge_stride = 4 * mib;
		return made;
	}

	MoveHuge() : Move(options()) {}
};

TEST_F(MoveHuge, StaysTrueHoweverMuchTheKernelMoves)
{
	for (bool whole : { true, false })
		for (size_t bytes : { mib, 3 * mib, 6 * mib }) {
			char *block = filled(bytes, 1);

			engine.free(filled(14 * mib, 2));
			if (!whole)
				fake_os_fail(FAKE_MOVE, 0, 1);
			char *moved = engine.move(block, 11 * mib);

			ASSERT_NE(nullptr, moved);
			EXPECT_TRUE(holds(moved, bytes, 1));
			EXPECT_EQ(11 * mib, engine.live_bytes());
			EXPECT_TRUE(engine.consistent());
			engine.free(moved);
			EXPECT_TRUE(engine.consistent());
			EXPECT_TRUE(engine.zero_beyond_extents());
			engine.release();
		}
}

} // namespace
