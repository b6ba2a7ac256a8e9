#include "test_engine.h"

extern "C" {
#include "backend.h"
#include "engine.h"
#include "harden.h"
#include "large.h"
}

/* malloc, free and realloc of an engine that was started with WEIR_HARDEN=1. What ends a
 * program is tested by the victims of tests/e2e/misuse_test.cc, too. */

namespace
{

constexpr unsigned char filling = WEIR_HARDEN_FILL;

struct Harden : testing::Test {
	static void SetUpTestSuite()
	{
		static weir_config config;
		static char harden[] = "WEIR_HARDEN=1", limit[] = "WEIR_LIMIT=64M";
		static char *const environment[] = { harden, limit, nullptr };

		ASSERT_TRUE(weir_config_load(&config, environment, "harden_test", nullptr));
		fake_os_reset();
		fake_os_set_file_root("/nonexistent");
		weir_engine_enable(&config, nullptr);
		weir_large_free(weir_large_malloc(mib, 1));
		ASSERT_NE(nullptr, weir_engine_pool());
	}

	Harden()
	{
		fake_os_reset();
		fake_os_set_residency(FAKE_RESIDENCY_TRUE);
		reset_counters();
	}
	~Harden() override
	{
		fake_os_reset();
		weir_engine_release(WEIR_TRIGGER_api);
		EXPECT_EQ(0U, weir_pool_usage(weir_engine_pool()));
	}

