#include "test_engine.h"

#include <cerrno>

extern "C" {
#include "backend.h"
#include "engine.h"
#include "large.h"
#include "settings.h"
}

/* The engine of the process starts once: all tests here share it, and leave it
 * with nothing live and nothing retained. */

namespace
{

struct Large : testing::Test {
	/* Once, whichever suite comes first. */
	static void SetUpTestSuite()
	{
		if (config.limit_bytes > 0)
			return;
		static char limit[] = "WEIR_LIMIT=64M", most[] = "WEIR_MAX=32M";
		static char refused[] = "WEIR_MAX_ALLOC=64M", decay[] = "WEIR_DECAY=10s";
		static char *const environment[] = { limit, most, refused, decay, nullptr };

		ASSERT_TRUE(weir_config_load(&config, environment, "large_test", nullptr));
		fake_os_reset();
		fake_os_set_file_root("/nonexistent");
		fake_os_fail(FAKE_RESERVE, 0, 6);
		weir_engine_enable(&config, watch);
		enabled = weir_stats_page.state;
		started_before = weir_engine_pool() != nullptr || weir_space.span > 0;
		char *first = (char *)weir_large_malloc(mib, 1);

		ASSERT_TRUE(owned(first));
		weir_large_free(first);
		watched_at_start = watched;
	}

	/* It may do what it likes to errno, and allocate. */
	static uint64_t watch(uint64_t now_ms)
	{
		watched++;
		errno = EBADF;
		if (watch_bytes > 0)
			weir_large_free(weir_large_malloc(watch_bytes, 1));
		return now_ms + 10000;
	}

	Large()
	{
		fake_os_reset();
		weir_engine_release(WEIR_TRIGGER_api);
		reset_counters();
		for (weir_class &each : weir_engine_pool()->classes)
			each.dense_callocs = 0;
		backend = ::weir_backend;
	}

	~Large() override
	{
		::weir_backend = backend;
		fake_os_reset();
		weir_engine_release(WEIR_TRIGGER_api);
		EXPECT_EQ(0U, weir_pool_usage(weir_engine_pool()));
	}

	static bool owned(const void *address) { return weir_space_owns(&weir_space, address); }

	static char *filled(size_t bytes, unsigned seed)
	{
		char *block = (char *)weir_large_malloc(bytes, 1);

		EXPECT_TRUE(owned(block));
		fill(block, bytes, seed);
		return block;
	}

	/* A block for the cache, and one that goes to a list then. */
	static char *freed_to_a_list(size_t bytes)
	{
		char *cached = filled(bytes, 1), *listed = filled(bytes, 1);

		weir_large_free(cached);
		weir_large_free(listed);
		return listed;
	}

	static size_t retained()
	{
		return weir_units_to_bytes(weir_pool_held(weir_engine_pool()).retained_units);
	}

	static size_t live()
	{
		return weir_units_to_bytes(weir_pool_held(weir_engine_pool()).live_units);
	}

	static size_t live_and_retained() { return live() + retained(); }

	static size_t colour(const void *block) { return (uintptr_t)block % page; }

	/* What a block of any colour counts as. */
	static size_t counted(size_t bytes)
	{
		return weir_align_up(bytes + WEIR_COLOUR_SPARE, page);
	}

	static size_t resident(const char *block, size_t bytes)
	{
		return fake_os_resident(block - colour(block),
					weir_align_up(colour(block) + bytes, page));
	}

	static uint64_t count(weir_counter counter) { return weir_stats_page.counters[counter]; }

