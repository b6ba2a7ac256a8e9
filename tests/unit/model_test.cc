#include "engine_machine.h"
#include "seed.h"

#include <climits>

/* Random calls of one thread against a model that knows what the program wrote. A fuzzer has
 * the same (tests/fuzz/calls_fuzz.cc), and preloaded programs (tests/victims/random_calls.cc). */

namespace
{

void run_with(const std::vector<std::string> &environment)
{
	MachineOptions options;

	options.environment = environment;
	for (bool refusals : { false, true }) {
		options.refusals = refusals;
		run_model(options, test_seed(0));
	}
}

TEST(Model, HoldsUnderLimits)
{
	run_with({ "WEIR_LIMIT=8M" });
	run_with({ "WEIR_LIMIT=1G" });
	run_with({ "WEIR_LIMIT=0" });
}

TEST(Model, HoldsUnderLimitsOfClasses)
{
	run_with({ "WEIR_CLASS_LIMITS=64K-192K:500K,*:4100K", "WEIR_CLASS_BLOCKS=3" });
}

TEST(Model, HoldsUnderAFootprint)
{
	run_with({ "WEIR_FOOTPRINT=10M" });
	run_with({ "WEIR_FOOTPRINT=2M", "WEIR_LIMIT=1G" });
}

TEST(Model, HoldsUnderALiveLimit)
{
	run_with({ "WEIR_LIVE_LIMIT=9M" });
}

TEST(Model, HoldsWithHugePages)
{
	run_with({ "WEIR_LIMIT=16M", "WEIR_HUGEPAGES=always" });
}

TEST(Model, HoldsWhereASpaceIsShort)
{
	MachineOptions options;

	options.halvings = 15;
	run_model(options, test_seed(0));
}

TEST(Model, HoldsWhereReleasesDropNothing)
{
	MachineOptions options;

	options.releases_drop = false;
	run_model(options, test_seed(0));
}

/* A guard that stays costs a slot, so nothing is refused. */
TEST(Model, HoldsWhereBlocksAreHardened)
{
	MachineOptions options;

	options.refusals = false;
	for (const char *limit : { "WEIR_LIMIT=64M", "WEIR_LIMIT=3M", "WEIR_LIMIT=0" }) {
		options.environment = { limit, "WEIR_HARDEN=1" };
		run_model(options, test_seed(0));
	}
	options.environment.push_back("WEIR_CLASS_BLOCKS=3");
	run_model(options, test_seed(0));
}

/* The same steps again and again, of which each has another call of the kind refused, by itself
 * or with all that follow. What is not released would be renewed: that is refused, too. Returns
 * how many calls there were. */
unsigned run_refusing(fake_call call, unsigned nth, unsigned times)
{
	MachineOptions options;

	options.environment = { "WEIR_LIMIT=64M" };
	options.refusals = false;
	calls::RandomChoices choices(4711);
	EngineMachine machine(options);
	calls::Model model(&machine, &choices);
	const unsigned before = fake_os_calls(call);

	SCOPED_TRACE("call " + std::to_string(call) + ", the " + std::to_string(nth) + "th of " +
		     std::to_string(times));
	if (call == FAKE_RELEASE)
		fake_os_fail(FAKE_RENEW, 0, UINT_MAX);
	fake_os_fail(call, nth, times);
	EXPECT_TRUE(model.run(160)) << model.fault;
	const unsigned calls = fake_os_calls(call) - before;

	EXPECT_TRUE(model.free_all()) << model.fault;
	EXPECT_EQ("", machine.fault_at_end(model));
	return calls;
}

TEST(Model, HoldsWhereEachCallIsRefusedInTurn)
{
	for (fake_call call : { FAKE_COMMIT, FAKE_RELEASE, FAKE_RENEW, FAKE_MOVE }) {
		const unsigned calls = run_refusing(call, 0, 0);

		EXPECT_GT(calls, 0U) << "of call " << call;
		for (unsigned n = 0; n < calls && !testing::Test::HasFailure(); n++) {
			run_refusing(call, n, 1);
			if (n % 4 == 0)
				run_refusing(call, n, UINT_MAX);
		}
	}
}

TEST(Model, HoldsUnderAnySettings)
{
	for (unsigned i = 0; i < 10; i++) {
		calls::RandomChoices choices(test_seed(i));

		run_model(any_options(&choices), test_seed(i), 200);
	}
}

} // namespace
