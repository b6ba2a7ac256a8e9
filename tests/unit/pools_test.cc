/* Several pools in one space (pool.h): the first one's limits are those of all. */
#include "test_engine.h"

#include <random>
#include <thread>

extern "C" {
#include "footprint.h"
}

namespace
{

EngineOptions with(size_t limit, size_t cached = 0)
{
	EngineOptions options;

	options.limit = limit;
	options.cached = cached;
	return options;
}

struct Pools : testing::Test {
	explicit Pools(const EngineOptions &of_first = with(64 * mib),
		       const EngineOptions &of_other = with(64 * mib))
	    : first(of_first), other(first, of_other)
	{
	}

	~Pools() override
	{
		EXPECT_TRUE(first.consistent());
		EXPECT_TRUE(other.consistent());
		EXPECT_TRUE(first.zero_beyond_extents());
	}

	size_t retained_in_all() const { return first.charged_bytes(); }

	Engine first, other;
};

TEST_F(Pools, CountInTheFirstOnesUsage)
{
	char *one = first.take(mib), *two = other.take(2 * mib);

	EXPECT_EQ(3 * mib, first.live_bytes());
	EXPECT_EQ(2 * mib, other.live_bytes());
	EXPECT_TRUE(other.free(two));
	EXPECT_EQ(mib, first.live_bytes());
	EXPECT_EQ(2 * mib, first.retained_bytes());
	EXPECT_EQ(0U, first.own_retained_bytes());
	EXPECT_EQ(2 * mib, other.own_retained_bytes());
	EXPECT_TRUE(first.free(one));
	EXPECT_EQ(mib, first.own_retained_bytes());
}

TEST_F(Pools, KeepTheirBlocksToThemselves)
{
	char *block = other.take(mib);

	stamp(block, mib, 7);
	EXPECT_TRUE(other.free(block));
	EXPECT_NE(block, first.take(mib));
	EXPECT_EQ(1U, first.counts_for(mib).misses);
	EXPECT_EQ(block, other.take(mib));
	EXPECT_EQ(1U, other.counts_for(mib).hits);
	EXPECT_TRUE(stamped(block, mib, 7));
}

TEST_F(Pools, GiveEmptySlotsToEachOther)
{
	char *block = other.take(mib);

	EXPECT_TRUE(other.free(block));
	EXPECT_EQ(mib >> WEIR_UNIT_SHIFT, other.release().units);
	EXPECT_EQ(block, first.take(mib));
	EXPECT_EQ(&first.pool,
		  weir_pool_of(&other.pool, first.find(block).region, first.find(block).index));
}

TEST_F(Pools, ReleaseAloneOrWithTheFirst)
{
	first.retain({ mib, 2 * mib });
	other.retain({ 4 * mib });
	EXPECT_EQ(4 * mib, weir_units_to_bytes(other.release().units));
	EXPECT_EQ(3 * mib, retained_in_all());
	other.retain({ 4 * mib });
	EXPECT_EQ(7 * mib, weir_units_to_bytes(first.release().units));
	EXPECT_EQ(0U, retained_in_all());
	EXPECT_EQ(2U, weir_stats_page.released[WEIR_TRIGGER_signal].releases);
}

TEST_F(Pools, HaveTheSurplusOfTheirOwnBlocksReleasedOnly)
{
	other.retain({ 2 * mib });
	char *block = other.take(mib + page);

	EXPECT_EQ(2 * mib, other.extent(block));
	weir_live_trim(&other.pool, other.find(block).region, other.find(block).index, true, 0,
		       nullptr); /* seen once */
	weir_tally tally = {};

	weir_live_trim(&first.pool, other.find(block).region, other.find(block).index, true, 0,
		       &tally);
	EXPECT_EQ(0U, tally.units);
	first.release();
	EXPECT_EQ(mib + page, other.extent(block));
}

TEST_F(Pools, PoolNothingLongerThanTheyAreTo)
{
	EngineOptions options = with(64 * mib);

	options.pooled = mib;
	Engine third(first, options);

	third.retain({ mib });
	EXPECT_EQ(mib, third.own_retained_bytes());
	third.retain({ mib + page });
	EXPECT_EQ(0U, third.own_retained_bytes() % mib);
	EXPECT_EQ(mib, third.own_retained_bytes());
	EXPECT_TRUE(third.consistent());
}

struct PoolsLimited : Pools {
	PoolsLimited() : Pools(with(8 * mib), with(4 * mib)) {}
};

TEST_F(PoolsLimited, HoldEachItsOwnLimit)
{
	other.retain({ 2 * mib, 2 * mib, 2 * mib });
	EXPECT_EQ(4 * mib, other.own_retained_bytes());
	first.retain({ 2 * mib, 2 * mib });
	EXPECT_EQ(4 * mib, first.own_retained_bytes());
	EXPECT_EQ(4 * mib, other.own_retained_bytes());
}

TEST_F(PoolsLimited, HoldTheFirstOnesLimitInAll)
{
	first.retain({ 2 * mib, 2 * mib, 2 * mib });
	fake_os_set_now_ms(Engine::now() + 10);
	other.retain({ mib, mib, mib, mib + mib / 2 });
	EXPECT_EQ(8 * mib, retained_in_all());
	EXPECT_EQ(4 * mib, other.own_retained_bytes());
	EXPECT_EQ(4 * mib, first.own_retained_bytes()); /* it was idle longest */
}

TEST_F(PoolsLimited, TakeFromWhoeverWasIdleLongest)
{
	other.retain({ 4 * mib });
	fake_os_set_now_ms(Engine::now() + 10);
	first.retain({ 2 * mib, 2 * mib, 2 * mib });
	EXPECT_EQ(8 * mib, retained_in_all());
	EXPECT_EQ(2 * mib, other.own_retained_bytes());
}

TEST_F(PoolsLimited, TrimABlockThatDoesNotFitInAll)
{
	first.retain({ 6 * mib });
	EXPECT_EQ(&first.pool, first.pool.first);
	fake_os_fail(FAKE_RELEASE, 0, 1); /* of what should give way */
	other.retain({ 4 * mib });
	EXPECT_LE(other.own_retained_bytes(), 4 * mib);
	reset_counters();
	first.release();
}

TEST_F(PoolsLimited, ObeyALimitThatIsLowered)
{
	weir_tally tally = {};

	other.retain({ 2 * mib, 2 * mib });
	weir_pool_set_limit_units(&other.pool, mib >> WEIR_UNIT_SHIFT);
	weir_release_settle(&other.pool, WEIR_TRIGGER_limit, &tally);
	EXPECT_EQ(mib, other.own_retained_bytes());
	EXPECT_EQ(3 * mib, weir_units_to_bytes(tally.units));
	first.change_limits(with(mib / 2));
	EXPECT_EQ(mib / 2, retained_in_all());
}

struct PoolsUnderFootprint : Pools {
	static EngineOptions footprint()
	{
		EngineOptions options = with(64 * mib);

		options.footprint = 8 * mib;
		return options;
	}
	PoolsUnderFootprint() : Pools(footprint()) {}
};

TEST_F(PoolsUnderFootprint, GiveWayToEachOthersLiveBlocks)
{
	first.retain({ 4 * mib, 2 * mib });
	char *block = other.take(4 * mib);

	EXPECT_EQ(4 * mib, other.live_bytes());
	EXPECT_LE(retained_in_all(), 4 * mib);
	EXPECT_TRUE(other.free(block));
	EXPECT_LE(retained_in_all(), 8 * mib);
	first.take(6 * mib);
	EXPECT_LE(retained_in_all(), 2 * mib);
}

/* With the cache */

struct PoolsAtHand : Pools {
	PoolsAtHand() : Pools(with(64 * mib, mib + WEIR_COLOUR_SPARE), with(64 * mib, mib))
	{
		fake_os_set_thread(0);
	}