	static weir_config config;
	static bool started_before;
	static unsigned enabled, watched, watched_at_start;
	static size_t watch_bytes;
	struct weir_backend backend;
};

weir_config Large::config;
bool Large::started_before;
unsigned Large::enabled, Large::watched, Large::watched_at_start;
size_t Large::watch_bytes;

testing::AssertionResult all_zero(const char *block, size_t bytes)
{
	for (size_t at = 0; at < bytes; at++)
		if (block[at] != 0)
			return testing::AssertionFailure() << "byte " << at << " is not zero";
	return testing::AssertionSuccess();
}

TEST_F(Large, StartsWithTheFirstRequest)
{
	EXPECT_FALSE(started_before);
	EXPECT_NE(nullptr, weir_engine_pool());
	EXPECT_EQ(64 * mib, weir_units_to_bytes(weir_engine_pool()->limit_units));
}

TEST_F(Large, AlignsBlocksAsAsked)
{
	for (size_t align = 1; align <= 64 * mib; align *= 4) {
		void *block = weir_large_malloc(64 * kib, align);

		ASSERT_NE(nullptr, block);
		EXPECT_EQ(0U, (uintptr_t)block % align);
		EXPECT_EQ(0U, (uintptr_t)block % WEIR_COLOUR_ALIGN);
		weir_large_free(block);
	}
}

TEST_F(Large, AlignsBlocksOfTheBackendAsAsked)
{
	for (size_t align = 1; align <= 4096; align *= 2) {
		void *block = weir_large_malloc(33 * mib, align);

		ASSERT_NE(nullptr, block);
		EXPECT_FALSE(owned(block));
		EXPECT_EQ(0U, (uintptr_t)block % align);
		weir_backend.free(block);
	}
}

TEST_F(Large, RetainsWhatIsFreedAndGivesItAgain)
{
	for (size_t bytes : { mib, 3 * mib }) {
		char *block = filled(bytes, 1);

		EXPECT_EQ(counted(bytes), live());
		weir_large_free(block);
		EXPECT_EQ(0U, live());
		EXPECT_EQ(counted(bytes), retained());
		EXPECT_EQ(block, weir_large_malloc(bytes, 1));
		EXPECT_TRUE(holds(block, bytes, 1));
		EXPECT_EQ(counted(bytes), live());
		EXPECT_EQ(0U, retained());
		weir_large_free(block);
		weir_engine_release(WEIR_TRIGGER_api);
	}
}

TEST_F(Large, CountsWhatTheCacheServesAsHits)
{
	unsigned c = weir_class_of(weir_region_of(counted(mib), 1), counted(mib));
	weir_pool *pool = weir_engine_pool();

	weir_large_free(weir_large_malloc(mib, 1));
	uint64_t hits = weir_cache_hits(pool->stats, c), usage = weir_pool_usage(pool);
	uint64_t listed = pool->stats->classes[c].hits, misses = pool->stats->classes[c].misses;
	for (int i = 0; i < 20; i++)
		weir_large_free(weir_large_malloc(mib - (size_t)i, 1));
	EXPECT_EQ(hits + 20, weir_cache_hits(pool->stats, c));
	EXPECT_EQ(usage, weir_pool_usage(pool));
	EXPECT_EQ(listed, pool->stats->classes[c].hits);
	EXPECT_EQ(misses, pool->stats->classes[c].misses);
}

TEST_F(Large, LeavesLongBlocksToTheLists)
{
	weir_pool *pool = weir_engine_pool();

	weir_large_free(weir_large_malloc(mib + 1, 1));
	EXPECT_EQ(0U, pool->cache.units);
	weir_large_free(weir_large_malloc(mib, 128));
	EXPECT_EQ(counted(mib), weir_units_to_bytes(pool->cache.units));
}

TEST_F(Large, GivesAnAlignedBlockAgain)
{
	for (size_t bytes : { 64 * kib, 100 * kib, mib }) {
		void *block = weir_large_malloc(bytes, 4096);

		weir_large_free(block);
		EXPECT_EQ(block, weir_large_malloc(bytes, 4096));
		weir_large_free(block);
		EXPECT_EQ(bytes, retained());
		weir_engine_release(WEIR_TRIGGER_api);
	}
}

TEST_F(Large, KeepsErrnoWhenItFrees)
{
	char *block = filled(mib, 1);

	errno = 77;
	weir_large_free(block);
	EXPECT_EQ(77, errno);
}

TEST_F(Large, ClearsOnlyTheExtentForCalloc)
{
	char *block = freed_to_a_list(700 * kib);

	ASSERT_EQ(block, weir_large_calloc(900 * kib));
	EXPECT_TRUE(all_zero(block, 900 * kib));
	EXPECT_EQ(counted(700 * kib) - colour(block), count(WEIR_COUNT_calloc_zeroed_bytes));
	weir_large_free(block);
}

TEST_F(Large, ClearsNothingBeyondTheRequestForCalloc)
{
	char *block = freed_to_a_list(900 * kib);

	ASSERT_EQ(block, weir_large_calloc(600 * kib + 1));
	EXPECT_TRUE(all_zero(block, 600 * kib + 1));
	EXPECT_EQ(600 * kib + 1, count(WEIR_COUNT_calloc_zeroed_bytes));
	weir_large_free(block);
}

TEST_F(Large, ClearsABlockOfTheCacheForCalloc)
{
	char *block = filled(700 * kib, 1);

	weir_large_free(block);
	ASSERT_EQ(block, weir_large_calloc(690 * kib));
	EXPECT_TRUE(all_zero(block, 690 * kib));
	EXPECT_EQ(690 * kib, count(WEIR_COUNT_calloc_zeroed_bytes));
	weir_large_free(block);
}

TEST_F(Large, ClearsNothingOfAnEmptySlotForCalloc)
{
	for (size_t bytes : { 900 * kib, 3 * mib }) {
		weir_large_free(filled(bytes, 1));
		weir_engine_release(WEIR_TRIGGER_api);
		char *block = (char *)weir_large_calloc(bytes);

		ASSERT_TRUE(owned(block));
		EXPECT_EQ(0U, resident(block, bytes));
		EXPECT_TRUE(all_zero(block, bytes));
		EXPECT_EQ(0U, count(WEIR_COUNT_calloc_zeroed_bytes));
		weir_large_free(block);
	}
}

TEST_F(Large, ClearsABlockThatTheKernelWouldNotRelease)
{
	char *block = filled(900 * kib, 1);

	weir_large_free(block);
	fake_os_fail(FAKE_RELEASE, 0, 1);
	fake_os_fail(FAKE_RENEW, 0, 1);
	weir_engine_release(WEIR_TRIGGER_api);
	EXPECT_EQ(counted(900 * kib), retained());
	ASSERT_EQ(block, weir_large_calloc(900 * kib));
	EXPECT_TRUE(all_zero(block, 900 * kib));
	weir_large_free(block);
}

TEST_F(Large, GivesFreshPagesToACallocThatIsHardlyUsed)
{
	fake_os_set_residency(FAKE_RESIDENCY_TRUE);
	for (int round = 0; round < 3; round++) {
		char *block = (char *)weir_large_calloc(8 * mib);

		EXPECT_EQ(0U, resident(block, 8 * mib));
		block[4 * mib] = 1;
		EXPECT_EQ(page, resident(block, 8 * mib));
		weir_large_free(block);
		EXPECT_EQ(0U, retained());
	}
	EXPECT_EQ(0U, count(WEIR_COUNT_calloc_zeroed_bytes));
}

TEST_F(Large, KeepsWhatACallocFilledAndClearsItForTheNext)
{
	fake_os_set_residency(FAKE_RESIDENCY_TRUE);
	char *block = (char *)weir_large_calloc(8 * mib);

	fill(block, 8 * mib, 1);
	weir_large_free(block);
	EXPECT_EQ(weir_align_up(colour(block) + 8 * mib, page), retained());
	ASSERT_EQ(block, weir_large_calloc(8 * mib));
	EXPECT_TRUE(all_zero(block, 8 * mib));
	EXPECT_EQ(8 * mib, count(WEIR_COUNT_calloc_zeroed_bytes));
	weir_large_free(block);
}

/* What was used as a whole is cleared, but not for ever: its use may have changed. */
TEST_F(Large, TriesFreshPagesAgainAfterManyCallocsThatWereCleared)
{
	fake_os_set_residency(FAKE_RESIDENCY_TRUE);
	unsigned cleared = 0, fresh = 0;
	char *block = (char *)weir_large_calloc(4 * mib);

	fill(block, 4 * mib, 1);
	weir_large_free(block);
	for (; fresh == 0 && cleared < 1000; cleared += fresh == 0) {
		uint64_t before = count(WEIR_COUNT_calloc_zeroed_bytes);

		block = (char *)weir_large_calloc(4 * mib);
		fresh = count(WEIR_COUNT_calloc_zeroed_bytes) == before;
		EXPECT_EQ(fresh ? 0U : weir_align_up(colour(block) + 4 * mib, page),
			  resident(block, 4 * mib));
		memset(block, 1, 4 * mib);
		if (fresh == 0)
			weir_large_free(block);
	}
	EXPECT_EQ(255U, cleared);
	EXPECT_EQ(0U, retained()); /* the block that would have served it has gone */
	weir_large_free(block);
}

/* Pages in the swap look as if they had never been touched. */
TEST_F(Large, ClearsWhatWasSwappedOut)
{
	char *block = (char *)weir_large_calloc(8 * mib);

	fill(block, 8 * mib, 1);
	fake_os_set_residency(FAKE_RESIDENCY_SWAPPED);
	weir_large_free(block);
	char *next = (char *)weir_large_calloc(8 * mib);

	EXPECT_TRUE(all_zero(next, 8 * mib));
	weir_large_free(next);
}

/* Colours */

TEST_F(Large, StartsBlocksAtThirtyTwoPlaces)
{
	for (size_t bytes : { 64 * kib, 100 * kib, 2 * mib }) {
		std::map<size_t, unsigned> places;
		std::vector<void *> blocks;

		for (int i = 0; i < 64; i++) {
			blocks.push_back(weir_large_malloc(bytes, 1));
			places[colour(blocks.back())]++;
		}
		EXPECT_EQ(32U, places.size());
		for (auto &place : places)
			EXPECT_EQ(2U, place.second) << "at " << place.first;
		for (void *block : blocks)
			weir_large_free(block);
	}
}

TEST_F(Large, LetsTheProgramUseWhatCountsAsItsOwn)
{
	for (size_t bytes : { 64 * kib, 64 * kib + 1, 100 * kib - 3968, 700 * kib + 77, mib })
		for (int i = 0; i < 40; i++) {
			char *block = (char *)weir_large_malloc(bytes, 1);
			size_t usable = weir_large_usable_size(block);

			EXPECT_EQ(counted(bytes), live());
			EXPECT_GE(usable, bytes);
			EXPECT_EQ(counted(bytes), colour(block) + usable);
			fill(block, usable, 1);
			weir_large_free(block);
			EXPECT_EQ(counted(bytes), retained());
			if (i % 2 == 1)
				weir_engine_release(WEIR_TRIGGER_api);
		}
}

TEST_F(Large, GivesAlignedBlocksTheirSizeRoundedToAPage)
{
	for (size_t align : { (size_t)256, page, 64 * kib, 2 * mib }) {
		char *block = (char *)weir_large_malloc(mib + 1, align);

		EXPECT_EQ(0U, colour(block));
		EXPECT_EQ(mib + page, weir_large_usable_size(block));
		EXPECT_EQ(mib + page, live());
		weir_large_free(block);
		weir_engine_release(WEIR_TRIGGER_api);
	}
}

TEST_F(Large, KeepsColourAndContentsOfABlockThatMoves)
{
	std::vector<char *> blocks;

	for (unsigned i = 0; i < 6; i++)
		blocks.push_back(filled(mib + 5, i));
	for (unsigned i = 0; i < 6; i++) {
		size_t before = colour(blocks[i]);
		char *moved = (char *)weir_large_realloc(blocks[i], 5 * mib);

		ASSERT_TRUE(owned(moved));
		EXPECT_EQ(before, colour(moved));
		EXPECT_TRUE(holds(moved, mib + 5, i));
		EXPECT_EQ(counted(5 * mib), colour(moved) + weir_large_usable_size(moved));
		memset(moved, 1, weir_large_usable_size(moved));
		weir_large_free(moved);
	}
	EXPECT_EQ(6U, count(WEIR_COUNT_reallocs_moved));
}

TEST_F(Large, ServesRequestsAboveTheMostByTheBackend)
{
	void *block = weir_large_malloc(32 * mib + 1, 1), *clean = weir_large_calloc(33 * mib);

	ASSERT_NE(nullptr, block);
	EXPECT_FALSE(owned(block));
	EXPECT_FALSE(owned(clean));
	EXPECT_EQ(2U, count(WEIR_COUNT_oversize));
	weir_backend.free(block);
	weir_backend.free(clean);
	block = weir_large_malloc(40 * mib, 8192);
	EXPECT_EQ(0U, (uintptr_t)block % 8192);
	weir_backend.free(block);
}

TEST_F(Large, RefusesRequestsAboveTheMostAllowed)
{
	errno = 0;
	EXPECT_EQ(nullptr, weir_large_malloc(64 * mib + 1, 1));
	EXPECT_EQ(ENOMEM, errno);
	errno = 0;
	EXPECT_EQ(nullptr, weir_large_calloc(64 * mib + 1));
	EXPECT_EQ(ENOMEM, errno);
	EXPECT_EQ(2U, count(WEIR_COUNT_refused));
}

TEST_F(Large, PassesOnWhatFindsNoSlot)
{
	std::vector<void *> blocks;
	void *block;

	fake_os_fail(FAKE_COMMIT, 0, 1U << 30);
	while (owned(block = weir_large_malloc(20 * mib, 1)))
		blocks.push_back(block);
	ASSERT_NE(nullptr, block);
	EXPECT_EQ(1U, count(WEIR_COUNT_passed));
	weir_backend.free(block);
	for (void *each : blocks)
		weir_large_free(each);
}

TEST_F(Large, UsesALargerStrideWhereARegionIsFull)
{
	std::vector<char *> blocks;
	const weir_region &region = weir_space.regions[8]; /* 16 MiB */

	for (uint32_t i = 0; i <= region.slot_count; i++)
		blocks.push_back((char *)weir_large_malloc(9 * mib, 1));
	EXPECT_TRUE(owned(blocks.back()));
	EXPECT_GE(blocks.back(), region.base + (region.slot_count * 16 * mib));
	for (char *block : blocks)
		weir_large_free(block);
}

/* realloc */

TEST_F(Large, ResizesInPlaceWithinTheStride)
{
	char *block = filled(600 * kib, 1);

	EXPECT_EQ(block, weir_large_realloc(block, mib - WEIR_COLOUR_SPARE));
	EXPECT_TRUE(holds(block, 600 * kib, 1));
	EXPECT_EQ(mib, live());
	EXPECT_EQ(block, weir_large_realloc(block, 100 * kib));
	EXPECT_TRUE(holds(block, 100 * kib, 1));
	EXPECT_EQ(2U, count(WEIR_COUNT_reallocs_in_place));
	EXPECT_EQ(counted(100 * kib), live());
	weir_large_free(block);
}

TEST_F(Large, ResizesABlockOfTheCache)
{
	for (size_t bytes : { 650 * kib, 760 * kib, 900 * kib, 300 * kib }) {
		char *block = filled(760 * kib, 1);

		weir_large_free(block);
		ASSERT_EQ(block, weir_large_malloc(700 * kib, 1));
		EXPECT_EQ(block, weir_large_realloc(block, bytes));
		EXPECT_TRUE(holds(block, weir_min(bytes, 700 * kib), 1));
		EXPECT_EQ(counted(bytes), live());
		EXPECT_EQ(counted(weir_max(bytes, 760 * kib)), live() + retained());
		EXPECT_EQ(0U, weir_engine_pool()->cache.units);
		weir_large_free(block);
		weir_engine_release(WEIR_TRIGGER_api);
	}
}

TEST_F(Large, MovesABlockOfTheCache)
{
	char *block = filled(700 * kib, 1);

	weir_large_free(block);
	ASSERT_EQ(block, weir_large_malloc(700 * kib, 1));
	char *moved = (char *)weir_large_realloc(block, 3 * mib);

	EXPECT_TRUE(holds(moved, 700 * kib, 1));
	EXPECT_EQ(counted(3 * mib), live());
	EXPECT_EQ(0U, retained());
	EXPECT_EQ(0U, weir_engine_pool()->cache.units);
	weir_large_free(moved);
}

TEST_F(Large, MovesBeyondTheStride)
{
	char *block = filled(mib, 1);
	char *moved = (char *)weir_large_realloc(block, 3 * mib);

	ASSERT_TRUE(owned(moved));
	EXPECT_TRUE(holds(moved, mib, 1));
	EXPECT_EQ(1U, count(WEIR_COUNT_reallocs_moved));
	EXPECT_EQ(counted(3 * mib), live());
	weir_large_free(moved);
}

TEST_F(Large, CopiesSmallBlocksBeyondTheStride)
{
	char *block = filled(64 * kib, 1);
	char *moved = (char *)weir_large_realloc(block, 130 * kib);

	ASSERT_TRUE(owned(moved));
	EXPECT_TRUE(holds(moved, 64 * kib, 1));
	EXPECT_EQ(1U, count(WEIR_COUNT_reallocs_copied));
	EXPECT_EQ(counted(130 * kib), live());
	weir_large_free(moved);
}

TEST_F(Large, HandsBlocksThatBecomeSmallToTheBackend)
{
	char *block = filled(mib, 1);
	char *small = (char *)weir_large_realloc(block, 1000);

	ASSERT_NE(nullptr, small);
	EXPECT_FALSE(owned(small));
	EXPECT_TRUE(holds(small, 1000, 1));
	EXPECT_EQ(0U, live());
	weir_backend.free(small);
}

TEST_F(Large, HandsBlocksThatBecomeTooLargeToTheBackend)
{
	char *block = filled(mib, 1);
	char *larger = (char *)weir_large_realloc(block, 33 * mib);

	ASSERT_NE(nullptr, larger);
	EXPECT_FALSE(owned(larger));
	EXPECT_TRUE(holds(larger, mib, 1));
	EXPECT_EQ(0U, live());
	weir_backend.free(larger);
}

TEST_F(Large, KeepsABlockThatMayNotGrow)
{
	char *block = filled(mib, 1);

	errno = 0;
	EXPECT_EQ(nullptr, weir_large_realloc(block, 64 * mib + 1));
	EXPECT_EQ(ENOMEM, errno);
	EXPECT_TRUE(holds(block, mib, 1));
	EXPECT_EQ(counted(mib), live());
	weir_large_free(block);
}

TEST_F(Large, FreesABlockThatIsResizedToNothing)
{
	char *block = filled(mib, 1);

	EXPECT_EQ(nullptr, weir_large_realloc(block, 0));
	EXPECT_EQ(0U, live());
	EXPECT_EQ(counted(mib), retained());
}

TEST_F(Large, AdoptsBlocksOfTheBackendThatGrow)
{
	char *small = (char *)weir_backend.malloc(1000);

	fill(small, 1000, 1);
	char *block = (char *)weir_large_adopt(small, mib);

	ASSERT_TRUE(owned(block));
	EXPECT_TRUE(holds(block, 1000, 1));
	EXPECT_EQ(counted(mib), live());
	weir_large_free(block);
}

TEST_F(Large, LeavesABackendBlockThatMayNotGrowAlone)
{
	char *small = (char *)weir_backend.malloc(1000);

	fill(small, 1000, 1);
	errno = 0;
	EXPECT_EQ(nullptr, weir_large_adopt(small, 65 * mib));
	EXPECT_EQ(ENOMEM, errno);
	EXPECT_TRUE(holds(small, 1000, 1));
	weir_backend.free(small);
}

/* When memory is short */

unsigned refusals;
void *(*real_malloc)(size_t bytes);

void *refusing_malloc(size_t bytes)
{
	if (refusals == 0)
		return real_malloc(bytes);
	refusals--;
	errno = ENOMEM;
	return nullptr;
}

struct LargeShort : Large {
	explicit LargeShort(unsigned times = 1)
	{
		weir_large_free(weir_large_malloc(mib, 1));
		weir_backend.free(weir_backend.malloc(1)); /* finds the real one */
		real_malloc = weir_backend.malloc;
		backend = ::weir_backend;
		weir_backend.malloc = refusing_malloc;
		refusals = times;
	}
};

TEST_F(LargeShort, ReleasesAndTriesAgainBeforeItFails)
{
	errno = 77;
	void *block = weir_large_malloc(33 * mib, 1);

	ASSERT_NE(nullptr, block);
	EXPECT_EQ(77, errno);
	EXPECT_EQ(0U, retained());
	EXPECT_EQ(1U, weir_stats_page.released[WEIR_TRIGGER_enomem].releases);
	EXPECT_EQ(counted(mib),
		  weir_units_to_bytes(weir_stats_page.released[WEIR_TRIGGER_enomem].units));
	weir_backend.free(block);
}

TEST_F(LargeShort, FailsWhereAReleaseDoesNotHelp)
{
	refusals = 2;
	errno = 0;
	EXPECT_EQ(nullptr, weir_large_malloc(33 * mib, 1));
	EXPECT_EQ(ENOMEM, errno);
	EXPECT_EQ(0U, refusals);
}

void *(*real_realloc)(void *block, size_t bytes);

void *refusing_realloc(void *block, size_t bytes)
{
	if (refusals == 0)
		return real_realloc(block, bytes);
	refusals--;
	errno = ENOMEM;
	return nullptr;
}

TEST_F(LargeShort, ReleasesAndTriesAgainBeforeABackendBlockFailsToGrow)
{
	refusals = 0;
	char *block = (char *)weir_backend.malloc(1000);

	fill(block, 1000, 1);
	real_realloc = weir_backend.realloc;
	weir_backend.realloc = refusing_realloc;
	refusals = 1;
	errno = 77;
	block = (char *)weir_large_adopt(block, 33 * mib);
	ASSERT_NE(nullptr, block);
	EXPECT_EQ(77, errno);
	EXPECT_TRUE(holds(block, 1000, 1));
	EXPECT_EQ(0U, retained());
	EXPECT_EQ(1U, weir_stats_page.released[WEIR_TRIGGER_enomem].releases);

	/* What failed for good leaves it as it was. */
	refusals = 1;
	EXPECT_EQ(nullptr, weir_large_adopt(block, 40 * mib));
	EXPECT_TRUE(holds(block, 1000, 1));
	weir_backend.free(block);
}

TEST_F(LargeShort, TriesOnceWhereNothingIsRetained)
{
	weir_engine_release(WEIR_TRIGGER_api);
	EXPECT_EQ(nullptr, weir_large_malloc(33 * mib, 1));
	EXPECT_EQ(0U, weir_stats_page.released[WEIR_TRIGGER_enomem].releases);
}

/* Decay by the program's calls */

TEST_F(Large, ReleasesWhatDecaysInLaterCalls)
{
	uint64_t start = 1000000;
	char *idle = filled(4 * mib, 1);

	fake_os_set_now_ms(start);
	weir_large_free(idle);
	for (unsigned call = 0; call <= 8 * 25; call++) {
		fake_os_set_now_ms(start + 1000 * (call / 8));
		weir_large_free(weir_large_malloc(64 * kib, 1));
	}
	EXPECT_EQ(counted(64 * kib), retained());
	EXPECT_EQ(0U, resident(idle, 4 * mib));
	EXPECT_EQ(counted(4 * mib),
		  weir_units_to_bytes(weir_stats_page.released[WEIR_TRIGGER_decay].units));
}

/* The watch */

struct LargeWatch : Large {
	LargeWatch()
	{
		fake_os_set_now_ms(1000);
		weir_engine_begin_anew();
		watched = 0;
	}
	~LargeWatch() override { watch_bytes = 0; }

