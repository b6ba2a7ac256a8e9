#include "test_engine.h"

/* The cache as the pool uses it. Sizes of one class: 896 KiB < size <= 1 MiB. */

namespace
{

EngineOptions with_cache(size_t limit = 64 * mib)
{
	EngineOptions options;

	options.limit = limit;
	options.cached = mib + WEIR_COLOUR_SPARE;
	return options;
}

struct Cache : testing::Test {
	explicit Cache(const EngineOptions &options = with_cache()) : engine(options)
	{
		fake_os_set_thread(0);
	}

	~Cache() override
	{
		EXPECT_TRUE(engine.consistent());
		EXPECT_TRUE(engine.zero_beyond_extents());
	}

	bool cached(const char *block) { return engine.find(block).word & WEIR_SLOT_CACHED; }

	/* A free block that the current thread's group has at hand. */
	char *at_hand(size_t bytes)
	{
		char *block = engine.take(bytes);

		fill(block, bytes, 1);
		EXPECT_TRUE(engine.free(block));
		EXPECT_TRUE(cached(block));
		EXPECT_FALSE(engine.live(block));
		return block;
	}

	/* The same, and live again. */
	char *live_at_hand(size_t extent, size_t bytes)
	{
		char *block = at_hand(extent);

		EXPECT_EQ(block, engine.take_cached(bytes));
		EXPECT_TRUE(cached(block));
		return block;
	}

	size_t cached_bytes() const { return weir_units_to_bytes(engine.pool.cache.units); }
	uint64_t hits(size_t bytes) const
	{
		return weir_cache_hits(engine.pool.stats,
				       weir_class_of(weir_region_of(bytes, 1), bytes));
	}

