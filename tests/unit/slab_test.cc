#include "test_engine.h"

#include <algorithm>
#include <set>
#include <thread>

extern "C" {
#include "harden.h"
#include "slab.h"
}

/* Blocks of 4 KiB, 32 in a slab of 128 KiB, unless a test says otherwise. */

namespace
{

constexpr size_t slab_bytes = 128 * kib;

struct Slabs : testing::Test {
	explicit Slabs(size_t bytes = 4 * kib, const EngineOptions &options = {}) : engine(options)
	{
		EXPECT_TRUE(weir_slabs_init(&slabs, &engine.pool, bytes));
	}
	~Slabs() override
	{
		EXPECT_TRUE(engine.consistent());
		EXPECT_TRUE(engine.zero_beyond_extents());
		weir_slabs_destroy(&slabs);
	}

	std::vector<char *> take(unsigned most)
	{
		std::vector<char *> blocks(WEIR_SLAB_BLOCKS_MAX);

		blocks.resize(weir_slabs_take(&slabs, blocks.data(), most));
		return blocks;
	}

	/* So many blocks, wherever they are. */
	std::vector<char *> take_all(size_t count)
	{
		std::vector<char *> blocks;

		while (blocks.size() < count) {
			std::vector<char *> more = take((unsigned)weir_min(
				count - blocks.size(), (size_t)WEIR_SLAB_BLOCKS_MAX));

			if (more.empty())
				break;
			blocks.insert(blocks.end(), more.begin(), more.end());
		}
		return blocks;
	}

	/* Those that were free already. */
	std::vector<char *> give(std::vector<char *> blocks)
	{
		blocks.resize(weir_slabs_give(&slabs, blocks.data(), (unsigned)blocks.size(),
					      weir_load_seq_cst(&engine.pool.epoch)));
		return blocks;
	}

	size_t live_slabs() { return engine.live_bytes() / slab_bytes; }
	uint64_t word_of(const char *block)
	{
		uint32_t index, number;

		EXPECT_TRUE(weir_slabs_find(&slabs, block, &index, &number));
		return slabs.slabs[index].word;
	}

	Engine engine;
	weir_slabs slabs = {};
};

/* Shapes */

struct SlabsOf : Slabs, testing::WithParamInterface<size_t> {
	SlabsOf() : Slabs(GetParam(), with_region()) {}

