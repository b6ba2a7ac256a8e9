#include "engine.h"

#include <cerrno>

extern "C" {
#include "backend.h"
#include "large.h"
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
		weir_large_enable(&config);
		started_before = weir_large_pool() != nullptr || weir_space.span > 0;
		char *first = (char *)weir_large_malloc(mib, 1);

		ASSERT_TRUE(owned(first));
		weir_large_free(first);
	}

	Large()
	{
		fake_os_reset();
		weir_large_release(WEIR_TRIGGER_api);
		memset(&weir_stats, 0, sizeof weir_stats);
		backend = ::weir_backend;
	}

	~Large() override
	{
		::weir_backend = backend;
		fake_os_reset();
		weir_large_release(WEIR_TRIGGER_api);
		EXPECT_EQ(0U, weir_pool_usage(weir_large_pool()));
	}

	static bool owned(const void *address) { return weir_space_owns(&weir_space, address); }

	static char *filled(size_t bytes, unsigned seed)
	{
		char *block = (char *)weir_large_malloc(bytes, 1);

		EXPECT_TRUE(owned(block));
		fill(block, bytes, seed);
		return block;
	}

	static size_t retained()
	{
		return weir_units_to_bytes(weir_usage_retained(weir_pool_usage(weir_large_pool())));
	}

	static size_t live()
	{
		return weir_units_to_bytes(weir_usage_live(weir_pool_usage(weir_large_pool())));
	}

	static uint64_t count(weir_counter counter) { return weir_stats.counters[counter]; }

	static weir_config config;
	static bool started_before;
	struct weir_backend backend;
};

weir_config Large::config;
bool Large::started_before;

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
	EXPECT_NE(nullptr, weir_large_pool());
	EXPECT_EQ(64 * mib, weir_units_to_bytes(weir_large_pool()->limit_units));
}

TEST_F(Large, AlignsBlocksAsAsked)
{
	for (size_t align = 1; align <= 64 * mib; align *= 4) {
		void *block = weir_large_malloc(64 * kib, align);

		ASSERT_NE(nullptr, block);
		EXPECT_EQ(0U, (uintptr_t)block % align);
		EXPECT_EQ(0U, (uintptr_t)block % (64 * kib));
		weir_large_free(block);
	}
}

TEST_F(Large, RetainsWhatIsFreedAndGivesItAgain)
{
	char *block = filled(mib, 1);

	EXPECT_EQ(mib, live());
	weir_large_free(block);
	EXPECT_EQ(0U, live());
	EXPECT_EQ(mib, retained());
	EXPECT_EQ(block, weir_large_malloc(mib, 1));
	weir_large_free(block);
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
	char *block = filled(700 * kib, 1);

	weir_large_free(block);
	ASSERT_EQ(block, weir_large_calloc(mib));
	EXPECT_TRUE(all_zero(block, mib));
	EXPECT_EQ(700 * kib, count(WEIR_COUNT_calloc_zeroed_bytes));
	weir_large_free(block);
}

TEST_F(Large, ClearsNothingBeyondTheRequestForCalloc)
{
	char *block = filled(mib, 1);

	weir_large_free(block);
	ASSERT_EQ(block, weir_large_calloc(600 * kib + 1));
	EXPECT_TRUE(all_zero(block, 600 * kib + 1));
	EXPECT_EQ(600 * kib + 1, count(WEIR_COUNT_calloc_zeroed_bytes));
	weir_large_free(block);
}

TEST_F(Large, ClearsNothingOfAnEmptySlotForCalloc)
{
	char *block = filled(mib, 1);

	weir_large_free(block);
	weir_large_release(WEIR_TRIGGER_api);
	ASSERT_EQ(block, weir_large_calloc(mib));
	EXPECT_EQ(0U, fake_os_resident(block, mib));
	EXPECT_TRUE(all_zero(block, mib));
	EXPECT_EQ(0U, count(WEIR_COUNT_calloc_zeroed_bytes));
	weir_large_free(block);
}

TEST_F(Large, ClearsABlockThatTheKernelWouldNotRelease)
{
	char *block = filled(mib, 1);

	weir_large_free(block);
	fake_os_fail(FAKE_RELEASE, 0, 1);
	fake_os_fail(FAKE_RENEW, 0, 1);
	weir_large_release(WEIR_TRIGGER_api);
	EXPECT_EQ(mib, retained());
	ASSERT_EQ(block, weir_large_calloc(mib));
	EXPECT_TRUE(all_zero(block, mib));
	weir_large_free(block);
}

TEST_F(Large, RoundsTheUsableSizeToAPage)
{
	char *block = filled(mib + 1, 1);

	EXPECT_EQ(mib + page, weir_large_usable_size(block));
	weir_large_free(block);
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

	EXPECT_EQ(block, weir_large_realloc(block, mib));
	EXPECT_TRUE(holds(block, 600 * kib, 1));
	EXPECT_EQ(block, weir_large_realloc(block, 100 * kib));
	EXPECT_TRUE(holds(block, 100 * kib, 1));
	EXPECT_EQ(2U, count(WEIR_COUNT_reallocs_in_place));
	EXPECT_EQ(100 * kib, live());
	weir_large_free(block);
}

