/* What pools retain goes by every trigger that malloc's pool has, and by its own calls; and what
 * else they promise: an end, clean and aligned blocks, errors, children, limits on live blocks.
 * Each with libweirpool alone and with libweir preloaded. */
#include "command.h"
#include "leaser.h"
#include "memory_cgroup.h"

#include <cerrno>
#include <csignal>

using namespace e2e;

namespace
{

constexpr uint64_t slack = MiB;
constexpr uint64_t long_bytes = 4 * MiB;
constexpr uint64_t short_bytes = 300000;
constexpr unsigned places = 255;

/* What a pool retains after retain(). */
constexpr uint64_t each = 4 * counted(long_bytes) + 4 * counted(short_bytes);

const std::string never = std::to_string(UINT64_MAX);
const std::string no_abort = "4";

class Pools : public testing::TestWithParam<Way>
{
protected:
	static Launch leaser() { return leaser(GetParam()); }
	static bool is_preloaded() { return GetParam() == Way::Preloaded; }
};

INSTANTIATE_TEST_SUITE_P(By, Pools, testing::Values(Way::Alone, Way::Preloaded), name_of_way);

void retain(Leaser &leaser, unsigned pool)
{
	leaser.lease(pool, 1, 4, long_bytes);
	leaser.lease(pool, 5, 8, short_bytes);
	leaser.give_back(pool, 1, 8);
	EXPECT_EQ(each, leaser.retained(pool));
}

void retain_in_two(Leaser &leaser)
{
	leaser.create(1, 2);
	retain(leaser, 1);
	retain(leaser, 2);
	EXPECT_EQ(2 * each, leaser.ask("retained"));
	EXPECT_GE(leaser.grown(), 2 * 4 * (long_bytes + short_bytes));
}

void expect_nothing_retained(Leaser &leaser)
{
	EXPECT_EQ(0U, leaser.retained(1));
	EXPECT_EQ(0U, leaser.retained(2));
	EXPECT_EQ(0U, leaser.ask("retained"));
	EXPECT_LE(leaser.grown(), slack);
}

void expect_released(Leaser &leaser, int trigger, uint64_t bytes)
{
	EXPECT_EQ(bytes, leaser.ask("released " + std::to_string(trigger)));
}

/* weir.h's enum weir_trigger. */
enum { BY_LIMIT, BY_SIGNAL, BY_SOCKET, BY_DECAY, BY_API, BY_ENOMEM, BY_PRESSURE };

/* Triggers */

TEST_P(Pools, AreReleasedByTheSignal)
{
	Leaser leaser(this->leaser());

	retain_in_two(leaser);
	leaser.release();
	expect_nothing_retained(leaser);
	expect_released(leaser, BY_SIGNAL, 2 * each);
}

TEST_P(Pools, AreReleasedByTheSocket)
{
	Directory directory;
	Leaser leaser(this->leaser().env("WEIR_SOCKET", directory.file("socket")));

	retain_in_two(leaser);
	EXPECT_EQ(2 * each,
		  figure(ask_socket(directory.file("socket"), "release"), "released_bytes"));
	expect_nothing_retained(leaser);
	expect_released(leaser, BY_SOCKET, 2 * each);
}

TEST_P(Pools, AreReleasedByTheCommand)
{
	Leaser leaser(this->leaser());

	retain_in_two(leaser);
	Outcome outcome = run_command({ "release", std::to_string(leaser.pid()) });

	ASSERT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_TRUE(eventually([&] { return leaser.ask("retained") == 0; }));
	expect_nothing_retained(leaser);
}

TEST_P(Pools, AreReleasedOneByOneByTheProgram)
{
	Leaser leaser(this->leaser());

	retain_in_two(leaser);
	EXPECT_EQ(each, leaser.ask("release 1"));
	EXPECT_EQ(0U, leaser.retained(1));
	EXPECT_EQ(each, leaser.retained(2));
	EXPECT_EQ(0U, leaser.ask("release 1"));
	EXPECT_LE(leaser.grown(), each + slack);
	EXPECT_EQ(each, leaser.ask("release 2"));
	expect_nothing_retained(leaser);
	expect_released(leaser, BY_API, 2 * each);
}

TEST_P(Pools, AreReleasedAllAtOnceByTheProgram)
{
	Leaser leaser(this->leaser());

	retain_in_two(leaser);
	EXPECT_EQ(2 * each, leaser.ask("release_all"));
	expect_nothing_retained(leaser);
	EXPECT_EQ(0U, leaser.ask("release_all"));
	expect_released(leaser, BY_API, 2 * each);
}

TEST(PreloadedPools, AreReleasedByMallocTrim)
{
	Leaser leaser(leaser(Way::Preloaded));

	retain_in_two(leaser);
	EXPECT_EQ(1U, leaser.ask("trim"));
	expect_nothing_retained(leaser);
}

TEST_P(Pools, KeepWhatIsLeasedAtARelease)
{
	Leaser leaser(this->leaser());

	leaser.create(1, 2);
	leaser.lease(1, 1, 4, long_bytes);
	leaser.lease(2, 5, 8, short_bytes);
	retain(leaser, 1); /* which takes the names 1 to 8 anew */
	EXPECT_EQ(each, leaser.ask("release_all"));
	EXPECT_EQ(4U, leaser.leased(1));
	EXPECT_EQ(4U, leaser.leased(2));
	EXPECT_GE(leaser.grown(), 4 * (long_bytes + short_bytes));
}

TEST_P(Pools, RetainAgainAfterARelease)
{
	Leaser leaser(this->leaser());

	leaser.create(1, 1);
	for (int i = 0; i < 3; i++) {
		retain(leaser, 1);
		EXPECT_EQ(each, leaser.ask("release 1"));
	}
	EXPECT_EQ(3 * 8U, leaser.pool_figure(1, "misses"));
}

/* Decay */

/* Small leases of pool 3, until it holds. */
bool churned_until(Leaser &leaser, const std::function<bool()> &holds)
{
	return eventually([&] {
		leaser.lease(3, 99, 99, 5 * MiB);
		leaser.give_back(3, 99, 99);
		return holds();
	});
}

TEST_P(Pools, DecayByPeriodsOfTheirOwn)
{
	Leaser leaser(this->leaser().env("WEIR_DECAY", "off"));

	leaser.create(3, 3);
	leaser.option("decay", "100");
	leaser.create(1, 1);
	leaser.option("decay", never);
	leaser.create(2, 2);
	retain(leaser, 1);
	retain(leaser, 2);
	EXPECT_TRUE(churned_until(leaser, [&] { return leaser.retained(1) == 0; }));
	EXPECT_EQ(each, leaser.retained(2));
	expect_released(leaser, BY_DECAY, each);
}

TEST_P(Pools, DecayByTheProcesssPeriodOrNot)
{
	Leaser leaser(this->leaser().env("WEIR_DECAY", "100ms"));

	leaser.create(1, 1);
	leaser.option("decay", never);
	leaser.create(2, 3);
	retain(leaser, 1);
	retain(leaser, 2);
	EXPECT_TRUE(churned_until(leaser, [&] { return leaser.retained(1) == 0; }));
	EXPECT_EQ(each, leaser.retained(2));
	expect_released(leaser, BY_DECAY, each);
}

TEST_P(Pools, DecayWhileTheProgramIdles)
{
	Leaser leaser(this->leaser().env("WEIR_BACKGROUND", "1").env("WEIR_DECAY", "off"));

	leaser.option("decay", "200");
	leaser.create(1, 2);
	leaser.option("decay", never);
	leaser.create(3, 3);
	retain(leaser, 1);
	retain(leaser, 2);
	retain(leaser, 3);
	EXPECT_TRUE(eventually([&] { return leaser.grown() < each + slack; })) << leaser.grown();
	EXPECT_EQ(0U, leaser.retained(1));
	EXPECT_EQ(0U, leaser.retained(2));
	EXPECT_EQ(each, leaser.retained(3));
	expect_released(leaser, BY_DECAY, 2 * each);
	/* And once more, after the thread had nothing to do. */
	leaser.ask("release_all");
	retain(leaser, 1);
	EXPECT_TRUE(eventually([&] { return leaser.grown() < slack; })) << leaser.grown();
}

/* Pressure */

TEST_P(Pools, GiveWayUnderMemoryPressure)
{
	NEED_FOUND(MemoryCgroup::parent(), "a memory cgroup that can be made");
	constexpr uint64_t container_bytes = 256 * MiB;
	MemoryCgroup container(container_bytes);
	Leaser leaser(this->leaser()
			      .in_cgroup(container)
			      .env("WEIR_LIMIT", "50%")
			      .env("WEIR_DECAY", "off")
			      .env("WEIR_PRESSURE", "1"));

	leaser.create(1, 2);
	for (unsigned pool = 1; pool <= 2; pool++) {
		leaser.lease(pool, 1, 14, 4 * MiB);
		leaser.give_back(pool, 1, 14);
	}
	EXPECT_EQ(28 * counted(4 * MiB), leaser.ask("retained"));
	Running other(
		Launch({ victim("neighbour"), std::to_string(container_bytes / 5 * 3), "2000" })
			.plain()
			.in_cgroup(container));

	EXPECT_EQ("held", other.hear());
	EXPECT_EQ(0U, container.oom_kills());
	EXPECT_LT(leaser.retained(1) + leaser.retained(2), 28 * counted(4 * MiB) / 5 * 4);
	EXPECT_EQ(leaser.retained(1) + leaser.retained(2), leaser.ask("retained"));
	EXPECT_GT(leaser.ask("released " + std::to_string(BY_PRESSURE)), 0U);
	EXPECT_TRUE(other.finish().succeeded());
	EXPECT_TRUE(leaser.finish().succeeded());
}

/* The end of a pool */

TEST_P(Pools, EndWithTheLastBlock)
{
	Leaser leaser(this->leaser());

	leaser.option("flags", no_abort);
	leaser.create(1, 2);
	retain(leaser, 1);
	retain(leaser, 2);
	leaser.lease(1, 21, 22, long_bytes);
	leaser.lease(1, 23, 24, short_bytes);
	EXPECT_EQ(4U, leaser.ask("dispose 1"));
	EXPECT_EQ(0U, leaser.retained(1));
	EXPECT_EQ(each, leaser.ask("retained"));
	EXPECT_LE(leaser.grown(), each + 2 * (long_bytes + short_bytes) + slack);
	EXPECT_EQ((uint64_t)ESTALE, leaser.ask_error("lease 1 25 100000"));
	EXPECT_EQ((uint64_t)ESTALE, leaser.ask_error("limit 1 100000000"));
	EXPECT_EQ(2 * (long_bytes + short_bytes), leaser.ask("check"));

	EXPECT_EQ(4U, leaser.ask("dispose 1"));
	leaser.give_back(1, 21, 21);
	leaser.give_back(1, 23, 23);
	EXPECT_EQ(2U, leaser.ask("dispose 1"));
	EXPECT_EQ(each, leaser.ask("retained"));
	EXPECT_LE(leaser.grown(), each + long_bytes + short_bytes + slack);
	leaser.give_back(1, 22, 22);
	leaser.give_back(1, 24, 24);
	EXPECT_EQ(0U, leaser.ask("dispose 1"));
	EXPECT_EQ(each, leaser.ask("retained"));
	EXPECT_LE(leaser.grown(), each + slack);
	EXPECT_EQ(each, leaser.retained(2));
}

/* Whatever it had open meanwhile. */
TEST_P(Pools, LeaveTheirPlacesToOthers)
{
	Leaser leaser(this->leaser());

	for (unsigned i = 0; i < 300; i++) {
		leaser.create(1, 1);
		EXPECT_EQ(0U, leaser.pool_figure(1, "leases"));
		EXPECT_EQ(0U, leaser.pool_figure(1, "peak_leased_bytes"));
		leaser.lease(1, 1, 2, 100000);
		leaser.give_back(1, 1, 1);
		EXPECT_EQ(1U, leaser.ask("dispose 1"));
		leaser.give_back(1, 2, 2);
	}
	EXPECT_EQ(0U, leaser.ask("retained"));
	EXPECT_LE(leaser.grown(), slack);
}

TEST_P(Pools, AreOpenInEveryPlaceThereIs)
{
	Leaser leaser(this->leaser());

	leaser.create(1, places);
	EXPECT_EQ((uint64_t)EAGAIN, leaser.ask_error("create 300"));
	for (unsigned i = 1; i <= places; i++)
		leaser.lease(i, i, i, 70000);
	EXPECT_EQ(places * 70000U, leaser.ask("check"));
	EXPECT_EQ(1U, leaser.ask("dispose 100"));
	EXPECT_EQ((uint64_t)EAGAIN, leaser.ask_error("create 300"));
	leaser.give_back(100, 100, 100);
	leaser.create(300, 300);
	EXPECT_EQ((uint64_t)EAGAIN, leaser.ask_error("create 301"));
	for (unsigned i = 1; i <= places; i++)
		if (i != 100)
			leaser.give_back(i, i, i);
	EXPECT_EQ((places - 1) * counted(70000), leaser.ask("retained"));
	EXPECT_EQ((places - 1) * counted(70000), leaser.ask("release_all"));
}

TEST_P(Pools, KnowTheHandleOfAPoolThatIsGone)
{
	Leaser leaser(this->leaser());

	leaser.option("flags", no_abort);
	leaser.create(1, 1);
	EXPECT_EQ(0U, leaser.ask("dispose 1"));
	leaser.create(2, 2);
	retain(leaser, 2);
	leaser.lease(2, 1, 1, long_bytes);
	EXPECT_EQ((uint64_t)ESTALE, leaser.ask_error("lease 1 2 100000"));
	EXPECT_EQ((uint64_t)ESTALE, leaser.ask_error("return 1 1"));
	EXPECT_EQ((uint64_t)ESTALE, leaser.ask_error("figure 1 leases"));
	EXPECT_EQ((uint64_t)ESTALE, leaser.ask_error("limit 1 0"));
	EXPECT_EQ(0U, leaser.ask("release 1"));
	EXPECT_EQ(0U, leaser.ask("dispose 1"));
	EXPECT_EQ(each - counted(long_bytes), leaser.retained(2));
	EXPECT_EQ(1U, leaser.leased(2));
	leaser.lease(2, 2, 2, 100000);
	EXPECT_EQ(long_bytes + 100000, leaser.ask("check"));
}

/* Children and threads */

TEST_P(Pools, GoOnInAChild)
{
	Leaser leaser(this->leaser());

	retain_in_two(leaser);
	leaser.lease(1, 1, 2, long_bytes);
	leaser.lease(2, 3, 4, short_bytes);
	leaser.ask("fork");
	EXPECT_EQ(2 * (long_bytes + short_bytes), leaser.ask("check"));
	EXPECT_EQ(2U, leaser.leased(1));
	EXPECT_EQ(2U, leaser.leased(2));
	leaser.lease(1, 5, 5, short_bytes);
	leaser.lease(2, 6, 6, long_bytes);
	leaser.give_back(1, 1, 1);
	leaser.give_back(2, 3, 3);
	EXPECT_EQ(2 * (long_bytes + short_bytes), leaser.ask("check"));
	EXPECT_EQ(each - counted(long_bytes) - counted(short_bytes), leaser.retained(1));
	EXPECT_EQ(each - counted(long_bytes) - counted(short_bytes), leaser.retained(2));
	EXPECT_EQ(2 * (each - counted(long_bytes) - counted(short_bytes)),
		  leaser.ask("release_all"));
	EXPECT_EQ(2U, leaser.ask("dispose 1"));
	leaser.create(3, 3);
	retain(leaser, 3);
	leaser.say("end 0");
	EXPECT_EQ("ok 0", leaser.hear());

	EXPECT_EQ(2 * (long_bytes + short_bytes), leaser.ask("check"));
	EXPECT_EQ(each - 2 * counted(long_bytes), leaser.retained(1));
	EXPECT_EQ(each - 2 * counted(short_bytes), leaser.retained(2));
	leaser.give_back(1, 1, 2);
	leaser.give_back(2, 3, 4);
	EXPECT_EQ(2 * each, leaser.ask("release_all"));
}

TEST_P(Pools, LoseNothingWithAThread)
{
	Leaser leaser(this->leaser());

	leaser.create(1, 1);
	for (unsigned i = 1; i <= 40; i++) {
		std::string number = std::to_string(i);

		leaser.ask("thread lease 1 " + number + " " + std::to_string(short_bytes));
		if (i % 2 == 0)
			leaser.ask("thread return 1 " + number);
	}
	EXPECT_EQ(20U, leaser.leased(1));
	EXPECT_EQ(20 * short_bytes, leaser.ask("check"));
	for (unsigned i = 1; i <= 40; i += 2)
		leaser.give_back(1, i, i);
	EXPECT_EQ(0U, leaser.leased(1));
	uint64_t retained = leaser.retained(1);

	EXPECT_EQ(0U, retained % counted(short_bytes));
	EXPECT_GE(retained, 20 * counted(short_bytes));
	EXPECT_EQ(retained, leaser.ask("release 1"));
	EXPECT_LE(leaser.grown(), slack);
}

/* Blocks */

TEST_P(Pools, LeaseCleanBlocksWhereAsked)
{
	Leaser leaser(this->leaser());

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
	Leaser leaser(this->leaser());

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
	Leaser leaser(this->leaser());

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
	Leaser leaser(this->leaser());

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

/* Errors */

TEST_P(Pools, SaySpecificallyWhatCannotBe)
{
	Leaser leaser(this->leaser());

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
	EXPECT_EQ((uint64_t)ENOMEM, leaser.ask_error("lease 1 2 " + never));
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
	Leaser leaser(this->leaser());

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

TEST_P(Pools, WorkAndRetainNothingWhereWeirIsOff)
{
	Leaser leaser(this->leaser().env("WEIR_DISABLE", "1"));

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
	Leaser leaser(this->leaser().env("WEIR_LIVE_LIMIT", "10M"));

	leaser.create(1, 2);
	leaser.lease(1, 1, 1, 4 * MiB);
	leaser.lease(2, 2, 2, 4 * MiB);
	EXPECT_EQ((uint64_t)ENOMEM, leaser.ask_error("lease 1 3 4194304"));
	EXPECT_EQ((uint64_t)ENOMEM, leaser.ask_error("lease_clean 2 3 4194304"));
	EXPECT_EQ(2U, leaser.ask("counter 11")); /* refused_live */
	leaser.give_back(1, 1, 1);
	leaser.lease(2, 3, 3, 4 * MiB);
	EXPECT_EQ(8 * MiB, leaser.ask("check"));
	for (unsigned round = 0; round < 20; round++) {
		leaser.give_back(2, 2, 3);
		leaser.lease(2, 2, 3, 4 * MiB);
	}
	EXPECT_EQ(2U, leaser.ask("counter 11"));
}

TEST_P(Pools, RefuseLeasesAboveWhatOneRequestMayHave)
{
	Leaser leaser(this->leaser().env("WEIR_MAX_ALLOC", "5M"));

	leaser.create(1, 1);
	leaser.lease(1, 1, 1, 5 * MiB);
	EXPECT_EQ((uint64_t)ENOMEM, leaser.ask_error("lease 1 2 5242881"));
	EXPECT_EQ(1U, leaser.ask("counter 1")); /* refused */
	EXPECT_EQ(1U, leaser.leased(1));
}

TEST_P(Pools, FindWritesPastTheEndOfALease)
{
	for (uint64_t bytes : { (uint64_t)70000, (uint64_t)1000001, 5 * MiB }) {
		Leaser leaser(this->leaser().env("WEIR_HARDEN", "1"));

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
	Leaser leaser(this->leaser().env("WEIR_HARDEN", "1"));

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