	/* A request, and what it frees, at this time: how often the watch was called by then. */
	static unsigned request_at(uint64_t now_ms)
	{
		fake_os_set_now_ms(now_ms);
		weir_large_free(weir_large_malloc(3 * mib, 1));
		return watched;
	}
};

TEST_F(Large, CallsTheWatchWithTheFirstRequest)
{
	EXPECT_EQ(1U, watched_at_start);
}

TEST_F(LargeWatch, IsCalledEveryTenSecondsAtMost)
{
	EXPECT_EQ(1U, request_at(1000));
	EXPECT_EQ(1U, request_at(1000));
	EXPECT_EQ(1U, request_at(10999));
	EXPECT_EQ(2U, request_at(11000));
	EXPECT_EQ(2U, request_at(20999));
	EXPECT_EQ(3U, request_at(90000));
	EXPECT_EQ(3U, request_at(99999));
}

TEST_F(LargeWatch, IsCalledAnewByTheNextRequest)
{
	EXPECT_EQ(1U, request_at(1000));
	weir_engine_begin_anew();
	EXPECT_EQ(2U, request_at(1001));
	EXPECT_EQ(2U, request_at(1002));
}

TEST_F(LargeWatch, IsCalledByBlocksAtHandToo)
{
	weir_large_free(weir_large_malloc(mib, 1));
	for (unsigned round = 1; round <= 4; round++) {
		weir_engine_begin_anew();
		watched = 0;
		for (unsigned request = 0; request < 8; request++)
			weir_large_free(weir_large_malloc(mib, 1));
		EXPECT_EQ(1U, watched);
	}
}

TEST_F(LargeWatch, MayMakeLargeRequestsItself)
{
	watch_bytes = 5 * mib;
	EXPECT_EQ(1U, request_at(1000));
	EXPECT_EQ(2U, request_at(20000));
	EXPECT_EQ(counted(3 * mib) + counted(5 * mib), retained());
}

TEST_F(LargeWatch, LeavesErrnoToTheProgram)
{
	errno = 77;
	request_at(1000);
	EXPECT_EQ(77, errno);
	fake_os_set_now_ms(20000);
	char *block = (char *)weir_large_calloc(2 * mib);

	EXPECT_EQ(2U, watched);
	EXPECT_EQ(77, errno);
	fake_os_set_now_ms(40000);
	weir_large_free(block);
	EXPECT_EQ(3U, watched);
	EXPECT_EQ(77, errno);
}

/* A part of what is retained */

TEST_F(Large, ReleasesDownToWhatItIsToldToKeep)
{
	for (size_t bytes : { 2 * mib, 3 * mib, 5 * mib })
		weir_large_free(filled(bytes, 1));
	size_t before = retained();
	weir_tally tally =
		weir_engine_release_some(WEIR_TRIGGER_socket, 4 * mib + 1, 0, WEIR_NO_LIMIT);

	EXPECT_EQ(4 * mib, retained());
	EXPECT_EQ(before - 4 * mib, weir_units_to_bytes(tally.units));
	EXPECT_EQ(tally.units, weir_stats_page.released[WEIR_TRIGGER_socket].units);
	weir_engine_release_some(WEIR_TRIGGER_socket, SIZE_MAX, 0, WEIR_NO_LIMIT);
	EXPECT_EQ(4 * mib, retained());
}

/* Of a request of 1M alone: 900K is another class's, as is 1281K. */
TEST_F(Large, ReleasesBlocksOfTheSizesItIsTold)
{
	const size_t sizes[] = { 900 * kib, 3 * mib, 1300 * kib };

	for (size_t bytes : sizes)
		weir_large_free(filled(bytes, 1));
	weir_large_free(filled(mib, 1));
	weir_engine_release_some(WEIR_TRIGGER_socket, 0, mib, mib);
	EXPECT_EQ(counted(900 * kib) + counted(3 * mib) + counted(1300 * kib), retained());
	weir_engine_release_some(WEIR_TRIGGER_socket, 0, 3 * mib, 3 * mib);
	EXPECT_EQ(counted(900 * kib) + counted(1300 * kib), retained());
	weir_engine_release_some(WEIR_TRIGGER_socket, 0, 0, WEIR_NO_LIMIT);
	EXPECT_EQ(0U, retained());
}

TEST_F(Large, ReleasesNothingWhereNoClassHasTheSizes)
{
	weir_large_free(filled(mib, 1));
	weir_engine_release_some(WEIR_TRIGGER_socket, 0, 4 * WEIR_GIB, 4 * WEIR_GIB);
	EXPECT_EQ(counted(mib), retained());
}

/* Settings */

struct LargeSet : Large {
	~LargeSet() override
	{
		set("WEIR_LIMIT", "64M");
		set("WEIR_FOOTPRINT", "none");
		set("WEIR_CLASS_BLOCKS", "none");
		set("WEIR_MAX_ALLOC", "64M");
		set("WEIR_DECAY", "10s");
	}