TEST_F(Large, MovesBeyondTheStride)
{
	char *block = filled(mib, 1);
	char *moved = (char *)weir_large_realloc(block, 3 * mib);

	ASSERT_TRUE(owned(moved));
	EXPECT_TRUE(holds(moved, mib, 1));
	EXPECT_EQ(1U, count(WEIR_COUNT_reallocs_moved));
	EXPECT_EQ(3 * mib, live());
	weir_large_free(moved);
}

TEST_F(Large, CopiesSmallBlocksBeyondTheStride)
{
	char *block = filled(64 * kib, 1);
	char *moved = (char *)weir_large_realloc(block, 65 * kib);

	ASSERT_TRUE(owned(moved));
	EXPECT_TRUE(holds(moved, 64 * kib, 1));
	EXPECT_EQ(1U, count(WEIR_COUNT_reallocs_copied));
	EXPECT_EQ(68 * kib, live());
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
	EXPECT_EQ(mib, live());
	weir_large_free(block);
}

TEST_F(Large, FreesABlockThatIsResizedToNothing)
{
	char *block = filled(mib, 1);

	EXPECT_EQ(nullptr, weir_large_realloc(block, 0));
	EXPECT_EQ(0U, live());
	EXPECT_EQ(mib, retained());
}

TEST_F(Large, AdoptsBlocksOfTheBackendThatGrow)
{
	char *small = (char *)weir_backend.malloc(1000);

	fill(small, 1000, 1);
	char *block = (char *)weir_large_adopt(small, mib);

	ASSERT_TRUE(owned(block));
	EXPECT_TRUE(holds(block, 1000, 1));
	EXPECT_EQ(mib, live());
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
	EXPECT_EQ(1U, weir_stats.released[WEIR_TRIGGER_enomem].releases);
	EXPECT_EQ(mib, weir_units_to_bytes(weir_stats.released[WEIR_TRIGGER_enomem].units));
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

TEST_F(LargeShort, TriesOnceWhereNothingIsRetained)
{
	weir_large_release(WEIR_TRIGGER_api);
	EXPECT_EQ(nullptr, weir_large_malloc(33 * mib, 1));
	EXPECT_EQ(0U, weir_stats.released[WEIR_TRIGGER_enomem].releases);
}

/* Decay by the program's calls */

TEST_F(Large, ReleasesWhatDecaysInLaterCalls)
{
	uint64_t start = 1000000;
	char *idle = filled(4 * mib, 1);

	fake_os_set_now_ms(start);
	weir_large_free(idle);
	for (unsigned seconds = 0; seconds <= 25; seconds += 5) {
		fake_os_set_now_ms(start + 1000 * seconds);
		weir_large_free(weir_large_malloc(64 * kib, 1));
	}
	EXPECT_EQ(64 * kib, retained());
	EXPECT_EQ(0U, fake_os_resident(idle, 4 * mib));
	EXPECT_EQ(4 * mib, weir_units_to_bytes(weir_stats.released[WEIR_TRIGGER_decay].units));
}

/* Bad use */

struct LargeDeathTest : Large {
};

TEST_F(LargeDeathTest, NamesTheCallAndTheAddress)
{
	char *block = filled(mib, 1);
	void *unused = (char *)weir_space.base + weir_space.span - 64 * mib;

	EXPECT_DEATH(weir_large_free(block + 1), "weir.*: free\\(0x[0-9a-f]+\\): not the start");
	EXPECT_DEATH(weir_large_free(block + page), "free\\(0x[0-9a-f]+\\): not the start");
	EXPECT_DEATH(weir_large_free(unused), "free\\(0x[0-9a-f]+\\): no block was handed out");
	EXPECT_DEATH(weir_large_realloc(block + 16, mib),
		     "realloc\\(0x[0-9a-f]+\\): not the start");
	EXPECT_DEATH(weir_large_usable_size(unused),
		     "malloc_usable_size\\(0x[0-9a-f]+\\): no block was handed out");
	weir_large_free(block);
	EXPECT_DEATH(weir_large_free(block), "free\\(0x[0-9a-f]+\\): double free");
	EXPECT_DEATH(weir_large_realloc(block, 2 * mib), "realloc\\(0x[0-9a-f]+\\): ");
	EXPECT_DEATH(weir_large_usable_size(block), "malloc_usable_size\\(0x[0-9a-f]+\\): ");
	weir_large_release(WEIR_TRIGGER_api);
	EXPECT_DEATH(weir_large_free(block), "free\\(0x[0-9a-f]+\\): double free");
}

} // namespace
