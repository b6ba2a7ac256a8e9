/* The model of tests/unit/model_test.cc over the real malloc family of a preloaded process: on
 * the real kernel, in several threads. LIBWEIR_RANDOM_SECONDS makes each run that long,
 * LIBWEIR_SEED=N repeats one. */
#include "preloaded.h"

#include <cstdlib>
#include <random>

using namespace e2e;

namespace
{

std::string number_from(const char *variable, const std::string &otherwise)
{
	const char *said = getenv(variable);

	return said ? said : otherwise;
}

Launch random_calls(unsigned threads)
{
	std::string seconds = number_from("LIBWEIR_RANDOM_SECONDS", "0");
	std::string seed = number_from("LIBWEIR_SEED", std::to_string(std::random_device()()));
	Launch launch({ victim("random_calls"), seed, std::to_string(threads), "1000", seconds });

	launch.env("WEIR_MAX", "8M").seconds(120 + (unsigned)std::stoul(seconds));
	return launch;
}

void expect_holds(const Launch &launch)
{
	Outcome outcome = launch.run();

	ASSERT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("done\n", outcome.out);
	EXPECT_EQ("", outcome.err);
	EXPECT_EQ(0U, outcome.report().number("live_bytes"));
	EXPECT_GT(outcome.report().number("hits"), 0U);
}

TEST(RandomCalls, HoldInOneThread)
{
	expect_holds(random_calls(1));
}

TEST(RandomCalls, HoldInFourThreadsThatShareBlocks)
{
	expect_holds(random_calls(4).env("WEIR_LIMIT", "24M"));
}

TEST(RandomCalls, HoldWhileSignalsRelease)
{
	expect_holds(random_calls(4).env("LIBWEIR_RANDOM_CALLS", "signal"));
}

TEST(RandomCalls, HoldUnderAFootprintAndLimitsOfClasses)
{
	expect_holds(random_calls(4)
			     .env("WEIR_FOOTPRINT", "20M")
			     .env("WEIR_CLASS_LIMITS", "64K-256K:2M,*:8M")
			     .env("WEIR_CLASS_BLOCKS", "3"));
}

/* What was freed while another thread worked on its pages is given back at once, and live until
 * that has put it (pool.h): of each of the other three a block, of which few are longer. */
constexpr uint64_t in_hand = 3 * MiB;

TEST(RandomCalls, HoldUnderALiveLimitThatRefuses)
{
	Launch launch = random_calls(4).env("WEIR_LIVE_LIMIT", "12M");
	Outcome outcome = launch.run();

	ASSERT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_GT(outcome.report().number("refused_live"), 0U);
	EXPECT_LE(outcome.report().number("peak_live_bytes"), 12 * MiB + in_hand);
}

TEST(RandomCalls, HoldWithHugePagesAndAHelperThread)
{
	expect_holds(random_calls(4)
			     .env("WEIR_HUGEPAGES", "always")
			     .env("WEIR_BACKGROUND", "1")
			     .env("WEIR_DECAY", "20ms"));
}

} // namespace
