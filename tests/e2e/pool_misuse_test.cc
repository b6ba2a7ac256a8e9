/* Bad use of a pool ends the program by SIGABRT with one line that names the call and the
 * address; or fails with an error number, where the pool was made with WEIR_POOL_NO_ABORT, and
 * is as if it had not been. Each victim prints the address and then does what its name says, with
 * a block that is kept at hand, with a longer one, and with one that gets huge pages; linked with
 * libweirpool alone, and with libweir preloaded. */
#include "misuse.h"

#include <csignal>

using namespace e2e;

namespace
{

constexpr char twice[] = "returned twice, the block is not leased";
constexpr char nowhere[] = "no pool has a block there";

const std::vector<Fault> pool_faults = {
	{ "pool_leased_from_disposed", "weir_lease", "the pool is disposed of" },
	{ "pool_leased_from_next", "weir_lease", "the pool is disposed of" },
	{ "pool_return_race", "weir_return", twice },
	{ "pool_returned_inside", "weir_return", "not the start of a block" },
	{ "pool_returned_stack", "weir_return", nowhere },
	{ "pool_returned_to_another", "weir_return",
	  "the block is of pool first, not of pool second" },
	{ "pool_returned_to_disposed_twice", "weir_return", twice },
	{ "pool_returned_to_gone", "weir_return", "the pool is gone" },
	{ "pool_returned_twice", "weir_return", twice },
	{ "pool_returned_twice_after_release", "weir_return", twice },
	{ "pool_returned_twice_in_thread", "weir_return", twice },
	{ "pool_returned_twice_to_another", "weir_return", "the block is not leased" },
};

const char *const sizes[] = { "70000", "300000", "1500000", "6000000" };

Launch linked_alone(const std::vector<std::string> &argv)
{
	return Launch(argv).plain();
}

Launch preloaded(const std::vector<std::string> &argv)
{
	return Launch(argv);
}

void expect_refused(const Launch &launch)
{
	auto outcome = launch.run();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("", outcome.err);
}

class PoolMisuse : public testing::TestWithParam<Fault>
{
};

TEST_P(PoolMisuse, StopsTheProgramAndNamesTheAddress)
{
	for (const char *bytes : sizes) {
		expect_stopped(GetParam(), linked_alone({ victim(GetParam().victim), bytes }));
		expect_stopped(GetParam(), preloaded({ victim(GetParam().victim), bytes }));
	}
}

TEST_P(PoolMisuse, IsAnErrorThatChangesNothingWhereAskedFor)
{
	for (const char *bytes : sizes) {
		expect_refused(linked_alone({ victim(GetParam().victim), bytes, "quiet" }));
		expect_refused(preloaded({ victim(GetParam().victim), bytes, "quiet" }));
	}
}

/* There is no block at hand then, and what was freed waits before it is listed. */
TEST_P(PoolMisuse, IsTheSameWithHardenedBlocks)
{
	const std::string program = victim(GetParam().victim);

	for (const char *bytes : sizes) {
		expect_stopped(GetParam(),
			       linked_alone({ program, bytes }).env("WEIR_HARDEN", "1"));
		expect_refused(preloaded({ program, bytes, "quiet" }).env("WEIR_HARDEN", "1"));
	}
}

INSTANTIATE_TEST_SUITE_P(Each, PoolMisuse, testing::ValuesIn(pool_faults),
			 [](const auto &each) { return std::string(each.param.victim); });

/* weir has it where it serves malloc. */
TEST(PoolMisuseOfMalloc, NamesMallocWhereItIsServed)
{
	const std::string program = victim("pool_returned_malloc");

	for (const char *bytes : sizes) {
		expect_stopped({ "", "weir_return", nowhere }, linked_alone({ program, bytes }));
		expect_stopped({ "", "weir_return", "the block is of malloc, not of pool first" },
			       preloaded({ program, bytes }));
		expect_refused(linked_alone({ program, bytes, "quiet" }));
		expect_refused(preloaded({ program, bytes, "quiet", "served" }));
	}
}

TEST(PoolMisuseByFree, StopsTheProgramWhateverThePoolWasAskedFor)
{
	const Fault fault = { "pool_lease_freed_twice", "free",
			      "double free, the block is already free" };

	for (const char *bytes : sizes) {
		expect_stopped(fault, preloaded({ victim(fault.victim), bytes }));
		expect_stopped(fault, preloaded({ victim(fault.victim), bytes, "quiet" }));
	}
}

TEST(PoolMisuseByFree, IsSeenByAReturn)
{
	const Fault fault = { "pool_lease_freed_and_returned", "weir_return", twice };

	for (const char *bytes : sizes) {
		expect_stopped(fault, preloaded({ victim(fault.victim), bytes }));
		expect_refused(preloaded({ victim(fault.victim), bytes, "quiet" }));
	}
}

TEST(PoolMisuseInARace, StopsTheProgramEveryTime)
{
	const Fault fault = { "pool_return_race", "weir_return", twice };

	for (int i = 0; i < 20 && !HasFailure(); i++)
		expect_stopped(fault, linked_alone({ victim(fault.victim), sizes[i % 4] }));
}

} // namespace