	static EngineOptions with_region()
	{
		EngineOptions options;

		options.region_shift = 28;
		options.limit = 256 * mib;
		return options;
	}
};

TEST_P(SlabsOf, HasEnoughBlocksWhichDoNotOverlap)
{
	size_t bytes = GetParam();
	size_t count = weir_min(engine.space.regions[slabs.region].slot_count, 3U) * slabs.blocks;
	std::vector<char *> blocks = take_all(count);
	std::set<char *> begins(blocks.begin(), blocks.end());
	std::set<uintptr_t *> marks;

	EXPECT_GE(slabs.blocks, (uint32_t)WEIR_SLAB_BLOCKS_MIN);
	EXPECT_LE(slabs.blocks, (uint32_t)WEIR_SLAB_BLOCKS_MAX);
	ASSERT_EQ(count, begins.size());
	for (char *block : blocks) {
		auto next = begins.upper_bound(block);

		EXPECT_TRUE(next == begins.end() || *next >= block + bytes);
		marks.insert(weir_slabs_mark(&slabs, block));
		memset(block, 1, bytes);
	}
	EXPECT_EQ(blocks.size(), marks.size());
	EXPECT_EQ(blocks.size(), slabs.taken);
	EXPECT_TRUE(give(blocks).empty());
	EXPECT_EQ(0U, engine.live_bytes());
	EXPECT_EQ(0U, slabs.taken);
}

TEST_P(SlabsOf, FindsBlocksByTheirBeginAlone)
{
	size_t bytes = GetParam();
	uint32_t index, number, other;
	std::vector<char *> blocks = take_all(slabs.blocks);

	std::sort(blocks.begin(), blocks.end());
	for (size_t i = 0; i < blocks.size(); i++) {
		ASSERT_TRUE(weir_slabs_find(&slabs, blocks[i], &index, &number));
		EXPECT_EQ(i, number);
		EXPECT_EQ(blocks[0],
			  weir_region_address(&engine.space.regions[slabs.region], index));
		for (size_t at :
		     { (size_t)1, (size_t)63, (size_t)64, bytes / 2, bytes - 64, bytes - 1 })
			EXPECT_FALSE(weir_slabs_find(&slabs, blocks[i] + at, &other, &number));
	}
	/* Where slabs fill their slots another one may begin there. */
	EXPECT_EQ(blocks.size() * bytes == (size_t)1 << slabs.stride_shift &&
			  blocks.size() * bytes < slabs.known,
		  weir_slabs_find(&slabs, blocks.back() + bytes, &other, &number));
	EXPECT_FALSE(weir_slabs_find(&slabs, blocks[0] - 1, &other, &number));
	EXPECT_FALSE(weir_slabs_find(&slabs, nullptr, &other, &number));
	EXPECT_EQ(nullptr, weir_slabs_mark(&slabs, &index));
	give(blocks);
}

INSTANTIATE_TEST_SUITE_P(BlockBytes, SlabsOf,
			 testing::Values(kib, kib + 64, 2 * kib, 3 * kib + 192, 4 * kib,
					 4 * kib + 64, 5 * kib, 64 * kib, 100 * kib + 64,
					 mib / 2 + 64, mib - 64, mib));

/* Slabs of the pool */

TEST_F(Slabs, TakesASlotOfThePoolAndPutsItBackOnceAllBlocksAreFree)
{
	std::vector<char *> blocks = take(10), rest;

	EXPECT_EQ(10U, blocks.size());
	EXPECT_EQ(slab_bytes, engine.live_bytes());
	EXPECT_EQ(blocks[0], blocks[9] - 9 * page);
	EXPECT_TRUE(engine.live(blocks[0]));
	rest = take(32);
	EXPECT_EQ(22U, rest.size());
	EXPECT_EQ(1U, live_slabs());
	EXPECT_TRUE(give(blocks).empty());
	EXPECT_EQ(1U, live_slabs());
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_TRUE(give(rest).empty());
	EXPECT_EQ(0U, live_slabs());
	EXPECT_EQ(slab_bytes, engine.retained_bytes());
	EXPECT_FALSE(engine.find(blocks[0]).word & WEIR_SLOT_CACHED);
}

TEST_F(Slabs, GivesARetainedSlabOutAgain)
{
	std::vector<char *> blocks = take(32);

	fill(blocks[0], page, 3);
	give(blocks);
	EXPECT_EQ(blocks, take(32));
	EXPECT_TRUE(holds(blocks[0], page, 3));
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(1U, engine.counts_for(slab_bytes).hits);
	give(blocks);
	EXPECT_EQ(slab_bytes, weir_units_to_bytes(engine.release().units));
	EXPECT_EQ(0U, engine.retained_bytes());
}

TEST_F(Slabs, KeepsRetainedSlabsUnderTheLimit)
{
	std::vector<char *> blocks = take_all(10 * 32);
	EngineOptions lower;

	lower.limit = 3 * slab_bytes + page;
	engine.set_limits(lower);
	for (char *block : blocks)
		memset(block, 1, page);
	EXPECT_EQ(10U, live_slabs());
	give(blocks);
	EXPECT_EQ(0U, live_slabs());
	EXPECT_EQ(3 * slab_bytes + page, engine.retained_bytes());
}

TEST_F(Slabs, UsesListedSlabsBeforeNewOnes)
{
	std::vector<char *> blocks = take_all(4 * 32);

	give({ blocks[5], blocks[40], blocks[41], blocks[100] });
	EXPECT_EQ(4U, take_all(4).size());
	EXPECT_EQ(4U, live_slabs());
	EXPECT_EQ(1U, take(1).size());
	EXPECT_EQ(5U, live_slabs());
}

/* It stays on the list, where it is found to be none. */
TEST_F(Slabs, AreTakenOffTheListWhenTheyAreFoundThereFreeOrFull)
{
	std::vector<char *> first = take(32), second = take(32), third = take(32);

	give({ first[0] });
	give({ second[0] });
	give({ third[0] });
	EXPECT_EQ(third[0], take(1)[0]);
	give(std::vector<char *>(second.begin() + 1, second.end()));
	EXPECT_EQ(WEIR_SLAB_LISTED, word_of(second[0]));
	EXPECT_EQ(2U, live_slabs());
	EXPECT_EQ(first[0], take(1)[0]);
	EXPECT_EQ(0U, word_of(second[0]));
	EXPECT_EQ(WEIR_SLAB_USED, word_of(third[0]));
	EXPECT_EQ(second[0], take(1)[0]);
}

TEST_F(Slabs, ThatAreListedStillWhenTheirSlotIsASlabAgainAreListedOnce)
{
	std::vector<char *> first = take(32), second = take(32), again;

	give({ first[0] });
	give({ second[0] });
	give(std::vector<char *>(first.begin() + 1, first.end()));
	EXPECT_EQ(second[0], take(1)[0]);
	again = take(31);
	EXPECT_EQ(first[0], again[0]);
	EXPECT_EQ(first[31], take(1)[0]);
	EXPECT_EQ(2U, live_slabs());
	give(second);
	give(first);
	EXPECT_EQ(0U, live_slabs());
	EXPECT_EQ(64U, take_all(64).size());
}

/* Returns */

TEST_F(Slabs, FindsBlocksThatAreFreeAlready)
{
	std::vector<char *> blocks = take_all(40);

	EXPECT_TRUE(give({ blocks[3], blocks[35] }).empty());
	EXPECT_EQ(38U, slabs.taken);
	EXPECT_EQ(std::vector<char *>{ blocks[3] }, give({ blocks[3] }));
	EXPECT_EQ((std::vector<char *>{ blocks[3], blocks[35] }),
		  give({ blocks[3], blocks[4], blocks[34], blocks[35] }));
	EXPECT_EQ(36U, slabs.taken);
	EXPECT_EQ(std::vector<char *>{ blocks[5] }, give({ blocks[5], blocks[5] }));
	EXPECT_EQ(35U, slabs.taken);
}

TEST_F(Slabs, FindsBlocksOfASlabThatIsGone)
{
	std::vector<char *> blocks = take(32);

	give(blocks);
	EXPECT_EQ(std::vector<char *>{ blocks[7] }, give({ blocks[7] }));
	EXPECT_EQ(slab_bytes, engine.retained_bytes());
	EXPECT_EQ(0U, slabs.taken);
}

TEST_F(Slabs, OneOfManyThatReturnABlockAtOnceSucceeds)
{
	for (unsigned round = 0; round < 300; round++) {
		char *block = take(1)[0], *other = take(1)[0];
		std::atomic<unsigned> ready{ 0 }, returned{ 0 };
		std::vector<std::thread> threads;

		for (unsigned t = 0; t < 3; t++)
			threads.emplace_back([&] {
				ready++;
				while (ready < 3)
					std::this_thread::yield();
				returned += give({ block }).empty();
			});
		for (std::thread &thread : threads)
			thread.join();
		ASSERT_EQ(1U, returned);
		give({ other });
		ASSERT_EQ(0U, engine.live_bytes());
	}
}

/* Refusals */

TEST_F(Slabs, TakesNoneBeyondTheLimitOnLiveBlocks)
{
	EngineOptions options;

	options.live_limit = 2 * slab_bytes;
	Engine limited(options);
	weir_slabs few = {};
	char *blocks[WEIR_SLAB_BLOCKS_MAX];

	ASSERT_TRUE(weir_slabs_init(&few, &limited.pool, 4 * kib));
	EXPECT_EQ(32U, weir_slabs_take(&few, blocks, 56));
	EXPECT_EQ(32U, weir_slabs_take(&few, blocks, 56));
	EXPECT_EQ(0U, weir_slabs_take(&few, blocks + 32, 56));
	EXPECT_EQ(0U, weir_slabs_give(&few, blocks, 32, 0));
	EXPECT_EQ(32U, weir_slabs_take(&few, blocks, 56));
	EXPECT_EQ(0U, weir_slabs_give(&few, blocks, 32, 0));
	EXPECT_TRUE(limited.consistent());
	weir_slabs_destroy(&few);
}

TEST_F(Slabs, GivesBackWhatItReservedForASlotThatThereIsNot)
{
	EngineOptions options;

	options.live_limit = slab_bytes;
	Engine limited(options);
	weir_slabs few = {};
	char *blocks[WEIR_SLAB_BLOCKS_MAX];

	ASSERT_TRUE(weir_slabs_init(&few, &limited.pool, 4 * kib));
	fake_os_fail(FAKE_COMMIT, 0, 2);
	EXPECT_EQ(0U, weir_slabs_take(&few, blocks, 1));
	EXPECT_EQ(1U, weir_slabs_take(&few, blocks, 1));
	EXPECT_EQ(0U, weir_slabs_give(&few, blocks, 1, 0));
	EXPECT_EQ(0U, limited.pool.reserved_live_units);
	weir_slabs_destroy(&few);
}

/* A release works on what the slot has beyond the slab. */
TEST_F(Slabs, ArePutByWhoeverWorksOnTheirPages)
{
	std::vector<char *> blocks = take(32);
	weir_block slot = engine.find(blocks[0]);

	ASSERT_TRUE(weir_live_claim(&engine.pool, &slot));
	EXPECT_TRUE(give(blocks).empty());
	EXPECT_EQ(WEIR_SLOT_BUSY, engine.find(blocks[0]).word & (WEIR_SLOT_BUSY | WEIR_SLOT_LIVE));
	EXPECT_EQ(slab_bytes, engine.live_bytes());
	weir_live_finish(&engine.pool, &slot, 0);
	EXPECT_EQ(0U, engine.live_bytes());
	EXPECT_EQ(slab_bytes, engine.retained_bytes());
}

TEST_F(Slabs, TakesNoneWhereWhatIsKnownOfThemCannotBeKept)
{
	fake_os_fail(FAKE_COMMIT, 2, 1); /* the slot itself is two */
	EXPECT_TRUE(take(1).empty());
	EXPECT_EQ(0U, engine.live_bytes());
	EXPECT_TRUE(engine.consistent());
	EXPECT_EQ(1U, take(1).size());
}

TEST_F(Slabs, NeedAddresses)
{
	weir_slabs none = {};

	fake_os_fail(FAKE_RESERVE, 0, 1);
	EXPECT_FALSE(weir_slabs_init(&none, &engine.pool, 4 * kib));
}

TEST_F(Slabs, AreHardenedAsAWhole)
{
	EngineOptions options;

	options.hardened = true;
	Engine hardened(options);
	weir_slabs few = {};
	char *blocks[WEIR_SLAB_BLOCKS_MAX];

	ASSERT_TRUE(weir_slabs_init(&few, &hardened.pool, 4 * kib));
	for (unsigned round = 0; round < 3; round++) {
		ASSERT_EQ(56U, weir_slabs_take(&few, blocks, 56));
		memset(blocks[0], 1, 56 * page);
		char *guard = blocks[55] + page, *first = blocks[0];

		EXPECT_DEATH(*(volatile char *)guard = 1, "");
		EXPECT_EQ(0U, weir_slabs_give(&few, blocks, 56, 0));
		EXPECT_EQ((char)WEIR_HARDEN_FILL, first[0]);
		EXPECT_EQ(0, guard[0]);
	}
	EXPECT_TRUE(hardened.consistent());
	weir_slabs_destroy(&few);
}

TEST(SlabsOfLongPages, AreWholePages)
{
	for (size_t bytes : { kib, 4 * kib, 100 * kib, mib }) {
		EngineOptions options;
		weir_slabs slabs = {};
		char *blocks[WEIR_SLAB_BLOCKS_MAX];

		options.page_bytes = 64 * kib;
		Engine engine(options);
		ASSERT_TRUE(weir_slabs_init(&slabs, &engine.pool, bytes));
		ASSERT_EQ(slabs.blocks, weir_slabs_take(&slabs, blocks, WEIR_SLAB_BLOCKS_MAX));
		EXPECT_EQ(weir_align_up(slabs.blocks * bytes, 64 * kib), engine.live_bytes());
		for (uint32_t i = 0; i < slabs.blocks; i++)
			memset(blocks[i], 1, bytes);
		EXPECT_EQ(0U, weir_slabs_give(&slabs, blocks, slabs.blocks, 0));
		EXPECT_GT(engine.release().units, 0U);
		EXPECT_EQ(0U, fake_os_misaligned());
		EXPECT_TRUE(engine.consistent());
		weir_slabs_destroy(&slabs);
	}
}

/* Releases */

/* The block that came last is in hand since before the release. */
TEST_F(Slabs, ThatComeBackAfterAReleaseBeganAreReleased)
{
	std::vector<char *> blocks = take(32);
	uint64_t epoch = weir_load_seq_cst(&engine.pool.epoch);

	memset(blocks[0], 1, 32 * page);
	engine.release();
	EXPECT_EQ(0U, weir_slabs_give(&slabs, blocks.data(), 32, epoch));
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(slab_bytes, engine.released_bytes(WEIR_TRIGGER_signal));
}

/* Of two pools that share a space. */
struct SlabsOfTwo : testing::Test {
	SlabsOfTwo() : other(first, limited())
	{
		EXPECT_TRUE(weir_slabs_init(&of_first, &first.pool, 4 * kib));
		EXPECT_TRUE(weir_slabs_init(&of_other, &other.pool, 4 * kib));
	}
	~SlabsOfTwo() override
	{
		EXPECT_TRUE(first.consistent());
		EXPECT_TRUE(other.consistent());
		weir_slabs_destroy(&of_first);
		weir_slabs_destroy(&of_other);
	}

