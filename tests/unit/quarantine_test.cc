#include "test_engine.h"

/* Slots that wait between a free and their list. */

namespace
{

EngineOptions hardened(size_t limit)
{
	EngineOptions options;

	options.hardened = true;
	options.limit = limit;
	return options;
}

TEST(Quarantine, GivesAFreedBlockToNobodyForAWhile)
{
	Engine engine(hardened(64 * mib));
	char *freed = engine.take(100 * kib);
	std::vector<char *> others;

	ASSERT_TRUE(engine.free(freed));
	for (int i = 0; i < 50; i++) {
		char *block = engine.take(100 * kib);

		EXPECT_NE(freed, block);
		others.push_back(block);
	}
	for (char *block : others)
		EXPECT_TRUE(engine.free(block));
	EXPECT_TRUE(engine.consistent());
}

TEST(Quarantine, GivesTheOldestBlockBackOnceItIsFull)
{
	Engine engine(hardened(WEIR_GIB));
	std::vector<char *> blocks;

	for (unsigned i = 0; i <= WEIR_QUARANTINE_PLACES; i++)
		blocks.push_back(engine.take(64 * kib));
	for (char *block : blocks)
		EXPECT_TRUE(engine.free(block));
	EXPECT_EQ(blocks[0], engine.take(64 * kib));
	EXPECT_NE(blocks[1], engine.take(64 * kib));
	EXPECT_TRUE(engine.consistent());
}

TEST(Quarantine, HoldsAnEighthOfTheLimitAndTheLastBlock)
{
	Engine engine(hardened(8 * mib));
	std::vector<char *> blocks;

	for (int i = 0; i < 8; i++)
		blocks.push_back(engine.take(mib));
	for (char *block : blocks)
		EXPECT_TRUE(engine.free(block));
	EXPECT_LE(weir_units_to_bytes(engine.pool.quarantine.units), 2 * mib);
	EXPECT_EQ(8 * mib, engine.retained_bytes());
	EXPECT_NE(blocks[7], engine.take(mib));
	EXPECT_TRUE(engine.consistent());
}

TEST(Quarantine, IsReleasedWithAllElse)
{
	Engine engine(hardened(64 * mib));

	engine.retain({ 100 * kib, mib, 3 * mib });
	EXPECT_GT(engine.pool.quarantine.units, 0U);
	engine.release();
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(0U, engine.pool.quarantine.units);
	EXPECT_TRUE(engine.consistent());
}

TEST(Quarantine, KeepsSlotsWithoutPagesWaitingThroughARelease)
{
	Engine engine(hardened(64 * mib));
	char *freed = engine.take(100 * kib);

	ASSERT_TRUE(engine.free(freed));
	engine.release();
	EXPECT_NE(freed, engine.take(100 * kib));
}

TEST(Quarantine, GivesWayToALimitThatIsLowered)
{
	Engine engine(hardened(64 * mib));

	engine.retain({ mib, mib, mib, mib });
	engine.change_limits(hardened(mib));
	EXPECT_EQ(mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

TEST(Quarantine, GivesWayToBlocksOfOtherClasses)
{
	Engine engine(hardened(mib));

	engine.retain({ mib, 256 * kib });
	EXPECT_EQ(mib, engine.retained_bytes());
	EXPECT_EQ(1U, engine.class_for(256 * kib).blocks);
	EXPECT_TRUE(engine.consistent());
}

TEST(Quarantine, DecaysLikeAllElse)
{
	Engine engine(hardened(64 * mib));
	weir_decay decay = {};
	weir_tally tally;

	weir_decay_init(&decay, 900, 0);
	engine.retain({ mib });
	for (uint64_t now_ms = 0; now_ms < 4000; now_ms += 100) {
		fake_os_set_now_ms(now_ms);
		weir_decay_step(&decay, &engine.pool, now_ms, &tally);
	}
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

/* While one thread has a block in hand, another releases everything. */
TEST(Quarantine, HidesNothingFromAReleaseThatBeganMeanwhile)
{
	static Engine *engine;
	Engine own(hardened(4 * mib));

	engine = &own;
	char *waits = engine->take(3 * mib), *other = engine->take(512 * kib);
	char *block = engine->take(2 * mib);

	EXPECT_TRUE(engine->free(other));
	EXPECT_TRUE(engine->free(waits));
	fake_os_on(
		FAKE_RELEASE,
		[](void *) {
			fake_os_on(FAKE_RELEASE, nullptr, nullptr);
			engine->release();
		},
		nullptr);
	EXPECT_TRUE(engine->free(block));
	EXPECT_EQ(0U, engine->retained_bytes());
	EXPECT_TRUE(engine->consistent());
}

} // namespace
