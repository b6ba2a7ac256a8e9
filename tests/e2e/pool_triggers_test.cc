/* What pools retain goes by every trigger that malloc's pool has, and by calls of their own. Each
 * with libweirpool alone and with libweir preloaded. */
#include "command.h"
#include "leaser.h"
#include "memory_cgroup.h"

using namespace e2e;

namespace
{

INSTANTIATE_TEST_SUITE_P(By, Pools, testing::Values(Way::Alone, Way::Preloaded), name_of_way);

void expect_nothing_retained(Leaser &leaser)
{
	EXPECT_EQ(0U, leaser.retained(1));
	EXPECT_EQ(0U, leaser.retained(2));
	EXPECT_EQ(0U, leaser.ask("retained"));
	EXPECT_LE(leaser.grown(), slack);
}

void expect_released(Leaser &leaser, enum weir_trigger trigger, uint64_t bytes)
{
	EXPECT_EQ(bytes, leaser.ask("released " + std::to_string(trigger)));
}

TEST_P(Pools, AreReleasedByTheSignal)
{
	Leaser leaser(launch());

	retain_in_two(leaser);
	leaser.release();
	expect_nothing_retained(leaser);
	expect_released(leaser, WEIR_TRIGGER_signal, 2 * each);
}

TEST_P(Pools, AreReleasedByTheSocket)
{
	Directory directory;
	Leaser leaser(launch().env("WEIR_SOCKET", directory.file("socket")));

	retain_in_two(leaser);
	EXPECT_EQ(2 * each,
		  figure(ask_socket(directory.file("socket"), "release"), "released_bytes"));
	expect_nothing_retained(leaser);
	expect_released(leaser, WEIR_TRIGGER_socket, 2 * each);
}

TEST_P(Pools, AreReleasedByTheCommand)
{
	Leaser leaser(launch());

	retain_in_two(leaser);
	Outcome outcome = run_command({ "release", std::to_string(leaser.pid()) });

	ASSERT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_TRUE(eventually([&] { return leaser.ask("retained") == 0; }));
	expect_nothing_retained(leaser);
}

TEST_P(Pools, AreReleasedOneByOneByTheProgram)
{
	Leaser leaser(launch());

	retain_in_two(leaser);
	EXPECT_EQ(each, leaser.ask("release 1"));
	EXPECT_EQ(0U, leaser.retained(1));
	EXPECT_EQ(each, leaser.retained(2));
	EXPECT_EQ(0U, leaser.ask("release 1"));
	EXPECT_LE(leaser.grown(), each + slack);
	EXPECT_EQ(each, leaser.ask("release 2"));
	expect_nothing_retained(leaser);
	expect_released(leaser, WEIR_TRIGGER_api, 2 * each);
}

TEST_P(Pools, AreReleasedAllAtOnceByTheProgram)
{
	Leaser leaser(launch());

	retain_in_two(leaser);
	EXPECT_EQ(2 * each, leaser.ask("release_all"));
	expect_nothing_retained(leaser);
	EXPECT_EQ(0U, leaser.ask("release_all"));
	expect_released(leaser, WEIR_TRIGGER_api, 2 * each);
}

TEST(PreloadedPools, AreReleasedByMallocTrim)
{
	Leaser leaser(leaser_by(Way::Preloaded));

	retain_in_two(leaser);
	EXPECT_EQ(1U, leaser.ask("trim"));
	expect_nothing_retained(leaser);
}

TEST_P(Pools, KeepWhatIsLeasedAtARelease)
{
	Leaser leaser(launch());

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
	Leaser leaser(launch());

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
	Leaser leaser(launch().env("WEIR_DECAY", "off"));

	leaser.create(3, 3);
	leaser.option("decay", "100");
	leaser.create(1, 1);
	leaser.option("decay", never);
	leaser.create(2, 2);
	retain(leaser, 1);
	retain(leaser, 2);
	EXPECT_TRUE(churned_until(leaser, [&] { return leaser.retained(1) == 0; }));
	EXPECT_EQ(each, leaser.retained(2));
	expect_released(leaser, WEIR_TRIGGER_decay, each);
}

TEST_P(Pools, DecayByTheProcesssPeriodOrNot)
{
	Leaser leaser(launch().env("WEIR_DECAY", "100ms"));

	leaser.create(1, 1);
	leaser.option("decay", never);
	leaser.create(2, 3);
	retain(leaser, 1);
	retain(leaser, 2);
	EXPECT_TRUE(churned_until(leaser, [&] { return leaser.retained(1) == 0; }));
	EXPECT_EQ(each, leaser.retained(2));
	expect_released(leaser, WEIR_TRIGGER_decay, each);
}

TEST_P(Pools, DecayWhileTheProgramIdles)
{
	Leaser leaser(launch().env("WEIR_BACKGROUND", "1").env("WEIR_DECAY", "off"));

	leaser.option("decay", "200");
	leaser.create(1, 2);
	leaser.option("decay", never);
	leaser.create(3, 3);
	retain(leaser, 1);
	retain(leaser, 2);
	retain(leaser, 3);
	EXPECT_TRUE(eventually([&] {
		return leaser.retained(1) == 0 && leaser.retained(2) == 0 &&
		       leaser.grown() < each + slack;
	})) << leaser.grown();
	EXPECT_EQ(each, leaser.retained(3));
	expect_released(leaser, WEIR_TRIGGER_decay, 2 * each);
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
	Leaser leaser(launch().in_cgroup(container)
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
	EXPECT_GT(leaser.ask("released " + std::to_string(WEIR_TRIGGER_pressure)), 0U);
	EXPECT_TRUE(other.finish().succeeded());
	EXPECT_TRUE(leaser.finish().succeeded());
}

} // namespace