	static char *at_hand(Engine *engine, size_t bytes)
	{
		char *block = engine->take(bytes);

		EXPECT_TRUE(engine->free(block));
		EXPECT_TRUE(engine->find(block).word & WEIR_SLOT_CACHED);
		return block;
	}

	static weir_cache_entry *entry(Engine *engine, size_t bytes)
	{
		return &engine->pool.cache.entries[0][weir_pool_cache_class(&engine->pool, bytes)];
	}
};

TEST_F(PoolsAtHand, LeaveABlockToThePoolThatHasIt)
{
	char *block = at_hand(&first, mib);
	weir_slot *slot = entry(&first, mib)->slot;

	first.release();
	ASSERT_EQ(block, other.take(mib)); /* the same slot */
	EXPECT_TRUE(other.free(block));
	ASSERT_EQ(slot, entry(&other, mib)->slot);
	entry(&first, mib)->slot = slot; /* as a thread still has it that was slow */
	EXPECT_EQ(nullptr, first.take_cached(mib));
	EXPECT_EQ(0U, weir_cache_credit(&first.pool.cache, &first.space));
	EXPECT_EQ(block, other.take_cached(mib));
	EXPECT_EQ(0U, weir_cache_credit(&first.pool.cache, &first.space));
	EXPECT_EQ(mib, other.live_bytes());
}

TEST_F(PoolsAtHand, ReclaimRoomOfAll)
{
	at_hand(&other, mib);
	EXPECT_NE(nullptr, other.take_cached(mib));
	EXPECT_EQ(mib, retained_in_all()); /* live, and counted as retained */
	EXPECT_TRUE(weir_pool_reclaim_room(&first.pool));
	EXPECT_EQ(0U, retained_in_all());
	EXPECT_EQ(mib, other.live_bytes());
	EXPECT_EQ(mib, first.live_bytes());
	EXPECT_FALSE(weir_pool_reclaim_room(&first.pool));
}

TEST_F(PoolsAtHand, CountABlockWhereItIsThatWasClaimedByItsWordAlone)
{
	char *block = at_hand(&first, mib);

	ASSERT_EQ(block, first.take_cached(mib));
	weir_block stale = first.find(block);

	EXPECT_TRUE(first.free(block));
	first.release();
	ASSERT_EQ(block, other.take(mib));
	EXPECT_TRUE(other.free(block));
	ASSERT_EQ(block, other.take_cached(mib));
	ASSERT_EQ(stale.word, other.find(block).word);
	EXPECT_EQ(&other.pool, weir_live_claim(&first.pool, &stale));
	weir_live_finish(&other.pool, &stale, 0);
	EXPECT_EQ(0U, other.pool.cache.units);
	EXPECT_EQ(mib, other.live_bytes());
	EXPECT_TRUE(other.free(block));
}

/* Decay */

struct PoolsDecaying : Pools {
	PoolsDecaying()
	{
		weir_decay_init(&of_first, 300, Engine::now());
		weir_decay_init(&of_other, WEIR_DECAY_OFF, Engine::now());
	}