	static char *filled(size_t bytes, size_t align = 1)
	{
		char *block = (char *)weir_large_malloc(bytes, align);

		EXPECT_TRUE(weir_space_owns(&weir_space, block));
		fill(block, bytes, 1);
		return block;
	}
	static uint64_t guard_failures()
	{
		return weir_stats_page.counters[WEIR_COUNT_guard_failures];
	}
};

using HardenDeath = Harden;

TEST_F(Harden, EndsEachBlockBesideAGuardPage)
{
	for (size_t bytes : { 64 * kib, 64 * kib + 1, 100 * kib - 127, mib, 3 * mib + 77 }) {
		char *block = filled(bytes);
		size_t to_guard = weir_align_up((uintptr_t)block + bytes, page) - (uintptr_t)block;

		EXPECT_EQ(bytes, weir_large_usable_size(block));
		EXPECT_LT(to_guard - bytes, 128U);
		EXPECT_EXIT(block[to_guard] = 1, testing::KilledBySignal(SIGSEGV), "");
		EXPECT_TRUE(holds(block, bytes, 1));
		weir_large_free(block);
	}
}

TEST_F(Harden, AlignsAsAskedFor)
{
	for (size_t align : { 256UL, 4096UL, 65536UL, 1UL << 20 }) {
		char *block = filled(70000, align);

		EXPECT_EQ(0U, (uintptr_t)block % align);
		EXPECT_EQ(70000U, weir_large_usable_size(block));
		EXPECT_EXIT(block[weir_align_up(70000, page)] = 1, testing::KilledBySignal(SIGSEGV),
			    "");
		weir_large_free(block);
	}
}

TEST_F(Harden, FillsWhatIsFreed)
{
	char *block = filled(100 * kib);

	weir_large_free(block);
	for (size_t i = 0; i < 100 * kib; i++)
		ASSERT_EQ(filling, (unsigned char)block[i]) << i;
}

TEST_F(Harden, TouchesNoPageThatTheProgramDidNot)
{
	char *block = (char *)weir_large_malloc(8 * mib, 1);
	char *slot = (char *)weir_align_down((uintptr_t)block, page);

	block[0] = 1;
	weir_large_free(block);
	EXPECT_LE(fake_os_resident(slot, 8 * mib), 2 * page);
}

/* They look as if they had never been there, and come back with the program's bytes. */
TEST_F(Harden, DropsPagesThatWereSwappedOutWhenABlockWasFreed)
{
	char *block = filled(100 * kib), *other = filled(100 * kib);

	fake_os_set_residency(FAKE_RESIDENCY_SWAPPED);
	weir_large_free(block);
	fake_os_fail(FAKE_RELEASE, 0, 1);
	weir_large_free(other);
	fake_os_set_residency(FAKE_RESIDENCY_TRUE);
	for (size_t i = 0; i < 100 * kib; i++) {
		ASSERT_EQ(0, block[i]) << i;
		ASSERT_EQ(filling, (unsigned char)other[i]) << i;
	}
	for (unsigned i = 0; i < 2 * WEIR_QUARANTINE_PLACES; i++)
		weir_large_free(weir_large_malloc(100 * kib, 1));
}

TEST_F(Harden, ClearsWhatCallocGives)
{
	for (int round = 0; round < 300; round++) {
		char *block = (char *)weir_large_calloc(200 * kib);

		ASSERT_EQ(0, block[0]);
		ASSERT_EQ(0, memcmp(block, block + 1, 200 * kib - 1)) << "round " << round;
		memset(block, 1, 200 * kib);
		weir_large_free(block);
	}
}

TEST_F(Harden, MovesABlockThatIsResizedElsewhere)
{
	char *block = filled(100 * kib);

	for (size_t bytes : { 90 * kib, 110 * kib, 3 * mib, 70 * kib }) {
		char *moved = (char *)weir_large_realloc(block, bytes);

		EXPECT_NE(block, moved);
		EXPECT_TRUE(holds(moved, 70 * kib, 1));
		block = moved;
	}
	weir_large_free(block);
}

TEST_F(Harden, GivesBlocksWithoutAGuardWhereTheKernelRefusesOne)
{
	fake_os_fail(FAKE_DENY, 0, 1);
	char *block = filled(100 * kib);

	EXPECT_EQ(1U, guard_failures());
	weir_large_free(block);
	EXPECT_EQ(1U, guard_failures());
}

TEST_F(Harden, TakesAGuardAwayByFreshPagesWhereItCannotBeUnlocked)
{
	char *block = filled(100 * kib);

	fake_os_fail(FAKE_COMMIT, 0, 1);
	weir_large_free(block);
	EXPECT_EQ(0U, guard_failures());
}

TEST_F(Harden, UsesASlotNeverAgainWhoseGuardStays)
{
	char *block = filled(100 * kib);
	uint64_t live = weir_pool_held(weir_engine_pool()).live_units;

	fake_os_fail(FAKE_COMMIT, 0, 1);
	fake_os_fail(FAKE_RENEW, 0, 1);
	weir_large_free(block);
	EXPECT_EQ(1U, guard_failures());
	EXPECT_EQ(live, weir_pool_held(weir_engine_pool()).live_units);
	EXPECT_EQ(0U, fake_os_resident((char *)weir_align_down((uintptr_t)block, page), 100 * kib));
	memset(block, filling, 100 * kib); /* as if it were live, for the other tests */
	weir_large_free(block);
}

TEST_F(HardenDeath, FindsAByteBehindTheEnd)
{
	char *block = filled(100000);

	block[100000] = 1;
	EXPECT_DEATH(weir_large_free(block), "free.*the program wrote past the end of this block");
	EXPECT_DEATH(weir_large_realloc(block, 200000), "realloc.*wrote past the end");
	block[100000] = (char)filling;
	weir_large_free(block);
}

TEST_F(HardenDeath, FindsAByteBeforeTheBegin)
{
	char *block = filled(100000);

	block[-1] = 1;
	EXPECT_DEATH(weir_large_free(block), "free.*the program wrote before this block");
	block[-1] = (char)filling;
	weir_large_free(block);
}

TEST_F(HardenDeath, FindsWhatWasWrittenAfterAFree)
{
	char *block = filled(100 * kib);

	weir_large_free(block);
	for (size_t at : { (size_t)0, 50 * kib, 100 * kib - 1 }) {
		block[at] = 1;
		EXPECT_DEATH(
			{
				for (unsigned i = 0; i < 2 * WEIR_QUARANTINE_PLACES; i++)
					weir_large_free(weir_large_malloc(100 * kib, 1));
			},
			"malloc.*the program wrote to this address after it had freed it");
		block[at] = (char)filling;
	}
}

TEST_F(HardenDeath, SealsTheTableOfTheNextAllocator)
{
	EXPECT_EXIT(
		{
			if (weir_backend_seal())
				weir_backend.malloc = nullptr;
		},
		testing::KilledBySignal(SIGSEGV), "");
}

} // namespace