	bool set(const char *name, const char *value)
	{
		weir_text text;

		tally = {};
		weir_text_init(&text, reason, sizeof reason);
		return weir_settings_set(name, value, &text, &tally);
	}

	static std::string shown()
	{
		std::vector<char> data(WEIR_STATS_SETTINGS_BYTES);
		weir_text text;

		weir_text_init(&text, data.data(), data.size());
		weir_config_format_settings(&text, weir_settings());
		return data.data();
	}

	char reason[512] = {};
	weir_tally tally = {};
};

TEST_F(LargeSet, ReleasesAtOnceWhatIsBeyondALowerLimit)
{
	weir_large_free(filled(4 * mib, 1));
	weir_large_free(filled(3 * mib, 1));
	size_t before = retained();

	EXPECT_TRUE(set("WEIR_LIMIT", "5M")) << reason;
	EXPECT_EQ(5 * mib, retained());
	EXPECT_EQ(before - 5 * mib, weir_units_to_bytes(tally.units));
	EXPECT_EQ(tally.units, weir_stats_page.released[WEIR_TRIGGER_limit].units);
	EXPECT_EQ(5 * mib, weir_settings()->limit_bytes);
	weir_large_free(filled(6 * mib, 1));
	EXPECT_EQ(5 * mib, retained());
	EXPECT_TRUE(set("WEIR_LIMIT", "64M"));
	EXPECT_EQ(0U, tally.blocks);
	weir_large_free(filled(6 * mib, 1));
	EXPECT_GE(retained(), 6 * mib);
}

TEST_F(LargeSet, ShowsTheSettingsThatAreInForce)
{
	uint32_t sequence = weir_stats_page.settings_sequence;

	EXPECT_EQ(0U, sequence % 2);
	EXPECT_EQ(shown(), weir_stats_page.settings);
	EXPECT_TRUE(set("WEIR_LIMIT", "7M"));
	EXPECT_EQ(shown(), weir_stats_page.settings);
	EXPECT_NE(nullptr, strstr(weir_stats_page.settings, "WEIR_LIMIT=7M\tset\n"));
	EXPECT_NE(nullptr, strstr(weir_stats_page.settings, "WEIR_MAX=32M\tenvironment\n"));
	EXPECT_EQ(7 * mib, weir_stats_page.limit_bytes);
	EXPECT_EQ(0U, weir_stats_page.settings_sequence % 2);
	EXPECT_GT(weir_stats_page.settings_sequence, sequence);
}

TEST_F(LargeSet, ChangesNothingWhereItRefuses)
{
	const std::string before = shown();

	weir_large_free(filled(4 * mib, 1));
	EXPECT_FALSE(set("WEIR_LIMIT", "12Q"));
	EXPECT_STRNE("", reason);
	EXPECT_FALSE(set("WEIR_MIN", "1M"));
	EXPECT_STRNE("", reason);
	EXPECT_FALSE(set("WEIR_CLASS_LIMITS", "*:1M"));
	EXPECT_STRNE("", reason);
	EXPECT_FALSE(set("NOTHING", "1"));
	EXPECT_EQ(before, shown());
	EXPECT_EQ(before, weir_stats_page.settings);
	EXPECT_EQ(counted(4 * mib), retained());
	EXPECT_EQ(0U, tally.units);
}

TEST_F(LargeSet, RefusesRequestsThatAreTooLargeFromThenOn)
{
	char *before = filled(900 * kib, 1);

	weir_large_free(before);
	EXPECT_TRUE(set("WEIR_MAX_ALLOC", "512K"));
	errno = 0;
	EXPECT_EQ(nullptr, weir_large_malloc(900 * kib, 1)); /* the cache has one */
	EXPECT_EQ(ENOMEM, errno);
	EXPECT_EQ(nullptr, weir_large_calloc(900 * kib));
	EXPECT_EQ(2U, count(WEIR_COUNT_refused));
	char *block = filled(512 * kib, 2);

	EXPECT_EQ(nullptr, weir_large_realloc(block, 512 * kib + 1));
	EXPECT_TRUE(holds(block, 512 * kib, 2));
	EXPECT_TRUE(set("WEIR_MAX_ALLOC", "none"));
	EXPECT_EQ(before, weir_large_malloc(900 * kib, 1));
	weir_large_free(before);
	weir_large_free(block);
}

TEST_F(LargeSet, KeepsLiveAndRetainedWithinAFootprint)
{
	char *live = filled(4 * mib, 1);

	weir_large_free(filled(5 * mib, 2));
	EXPECT_TRUE(set("WEIR_FOOTPRINT", "6M"));
	EXPECT_EQ(6 * mib, live_and_retained());
	EXPECT_TRUE(holds(live, 4 * mib, 1));
	EXPECT_TRUE(set("WEIR_FOOTPRINT", "1M"));
	EXPECT_EQ(0U, retained());
	weir_large_free(live);
	EXPECT_EQ(mib, retained());
}

TEST_F(LargeSet, BoundsTheBlocksOfAClass)
{
	std::vector<char *> blocks;

	for (unsigned i = 0; i < 4; i++)
		blocks.push_back(filled(mib, i));
	for (char *block : blocks)
		weir_large_free(block);
	EXPECT_TRUE(set("WEIR_CLASS_BLOCKS", "2"));
	EXPECT_LE(retained(), 2 * counted(mib));
	for (unsigned i = 0; i < 4; i++)
		blocks[i] = filled(mib, i);
	for (char *block : blocks)
		weir_large_free(block);
	EXPECT_EQ(2 * counted(mib), retained());
}

TEST_F(LargeSet, DecaysByThePeriodThatIsInForceNow)
{
	uint64_t start = 5000000;

	fake_os_set_now_ms(start);
	EXPECT_TRUE(set("WEIR_DECAY", "100ms"));
	weir_large_free(filled(4 * mib, 1));
	for (uint64_t now_ms = start; now_ms <= start + 300; now_ms += 10) {
		fake_os_set_now_ms(now_ms);
		weir_large_free(weir_large_malloc(2 * mib, 1));
	}
	EXPECT_EQ(counted(2 * mib), retained());
}

TEST_F(LargeSet, DecaysNoMoreOnceThatIsOff)
{
	EXPECT_TRUE(set("WEIR_DECAY", "off"));
	weir_large_free(filled(5 * mib, 1));
	for (uint64_t now_ms = 6000000; now_ms < 7000000; now_ms += 50000) {
		fake_os_set_now_ms(now_ms);
		weir_large_free(weir_large_malloc(2 * mib, 1)); /* of the pages of the other */
	}
	EXPECT_EQ(counted(5 * mib), retained());
	EXPECT_EQ(0U, weir_stats_page.released[WEIR_TRIGGER_decay].units);
}

TEST_F(Large, ShowsItsStateAndItsRegions)
{
	EXPECT_EQ((unsigned)WEIR_STATE_IDLE, enabled);
	EXPECT_EQ((uint32_t)WEIR_STATE_READY, weir_stats_page.state);
	for (unsigned r = 0; r < WEIR_REGION_COUNT; r++) {
		const weir_region &region = weir_space.regions[r];
		const weir_stats_region &shown = weir_stats_page.regions[r];

		if (region.slot_count > 0) {
			EXPECT_EQ((uintptr_t)region.slots, shown.slots_address);
			EXPECT_EQ((uintptr_t)&region.fresh, shown.fresh_address);
		} else {
			EXPECT_EQ(0U, shown.slots_address);
		}
	}
}

/* Bad use */

struct LargeDeathTest : Large {
	/* Neither the first nor the last of its colours. */
	static char *coloured_between(size_t bytes)
	{
		std::vector<char *> others;
		char *block = filled(bytes, 1);

		while (colour(block) == 0 || colour(block) == WEIR_COLOUR_SPARE) {
			others.push_back(block);
			block = filled(bytes, 1);
		}
		for (char *other : others)
			weir_large_free(other);
		return block;
	}
};

TEST_F(LargeDeathTest, NamesTheCallAndTheAddress)
{
	void *unused = (char *)weir_space.base + weir_space.span - 64 * mib;

	for (size_t bytes : { mib, 3 * mib }) {
		char *block = filled(bytes, 1);

		EXPECT_DEATH(weir_large_free(block + page),
			     "weir.*: free\\(0x[0-9a-f]+\\): not the start");
		EXPECT_DEATH(weir_large_realloc(block + 16, mib),
			     "realloc\\(0x[0-9a-f]+\\): not the start");
		weir_large_free(block);
		EXPECT_DEATH(weir_large_free(block), "free\\(0x[0-9a-f]+\\): double free");
		EXPECT_DEATH(weir_large_free(block + 1), "free\\(0x[0-9a-f]+\\): not the start");
		EXPECT_DEATH(weir_large_realloc(block, 2 * mib), "realloc\\(0x[0-9a-f]+\\): ");
		EXPECT_DEATH(weir_large_usable_size(block),
			     "malloc_usable_size\\(0x[0-9a-f]+\\): ");
		weir_engine_release(WEIR_TRIGGER_api);
		EXPECT_DEATH(weir_large_free(block), "free\\(0x[0-9a-f]+\\): double free");
	}
	EXPECT_DEATH(weir_large_free(unused), "free\\(0x[0-9a-f]+\\): no block was handed out");
	EXPECT_DEATH(weir_large_usable_size(unused),
		     "malloc_usable_size\\(0x[0-9a-f]+\\): no block was handed out");
}

/* First of a block that came off a list or of an empty slot, then of a cached one. */
TEST_F(LargeDeathTest, KnowsWhereABlockBegins)
{
	for (size_t bytes : { 700 * kib, 3 * mib }) {
		char *block = coloured_between(bytes);

		for (int again = 0; again < 2; again++) {
			for (char *wrong :
			     { block + 1, block + WEIR_COLOUR_ALIGN, block - WEIR_COLOUR_ALIGN,
			       block - colour(block), block + page })
				EXPECT_DEATH(weir_large_free(wrong), "not the start of a block");
			EXPECT_DEATH(weir_large_realloc(block - colour(block), mib),
				     "not the start of a block");
			EXPECT_DEATH(weir_large_usable_size(block - WEIR_COLOUR_ALIGN),
				     "not the start of a block");
			weir_large_free(block);
			ASSERT_EQ(block, weir_large_malloc(bytes, 1));
		}
		weir_large_free(block);
	}
}

} // namespace