	void pass(unsigned ms)
	{
		weir_tally tally = {};

		for (unsigned i = 0; i < ms / 100; i++) {
			fake_os_set_now_ms(Engine::now() + 100);
			weir_decay_step(&of_first, &first.pool, Engine::now(), &tally);
			weir_decay_step(&of_other, &other.pool, Engine::now(), &tally);
		}
	}

	weir_decay of_first = {}, of_other = {};
};

TEST_F(PoolsDecaying, ReleaseTheirOwnOnly)
{
	first.retain({ 2 * mib });
	other.retain({ 4 * mib });
	char *block = other.take(3 * mib);

	pass(2000);
	EXPECT_EQ(0U, first.own_retained_bytes());
	EXPECT_EQ(4 * mib, other.extent(block)); /* and its surplus */
	EXPECT_TRUE(other.free(block));
	pass(2000);
	EXPECT_EQ(4 * mib, other.own_retained_bytes());
}

/* Threads */

struct PoolsShared : Pools {
	PoolsShared() : Pools(with(12 * mib, mib), with(5 * mib, mib)) {}

	static void churn(Engine *engine, unsigned thread, std::atomic<bool> *wrong)
	{
		std::minstd_rand random(thread + 1);
		char *blocks[8] = {};
		size_t sizes[8] = {};

		for (unsigned i = 0; i < 4000; i++) {
			unsigned k = random() % 8;

			if (blocks[k]) {
				if (!stamped(blocks[k], sizes[k], thread) ||
				    !engine->free(blocks[k]))
					*wrong = true;
				blocks[k] = nullptr;
			}
			sizes[k] = (1 + random() % 16) * 64 * kib;
			blocks[k] = engine->take(sizes[k]);
			if (!blocks[k])
				return (void)(*wrong = true);
			stamp(blocks[k], sizes[k], thread);
		}
		for (unsigned k = 0; k < 8; k++)
			if (blocks[k] && !engine->free(blocks[k]))
				*wrong = true;
	}

	void watch(const std::atomic<bool> *end, std::atomic<bool> *wrong)
	{
		while (!*end) {
			if (first.charged_bytes() > 12 * mib || other.charged_bytes() > 5 * mib)
				*wrong = true;
			first.release(WEIR_TRIGGER_api);
			other.release(WEIR_TRIGGER_api);
			std::this_thread::yield();
		}
	}
};

TEST_F(PoolsShared, HoldBothLimitsAtEveryMoment)
{
	std::atomic<bool> wrong{ false }, end{ false };
	std::vector<std::thread> threads;
	std::thread watcher([&] { watch(&end, &wrong); });

	for (unsigned i = 0; i < 4; i++)
		threads.emplace_back(churn, i % 2 == 0 ? &first : &other, i, &wrong);
	for (std::thread &thread : threads)
		thread.join();
	end = true;
	watcher.join();
	EXPECT_FALSE(wrong);
	EXPECT_EQ(0U, first.live_bytes());
}

} // namespace
