/* How pools end and leave their places to others, and what outlives a thread, or goes on in a
 * child. Each with libweirpool alone and with libweir preloaded. */
#include "leaser.h"

#include <cerrno>

using namespace e2e;

namespace
{

constexpr unsigned places = 255;

INSTANTIATE_TEST_SUITE_P(By, Pools, testing::Values(Way::Alone, Way::Preloaded), name_of_way);

TEST_P(Pools, EndWithTheLastBlock)
{
	Leaser leaser(launch());

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
	Leaser leaser(launch());

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
	Leaser leaser(launch());

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
	Leaser leaser(launch());

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
	Leaser leaser(launch());

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
	Leaser leaser(launch());

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

} // namespace