	Engine engine;
};

/* Taking and freeing */

TEST_F(Cache, ChangesNothingButTheWordOfASlotThatComesAndGoes)
{
	char *block = at_hand(mib);
	uint64_t word = engine.find(block).word, usage = weir_pool_usage(&engine.pool);
	weir_class before = engine.class_for(mib);

	for (int i = 0; i < 100; i++) {
		ASSERT_EQ(block, engine.take_cached(mib));
		ASSERT_TRUE(engine.live(block));
		ASSERT_TRUE(engine.free(block));
		ASSERT_EQ(word, engine.find(block).word);
	}
	EXPECT_EQ(usage, weir_pool_usage(&engine.pool));
	EXPECT_EQ(0, memcmp(&before, &engine.class_for(mib), sizeof before));
	EXPECT_EQ(mib, cached_bytes());
	EXPECT_EQ(100U, hits(mib));
	EXPECT_TRUE(holds(block, mib, 1));
}

TEST_F(Cache, ServesTheSizesOfAClassThatFitTheExtent)
{
	char *block = at_hand(960 * kib);

	for (size_t bytes : { 896 * kib + 1, 900 * kib, 960 * kib }) {
		EXPECT_EQ(block, engine.take_cached(bytes));
		EXPECT_EQ(bytes, weir_slot_reach(engine.find(block).word));
		EXPECT_EQ(960 * kib, engine.extent(block));
		engine.free(block);
	}
	uint64_t word = engine.find(block).word;
	for (size_t bytes : { 896 * kib, 960 * kib + 1, mib })
		EXPECT_EQ(nullptr, engine.take_cached(bytes));
	EXPECT_EQ(word, engine.find(block).word);
	EXPECT_EQ(3U, hits(mib));
}

TEST_F(Cache, GivesNoBlockTwice)
{
	char *block = live_at_hand(mib, mib);

	EXPECT_EQ(nullptr, engine.take_cached(mib));
	EXPECT_NE(block, engine.take(mib));
}

TEST_F(Cache, SendsWhatFindsItsEntryTakenToTheLists)
{
	char *first = engine.take(mib), *second = engine.take(mib), *third = engine.take(mib);

	for (char *block : { first, second, third })
		engine.free(block);
	EXPECT_TRUE(cached(first));
	EXPECT_FALSE(cached(second));
	EXPECT_EQ(2U, engine.class_for(mib).blocks);
	EXPECT_EQ(3 * mib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
	EXPECT_EQ(first, engine.take(mib));
	EXPECT_EQ(third, engine.take(mib));
	EXPECT_EQ(second, engine.take(mib));
	EXPECT_EQ(1U, hits(mib));
	EXPECT_EQ(2U, engine.counts_for(mib).hits);
}

/* A block that is live has its entry, too. */
TEST_F(Cache, KeepsTheEntryOfALiveBlock)
{
	char *other = engine.take(mib), *block = live_at_hand(mib, mib);

	engine.free(other);
	EXPECT_FALSE(cached(other));
	engine.free(block);
	EXPECT_TRUE(cached(block));
	EXPECT_EQ(block, engine.take_cached(mib));
}

TEST_F(Cache, HasABlockForEachGroupOfThreads)
{
	char *blocks[WEIR_CACHE_GROUPS];

	for (char *&block : blocks)
		block = engine.take(200 * kib);
	for (int thread = 0; thread < WEIR_CACHE_GROUPS; thread++) {
		fake_os_set_thread(thread);
		EXPECT_EQ(nullptr, engine.take_cached(200 * kib));
		engine.free(blocks[thread]);
		EXPECT_TRUE(cached(blocks[thread]));
	}
	EXPECT_TRUE(engine.consistent());
	for (int thread = 0; thread < WEIR_CACHE_GROUPS; thread++) {
		fake_os_set_thread(thread + WEIR_CACHE_GROUPS);
		EXPECT_EQ(blocks[thread], engine.take_cached(200 * kib));
		EXPECT_EQ(nullptr, engine.take_cached(200 * kib));
	}
}

TEST_F(Cache, TakesABlockBackForItsGroupWhoeverFreesIt)
{
	char *block = live_at_hand(mib, mib);

	fake_os_set_thread(5);
	EXPECT_TRUE(engine.free(block));
	EXPECT_EQ(nullptr, engine.take_cached(mib));
	fake_os_set_thread(0);
	EXPECT_EQ(block, engine.take_cached(mib));
}

TEST_F(Cache, RefusesToFreeABlockTwice)
{
	char *block = live_at_hand(mib, mib);

	EXPECT_TRUE(engine.free(block));
	EXPECT_FALSE(engine.free(block));
	EXPECT_EQ(mib, engine.retained_bytes());
	EXPECT_EQ(block, engine.take_cached(mib));
	EXPECT_EQ(nullptr, engine.take_cached(mib));
}

/* Counts */

TEST_F(Cache, CountsWhatIsLiveOfItsBlocks)
{
	char *block = at_hand(mib);

	EXPECT_EQ(0U, engine.live_bytes());
	EXPECT_EQ(mib, engine.retained_bytes());
	ASSERT_EQ(block, engine.take_cached(900 * kib + 1));
	EXPECT_EQ(904 * kib, engine.live_bytes());
	EXPECT_EQ(120 * kib, engine.retained_bytes());
	EXPECT_EQ(mib, engine.charged_bytes());
	EXPECT_TRUE(engine.consistent());
	engine.take(100 * kib);
	EXPECT_EQ(1004 * kib, engine.live_bytes());
	EXPECT_EQ(120 * kib, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
	engine.free(block);
	EXPECT_EQ(100 * kib, engine.live_bytes());
	EXPECT_EQ(mib, engine.retained_bytes());
}

TEST_F(Cache, CountsItsLiveBlocksInThePeaks)
{
	live_at_hand(mib, mib);
	EXPECT_EQ(mib, weir_units_to_bytes(engine.pool.stats->usage.peak_retained_units));
	engine.take(300 * kib);
	EXPECT_EQ(mib + 300 * kib, weir_units_to_bytes(engine.pool.stats->usage.peak_live_units));
	EXPECT_EQ(mib + 300 * kib,
		  weir_units_to_bytes(engine.pool.stats->usage.peak_footprint_units));
	EXPECT_EQ(mib, weir_units_to_bytes(engine.pool.stats->usage.peak_retained_units));
}

/* Limits */

struct CacheAtTheLimit : Cache {
	CacheAtTheLimit() : Cache(with_cache(8 * mib)) {}
};

TEST_F(CacheAtTheLimit, GivesUpTheRoomOfItsLiveBlocks)
{
	char *block = live_at_hand(mib, 900 * kib), *full = engine.take(8 * mib);

	engine.free(full);
	EXPECT_EQ(8 * mib, engine.charged_bytes());
	EXPECT_EQ(8 * mib - 124 * kib, engine.extent(full));
	EXPECT_EQ(8 * mib, engine.retained_bytes());
	EXPECT_EQ(900 * kib, engine.live_bytes());
	EXPECT_EQ(124 * kib, engine.released_bytes(WEIR_TRIGGER_limit));
	EXPECT_FALSE(cached(block));
	EXPECT_TRUE(engine.live(block));
	EXPECT_TRUE(holds(block, mib, 1));
	EXPECT_EQ(0U, cached_bytes());
	EXPECT_TRUE(engine.consistent());
	engine.free(block);
	EXPECT_EQ(8 * mib, engine.retained_bytes());
}

TEST_F(CacheAtTheLimit, ReleasesNothingWhereTheRoomOfLiveBlocksIsEnough)
{
	char *blocks[3], *full = engine.take(8 * mib);

	for (int thread = 0; thread < 3; thread++) {
		fake_os_set_thread(thread);
		blocks[thread] = live_at_hand(200 * kib, 200 * kib);
	}
	engine.free(full);
	EXPECT_EQ(8 * mib, engine.retained_bytes());
	EXPECT_EQ(8 * mib, engine.charged_bytes());
	EXPECT_EQ(600 * kib, engine.live_bytes());
	EXPECT_EQ(0U, engine.released_bytes(WEIR_TRIGGER_limit));
	for (char *block : blocks)
		EXPECT_FALSE(cached(block));
}

TEST_F(CacheAtTheLimit, TakesNoMoreRoomThanIsNeeded)
{
	char *blocks[3], *most = engine.take(8 * mib - 448 * kib);

	for (int thread = 0; thread < 3; thread++) {
		fake_os_set_thread(thread);
		blocks[thread] = live_at_hand(200 * kib, 200 * kib);
	}
	engine.free(most);
	EXPECT_EQ(400 * kib, cached_bytes());
	EXPECT_EQ(8 * mib - 48 * kib, engine.charged_bytes());
	EXPECT_EQ(2, cached(blocks[0]) + cached(blocks[1]) + cached(blocks[2]));
}

TEST_F(CacheAtTheLimit, GivesUpFreeBlocksForLaterOnes)
{
	char *block = at_hand(400 * kib), *full = engine.take(8 * mib);

	engine.free(full);
	EXPECT_FALSE(cached(block));
	EXPECT_EQ(8 * mib, engine.extent(full));
	EXPECT_EQ(0U, engine.extent(block));
	EXPECT_EQ(0U, fake_os_resident(block, 400 * kib));
	EXPECT_EQ(8 * mib, engine.retained_bytes());
	EXPECT_EQ(400 * kib, engine.released_bytes(WEIR_TRIGGER_limit));
	EXPECT_EQ(0U, cached_bytes());
}

TEST_F(CacheAtTheLimit, GivesUpWhatTheListsCannot)
{
	char *block = at_hand(400 * kib), *idle = engine.take(300 * kib);
	char *large = engine.take(7 * mib + 500 * kib);

	engine.free(idle);
	engine.free(large);
	EXPECT_TRUE(cached(block));
	EXPECT_LT(engine.extent(idle), 300 * kib);
	EXPECT_LE(engine.retained_bytes(), 8 * mib);
	EXPECT_GT(engine.retained_bytes(), 8 * mib - 64 * kib);
}

TEST_F(CacheAtTheLimit, HoldsAnEighthOfItAtMost)
{
	char *blocks[5];

	for (char *&block : blocks)
		block = engine.take(300 * kib);
	for (int thread = 0; thread < 5; thread++) {
		fake_os_set_thread(thread);
		engine.free(blocks[thread]);
		EXPECT_EQ(thread < 3, cached(blocks[thread]));
	}
	EXPECT_EQ(900 * kib, cached_bytes());
	EXPECT_EQ(1500 * kib, engine.retained_bytes());
	EXPECT_EQ(2U, engine.class_for(300 * kib).blocks);
	EXPECT_TRUE(engine.consistent());
}

TEST(CacheOff, WhereNothingMayBeRetained)
{
	Engine engine(with_cache(0));
	char *block = engine.take(mib);

	engine.free(block);
	EXPECT_EQ(0U, engine.find(block).word & WEIR_SLOT_CACHED);
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_TRUE(engine.consistent());
}

/* Blocks of each size, freed: whether they are at hand then. */
void expect_cached(const EngineOptions &options, const std::map<size_t, bool> &sizes)
{
	Engine engine(options);

	for (auto &[bytes, expected] : sizes) {
		char *block = engine.take(bytes);

		engine.free(block);
		EXPECT_EQ(expected, (engine.find(block).word & WEIR_SLOT_CACHED) != 0)
			<< bytes << " bytes";
	}
	EXPECT_TRUE(engine.consistent());
}

TEST(CacheOff, WhereAnotherLimitThanThatOfAllBoundsTheClass)
{
	EngineOptions blocks = with_cache(), ranges = with_cache();
	weir_class_limit range = {};

	expect_cached(with_cache(), { { 100 * kib, true }, { 400 * kib, true }, { mib, true } });
	blocks.class_blocks = 3;
	expect_cached(blocks, { { 100 * kib, false }, { 400 * kib, false }, { mib, false } });
	range.min_bytes = 200 * kib;
	range.max_bytes = 512 * kib;
	range.limit_bytes = 4 * mib;
	ranges.class_limits = { range };
	expect_cached(ranges, { { 100 * kib, true }, { 400 * kib, false }, { mib, true } });
}

TEST(CacheOff, ForLongBlocks)
{
	size_t most = mib + WEIR_COLOUR_SPARE;

	expect_cached(with_cache(), { { most, true }, { most + 1, false }, { 4 * mib, false } });
	expect_cached({}, { { 100 * kib, false } });
}

/* A block that lies in a larger stride than its own is not where its class looks. */
TEST_F(Cache, HasOnlyBlocksOfTheirOwnStride)
{
	char *block = engine.take(100 * kib, mib);

	engine.free(block);
	EXPECT_FALSE(cached(block));
	EXPECT_EQ(100 * kib, engine.retained_bytes());
}

/* Release */

TEST_F(Cache, IsEmptiedByAReleaseForAllGroups)
{
	char *blocks[WEIR_CACHE_GROUPS];

	for (int thread = 0; thread < WEIR_CACHE_GROUPS; thread++) {
		fake_os_set_thread(thread);
		blocks[thread] = at_hand(300 * kib);
	}
	fake_os_set_thread(3);
	weir_tally tally = engine.release();

	EXPECT_EQ(WEIR_CACHE_GROUPS * 300 * kib, weir_units_to_bytes(tally.units));
	EXPECT_EQ((uint64_t)WEIR_CACHE_GROUPS, tally.blocks);
	EXPECT_EQ(0U, weir_pool_usage(&engine.pool));
	EXPECT_EQ(0U, cached_bytes());
	for (char *block : blocks) {
		EXPECT_FALSE(cached(block));
		EXPECT_EQ(0U, fake_os_resident(block, 512 * kib));
	}
}

TEST_F(Cache, KeepsLiveBlocksThroughARelease)
{
	char *block = live_at_hand(mib, mib);

	EXPECT_EQ(0U, engine.release().blocks);
	EXPECT_TRUE(cached(block));
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(mib, engine.live_bytes());
	EXPECT_TRUE(holds(block, mib, 1));
	engine.free(block);
	EXPECT_EQ(block, engine.take_cached(mib));
}

TEST_F(Cache, LosesTheSurplusOfItsLiveBlocksInARelease)
{
	char *block = live_at_hand(mib, 900 * kib);

	EXPECT_EQ(124 * kib, weir_units_to_bytes(engine.release().units));
	EXPECT_EQ(0U, engine.charged_bytes());
	EXPECT_EQ(900 * kib, engine.live_bytes());
	EXPECT_EQ(900 * kib, fake_os_resident(block, mib));
	EXPECT_TRUE(engine.live(block));
	EXPECT_TRUE(engine.consistent());
	engine.free(block);
	EXPECT_TRUE(cached(block));
}

TEST_F(Cache, KeepsABlockThatTheKernelWillNotRelease)
{
	char *block = at_hand(mib);

	fake_os_fail(FAKE_RELEASE, 0, 1);
	fake_os_fail(FAKE_RENEW, 0, 1);
	engine.release();
	EXPECT_EQ(mib, engine.retained_bytes());
	EXPECT_EQ(0U, cached_bytes());
	EXPECT_EQ(1U, engine.class_for(mib).blocks);
	EXPECT_TRUE(engine.consistent());
	engine.release();
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(0U, fake_os_resident(block, mib));
}

struct ReleaseBetween {
	Engine *engine;
	bool done;
};

void release_once(void *context)
{
	ReleaseBetween *between = (ReleaseBetween *)context;

	if (!between->done) {
		between->done = true;
		between->engine->release();
	}
}

/* It reads which thread calls after it has read the epoch, and before it binds. */
TEST_F(Cache, HoldsNothingThatAReleaseMissed)
{
	char *block = engine.take(mib);
	ReleaseBetween between = { &engine, false };

	fill(block, mib, 1);
	fake_os_on(FAKE_THREAD, release_once, &between);
	engine.free(block);
	EXPECT_TRUE(between.done);
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(0U, fake_os_resident(block, mib));
	EXPECT_FALSE(cached(block));
	EXPECT_EQ(mib, engine.released_bytes(WEIR_TRIGGER_signal));
}

/* Decay */

struct CacheDecay : Cache {
	CacheDecay() { weir_decay_init(&decay, 1000, 0); }

	void tick()
	{
		weir_tally tally;

		fake_os_set_now_ms(Engine::now() + 1000);
		weir_decay_step(&decay, &engine.pool, Engine::now(), &tally);
	}

	weir_decay decay;
};

TEST_F(CacheDecay, ReleasesABlockThatNobodyWantedForTwoTicks)
{
	char *block = at_hand(mib);

	tick();
	EXPECT_TRUE(cached(block));
	EXPECT_EQ(mib, engine.retained_bytes());
	tick();
	EXPECT_FALSE(cached(block));
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(0U, fake_os_resident(block, mib));
	EXPECT_EQ(mib, engine.released_bytes(WEIR_TRIGGER_decay));
}

TEST_F(CacheDecay, KeepsABlockThatIsUsed)
{
	char *block = at_hand(mib);

	for (int i = 0; i < 5; i++) {
		tick();
		ASSERT_EQ(block, engine.take_cached(mib));
		engine.free(block);
	}
	EXPECT_TRUE(cached(block));
	EXPECT_EQ(mib, engine.retained_bytes());
}

TEST_F(CacheDecay, GivesABlockThatAged)
{
	char *block = at_hand(mib);

	tick();
	EXPECT_EQ(block, engine.take_cached(mib));
	for (int i = 0; i < 3; i++)
		tick();
	EXPECT_TRUE(cached(block));
	EXPECT_EQ(mib, engine.live_bytes());
}

/* Resizing */

TEST_F(Cache, LetsGoOfABlockThatIsResized)
{
	for (size_t bytes : { 905 * kib, 960 * kib, mib, 910 * kib, 300 * kib }) {
		char *block = live_at_hand(960 * kib, 910 * kib);

		ASSERT_TRUE(engine.resize(block, bytes));
		EXPECT_FALSE(cached(block));
		EXPECT_EQ(0U, cached_bytes());
		EXPECT_EQ(weir_align_up(bytes, page), engine.live_bytes());
		EXPECT_TRUE(holds(block, weir_min(bytes, 960 * kib), 1));
		EXPECT_TRUE(engine.consistent());
		engine.free(block);
		engine.release();
	}
}

TEST_F(Cache, LetsGoOfABlockThatMoves)
{
	char *block = live_at_hand(mib, 900 * kib);
	char *moved = engine.move(block, 3 * mib);

	ASSERT_NE(nullptr, moved);
	EXPECT_TRUE(holds(moved, 900 * kib, 1));
	EXPECT_EQ(3 * mib, engine.live_bytes());
	EXPECT_EQ(0U, engine.retained_bytes());
	EXPECT_EQ(0U, cached_bytes());
	EXPECT_FALSE(engine.live(block));
}

TEST_F(Cache, LetsGoOfABlockThatIsClaimed)
{
	char *block = live_at_hand(mib, 900 * kib);
	weir_block claimed = engine.find(block);

	ASSERT_TRUE(weir_live_claim(&engine.pool, &claimed));
	EXPECT_EQ(900 * kib, engine.live_bytes());
	EXPECT_EQ(124 * kib, engine.charged_bytes());
	EXPECT_EQ(0U, cached_bytes());
	EXPECT_TRUE(engine.free(block));
	EXPECT_FALSE(engine.free(block));
	weir_live_finish(&engine.pool, &claimed, 0);
	EXPECT_EQ(mib, engine.retained_bytes());
	EXPECT_TRUE(cached(block));
}

/* A slot that the entry of its id does not lead to, as where two threads bound at once. */

struct CacheNameless : Cache {
	static constexpr unsigned group = 0;
	unsigned class_index = weir_class_of(weir_region_of(mib, 1), mib);
	uint32_t id = weir_cache_id(group, class_index);

	weir_slot *slot_of(const char *block)
	{
		weir_block found = engine.find(block);

		return &found.region->slots[found.index];
	}
	/* What the entry says is forgotten. */
	weir_slot *without_name(const char *block)
	{
		engine.pool.cache.entries[group][class_index].slot = nullptr;
		return slot_of(block);
	}
	void put_back(const char *block, uint64_t word)
	{
		weir_block free_one = engine.find(block);

		weir_pool_put_back(&engine.pool, &free_one, weir_slot_extent(word),
				   weir_slot_extent(word));
	}
};

TEST_F(CacheNameless, IsTakenInHandWhereItIsFree)
{
	char *block = at_hand(mib);
	uint64_t word = 0;

	ASSERT_EQ(WEIR_DISOWNED_FREE,
		  weir_cache_disown(&engine.pool.cache, without_name(block), id, &word));
	EXPECT_FALSE(cached(block));
	EXPECT_EQ(0U, cached_bytes());
	put_back(block, word);
	EXPECT_EQ(mib, engine.retained_bytes());
}

TEST_F(CacheNameless, StaysTheProgramsWhereItIsLive)
{
	char *block = live_at_hand(mib, mib);
	uint64_t word = 0;

	ASSERT_EQ(WEIR_DISOWNED_LIVE,
		  weir_cache_disown(&engine.pool.cache, without_name(block), id, &word));
	EXPECT_EQ(mib, weir_slot_reach(word));
	weir_pool_count_uncached(&engine.pool, engine.find(block).region, word);
	EXPECT_TRUE(engine.live(block));
	EXPECT_EQ(mib, engine.live_bytes());
	EXPECT_TRUE(engine.free(block));
}

TEST_F(CacheNameless, IsLeftAloneWhereAnotherEntryHasIt)
{
	char *block = at_hand(mib);
	uint64_t word = 0;

	EXPECT_EQ(WEIR_DISOWNED_NONE,
		  weir_cache_disown(&engine.pool.cache, slot_of(block), id + 1, &word));
	EXPECT_TRUE(cached(block));
}

TEST_F(CacheNameless, IsToldWhereABindReplacesIt)
{
	char *block = at_hand(mib);
	weir_block other = {}, old = engine.find(block);
	weir_slot *nameless = slot_of(block);

	ASSERT_TRUE(weir_cache_unbind(&engine.pool.cache, nameless, old.word));
	put_back(block, old.word);
	ASSERT_EQ(block, engine.take(mib));
	ASSERT_TRUE(weir_pool_take(&engine.pool, weir_class_region(class_index), mib, 0, &other));
	weir_pool_count(&engine.pool, 0, (int64_t)(mib >> WEIR_UNIT_SHIFT));
	EXPECT_TRUE(weir_cache_bind(&engine.pool.cache, other.region, other.index, group,
				    class_index, mib >> WEIR_UNIT_SHIFT, &nameless));
	EXPECT_EQ(slot_of(block), nameless);
	EXPECT_TRUE(engine.free(block));
}

} // namespace