	static EngineOptions limited()
	{
		EngineOptions options;

		options.limit = slab_bytes + page;
		return options;
	}

	static std::vector<char *> take_slab(weir_slabs *slabs)
	{
		std::vector<char *> blocks(32);

		EXPECT_EQ(32U, weir_slabs_take(slabs, blocks.data(), 32));
		memset(blocks[0], 1, slab_bytes);
		return blocks;
	}
	static unsigned give(weir_slabs *slabs, std::vector<char *> blocks, size_t first_one = 0)
	{
		return weir_slabs_give(slabs, blocks.data() + first_one,
				       (unsigned)(blocks.size() - first_one), 0);
	}

	Engine first, other;
	weir_slabs of_first = {}, of_other = {};
};

TEST_F(SlabsOfTwo, LeaveASlotAloneThatIsTheOtherOnesSlab)
{
	std::vector<char *> mine = take_slab(&of_first), theirs;

	give(&of_first, { mine[0] });
	give(&of_first, mine, 1); /* it is on the list still, and empty */
	first.release();
	theirs = take_slab(&of_other);
	ASSERT_EQ(mine, theirs);
	EXPECT_EQ(1U, give(&of_first, { mine[0] }));
	EXPECT_NE(mine[0], take_slab(&of_first)[0]);
	EXPECT_EQ(32U, of_other.taken);
	EXPECT_EQ(0U, give(&of_other, theirs));
}

TEST_F(SlabsOfTwo, KeepWhatEachMay)
{
	std::vector<char *> mine[3], theirs[3];

	for (unsigned i = 0; i < 3; i++) {
		mine[i] = take_slab(&of_first);
		theirs[i] = take_slab(&of_other);
	}
	EXPECT_EQ(6 * slab_bytes, first.live_bytes());
	EXPECT_EQ(3 * slab_bytes, other.live_bytes());
	for (unsigned i = 0; i < 3; i++) {
		give(&of_first, mine[i]);
		give(&of_other, theirs[i]);
	}
	EXPECT_EQ(slab_bytes + page, other.retained_bytes());
	EXPECT_EQ(4 * slab_bytes + page, first.retained_bytes());
	EXPECT_EQ(0U, first.live_bytes());
}

/* Each block is of one thread at a time, and all of them come back. */
TEST_F(Slabs, AreSharedByThreads)
{
	std::atomic<unsigned> damaged{ 0 };
	std::vector<std::thread> threads;

	for (unsigned t = 1; t <= 4; t++)
		threads.emplace_back([&, t] {
			for (unsigned round = 0; round < 2000; round++) {
				std::vector<char *> blocks = take(1 + (round * t) % 7);

				for (char *block : blocks)
					stamp(block, page, t);
				for (char *block : blocks)
					damaged += !stamped(block, page, t);
				damaged += !give(blocks).empty();
				if (t == 1 && round % 16 == 0)
					engine.release();
			}
		});
	for (std::thread &thread : threads)
		thread.join();
	EXPECT_EQ(0U, damaged);
	EXPECT_EQ(0U, slabs.taken);
	EXPECT_EQ(0U, engine.live_bytes());
}

} // namespace
