/* What programs get from pools: blocks as they want them, errors, and what the settings of the
 * process make of it. Each with libweirpool alone and with libweir preloaded. */
#include "command.h"
#include "leaser.h"

#include <cerrno>
#include <csignal>

using namespace e2e;

namespace
{

INSTANTIATE_TEST_SUITE_P(By, Pools, testing::Values(Way::Alone, Way::Preloaded), name_of_way);

/* Blocks */

TEST_P(Pools, LeaseCleanBlocksWhereAsked)
{
	Leaser leaser(launch());

	leaser.create(1, 1);
	for (uint64_t bytes : { 64 * KiB, MiB, 8 * MiB })
		for (unsigned i = 0; i < 20; i++) {
			leaser.lease(1, 1, 3, bytes, i % 4 == 0 ? "lease" : "lease_clean");
			leaser.give_back(1, 1, 3);
		}
	EXPECT_GT(leaser.pool_figure(1, "hits"), 0U);
}

TEST_P(Pools, LeaseCleanBlocksAloneWhereTheyAreToBe)
{
	Leaser leaser(launch());

	leaser.option("flags", "1");
	leaser.create(1, 1);
	for (uint64_t bytes : { 64 * KiB, MiB, 8 * MiB })
		for (unsigned i = 0; i < 20; i++) {
			leaser.lease(1, 1, 3, bytes, "lease_zeroed");
			leaser.give_back(1, 1, 3);
		}
	EXPECT_GT(leaser.pool_figure(1, "hits"), 0U);
}

TEST_P(Pools, LeaseAlignedBlocks)
{
	Leaser leaser(launch());

	leaser.create(1, 1);
	for (uint64_t align = 1; align <= GiB; align *= 2)
		for (uint64_t bytes : { (uint64_t)100, (uint64_t)100000, MiB + 1 })
			for (int i = 0; i < 2; i++) {
				leaser.ask("lease_aligned 1 1 " + std::to_string(bytes) + " " +
					   std::to_string(align));
				EXPECT_GE(leaser.ask("size 1 1"), bytes);
				EXPECT_EQ(bytes, leaser.ask("check"));
				leaser.give_back(1, 1, 1);
			}
	EXPECT_EQ(0U, leaser.leased(1));
}

TEST_P(Pools, SayWhatOfABlockMayBeUsed)
{
	Leaser leaser(launch());

	leaser.create(1, 1);
	EXPECT_EQ(0U, leaser.ask("size 1 1"));
	for (uint64_t bytes : { (uint64_t)1, (uint64_t)1000, 64 * KiB, 5 * MiB + 1 }) {
		leaser.lease(1, 1, 1, bytes);
		EXPECT_GE(leaser.ask("size 1 1"), bytes);
		EXPECT_LE(leaser.ask("size 1 1"), counted(bytes) + 4096);
		leaser.ask("overrun 1 1 " + std::to_string(leaser.ask("size 1 1") - bytes));
		leaser.give_back(1, 1, 1);
	}
}

/* Whoever gets a lease and knows nothing of pools treats it as any other block. */
TEST(PreloadedPools, TakeBackWhatIsFreed)
{
	Leaser leaser(leaser_by(Way::Preloaded));

	leaser.create(1, 1);
	for (uint64_t bytes : { (uint64_t)1000, short_bytes, MiB, long_bytes }) {
		leaser.ask("release 1");
		leaser.lease(1, 1, 3, bytes);
		EXPECT_EQ(leaser.ask("size 1 1"), leaser.ask("usable 1 1"));
		for (int i = 1; i <= 3; i++)
			leaser.ask("free 1 " + std::to_string(i));
		EXPECT_EQ(0U, leaser.leased(1));
		EXPECT_EQ(3 * counted(bytes), leaser.retained(1));
		const uint64_t hits = leaser.pool_figure(1, "hits");

		leaser.lease(1, 1, 3, bytes);
		EXPECT_EQ(hits + 3, leaser.pool_figure(1, "hits"));
		leaser.give_back(1, 1, 3);
	}
}

TEST(PreloadedPools, TakeBackWhatGrowsIntoABlockOfMalloc)
{
	Leaser leaser(leaser_by(Way::Preloaded));

	leaser.create(1, 1);
	for (uint64_t bytes : { short_bytes, long_bytes }) {
		leaser.ask("release 1");
		leaser.lease(1, 1, 1, bytes);
		leaser.ask("realloc 1 1 " + std::to_string(bytes / 2)); /* where it is */
		EXPECT_EQ(1U, leaser.leased(1));
		leaser.ask("realloc 1 1 " + std::to_string(3 * bytes));
		EXPECT_EQ(0U, leaser.leased(1));
		EXPECT_EQ(counted(bytes), leaser.retained(1));
		EXPECT_EQ(3 * bytes, leaser.ask("check"));
		leaser.ask("free 1 1");
		EXPECT_EQ(counted(bytes), leaser.retained(1));
	}
}

/* Errors */

TEST_P(Pools, SaySpecificallyWhatCannotBe)
{
	Leaser leaser(launch());

	EXPECT_EQ((uint64_t)EINVAL, leaser.ask_error("lease 1 1 100000")); /* of no pool */
	EXPECT_EQ((uint64_t)EINVAL, leaser.ask_error("figure 1 leases"));
	EXPECT_EQ((uint64_t)EINVAL, leaser.ask_error("limit 1 0"));
	EXPECT_EQ(0U, leaser.ask("release 1"));
	EXPECT_EQ(0U, leaser.ask("dispose 1"));
	EXPECT_EQ(0U, leaser.ask("return 1 1")); /* of no block */
	leaser.create(1, 1);
	leaser.lease(1, 1, 1, 100000);
	EXPECT_EQ((uint64_t)EINVAL, leaser.ask_error("return 2 1"));
	EXPECT_EQ((uint64_t)EINVAL, leaser.ask_error("lease 1 2 0"));
	EXPECT_EQ((uint64_t)EINVAL, leaser.ask_error("lease_flags 1 2 100000 2"));
	EXPECT_EQ((uint64_t)EINVAL, leaser.ask_error("lease_flags 1 2 100000 0x80"));
	EXPECT_EQ((uint64_t)EINVAL, leaser.ask_error("lease_flags 1 2 100000 0x1f00"));
	EXPECT_EQ((uint64_t)ENOMEM, leaser.ask_error("lease 1 2 18446744073709551615"));
	EXPECT_EQ(1U, leaser.leased(1));
	EXPECT_EQ(100000U, leaser.ask("check"));
	EXPECT_EQ(1U, leaser.pool_figure(1, "leases"));
}

TEST_P(Pools, AreNotMadeOfWhatCannotBe)
{
	const std::pair<const char *, const char *> wrong[] = {
		{ "flags", "8" },
		{ "flags", "0x80000000" },
		{ "reserved", "1" },
		{ "class_limit", "2 1 100" },
	};
	Leaser leaser(launch());

	for (const auto &option : wrong) {
		leaser.option("none", "0");
		leaser.option(option.first, option.second);
		EXPECT_EQ((uint64_t)EINVAL, leaser.ask_error("create 1")) << option.first;
	}
	leaser.option("none", "0");
	for (int i = 0; i < 16; i++)
		leaser.option("class_limit", "65536 131072 1000000");
	leaser.create(1, 1);
	leaser.option("class_limit", "65536 131072 1000000");
	EXPECT_EQ((uint64_t)EINVAL, leaser.ask_error("create 2"));
}

/* Settings of the process */

uint64_t refused(Leaser &leaser, enum weir_counter counter)
{
	return leaser.ask("counter " + std::to_string(counter));
}

TEST_P(Pools, FollowTheLimitOfTheProcessWhenItChanges)
{
	Directory directory;
	const std::string socket = directory.file("socket");
	Leaser leaser(launch().env("WEIR_SOCKET", socket).env("WEIR_HUGEPAGES", "never"));

	retain_in_two(leaser);
	EXPECT_EQ(0U, ask_socket(socket, "set WEIR_LIMIT 5M").find("ok "));
	EXPECT_EQ(5 * MiB, leaser.ask("retained"));
	EXPECT_EQ(5 * MiB, leaser.retained(1) + leaser.retained(2));
	leaser.lease(1, 1, 4, long_bytes);
	leaser.give_back(1, 1, 4);
	EXPECT_EQ(5 * MiB, leaser.ask("retained"));
	EXPECT_EQ(0U, ask_socket(socket, "set WEIR_LIMIT 512M").find("ok "));
	leaser.ask("release_all");
	retain(leaser, 1);
	EXPECT_EQ(each, leaser.ask("retained"));
}

TEST_P(Pools, WorkAndRetainNothingWhereWeirIsOff)
{
	Leaser leaser(launch().env("WEIR_DISABLE", "1"));

	leaser.create(1, 2);
	for (unsigned pool = 1; pool <= 2; pool++) {
		leaser.lease(pool, 1, 4, long_bytes);
		leaser.lease(pool, 5, 8, short_bytes);
		EXPECT_EQ(4 * (long_bytes + short_bytes), leaser.ask("check"));
		leaser.give_back(pool, 1, 8);
		EXPECT_EQ(0U, leaser.retained(pool));
		EXPECT_EQ(8U, leaser.pool_figure(pool, "leases"));
	}
	EXPECT_EQ(0U, leaser.ask("retained"));
	EXPECT_LE(leaser.grown(), slack);
	EXPECT_EQ(0U, leaser.ask("dispose 1"));
}

TEST_P(Pools, RefuseLeasesBeyondTheLiveLimit)
{
	Leaser leaser(launch().env("WEIR_LIVE_LIMIT", "10M"));

	leaser.create(1, 2);
	leaser.lease(1, 1, 1, 4 * MiB);
	leaser.lease(2, 2, 2, 4 * MiB);
	EXPECT_EQ((uint64_t)ENOMEM, leaser.ask_error("lease 1 3 4194304"));
	EXPECT_EQ((uint64_t)ENOMEM, leaser.ask_error("lease_clean 2 3 4194304"));
	EXPECT_EQ(2U, refused(leaser, WEIR_COUNT_refused_live));
	leaser.give_back(1, 1, 1);
	leaser.lease(2, 3, 3, 4 * MiB);
	EXPECT_EQ(8 * MiB, leaser.ask("check"));
	for (unsigned round = 0; round < 20; round++) {
		leaser.give_back(2, 2, 3);
		leaser.lease(2, 2, 3, 4 * MiB);
	}
	EXPECT_EQ(2U, refused(leaser, WEIR_COUNT_refused_live));
}

TEST_P(Pools, RefuseLeasesAboveWhatOneRequestMayHave)
{
	Leaser leaser(launch().env("WEIR_MAX_ALLOC", "5M"));

	leaser.create(1, 1);
	leaser.lease(1, 1, 1, 5 * MiB);
	EXPECT_EQ((uint64_t)ENOMEM, leaser.ask_error("lease 1 2 5242881"));
	EXPECT_EQ(1U, refused(leaser, WEIR_COUNT_refused));
	EXPECT_EQ(1U, leaser.leased(1));
}

TEST_P(Pools, FindWritesPastTheEndOfALease)
{
	for (uint64_t bytes : { (uint64_t)70000, (uint64_t)1000001, 5 * MiB }) {
		Leaser leaser(launch().env("WEIR_HARDEN", "1"));

		leaser.create(1, 1);
		leaser.lease(1, 1, 1, bytes - bytes % 4096 + 1);
		leaser.ask("overrun 1 1 1");
		leaser.say("return 1 1");
		leaser.hear();
		const Outcome &outcome = leaser.finish();

		EXPECT_EQ(SIGABRT, outcome.end.signal) << outcome.describe();
		EXPECT_NE(std::string::npos,
			  outcome.err.find("the program wrote past the end of this block"))
			<< outcome.err;
	}
}

TEST_P(Pools, WorkWithHardenedBlocks)
{
	Leaser leaser(launch().env("WEIR_HARDEN", "1"));

	leaser.create(1, 2);
	for (unsigned round = 0; round < 10; round++)
		for (unsigned pool = 1; pool <= 2; pool++) {
			leaser.lease(pool, 1, 4, long_bytes);
			leaser.lease(pool, 5, 8, short_bytes, "lease_clean");
			EXPECT_EQ(4 * (long_bytes + short_bytes), leaser.ask("check"));
			leaser.give_back(pool, 1, 8);
		}
	const uint64_t retained = leaser.retained(1) + leaser.retained(2);

	EXPECT_GE(retained, 2 * each);
	EXPECT_EQ(retained, leaser.ask("release_all"));
	EXPECT_EQ(0U, leaser.ask("retained"));
	EXPECT_LE(leaser.grown(), slack);
}

} // namespace
