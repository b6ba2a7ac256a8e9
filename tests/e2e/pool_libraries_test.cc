/* libweirpool.so in a program in which libweir.so is preloaded: one engine, whose functions are
 * found by whatever way. */
#include "command.h"

#include <csignal>

using namespace e2e;

namespace
{

std::string pool_library()
{
	return victim_library("../../../.libs/libweirpool.so.0");
}

Launch opened()
{
	return Launch({ victim("opened_pool"), pool_library() });
}

TEST(PoolLibraries, TheSecondLeadsToTheFirst)
{
	Outcome outcome = opened().run();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("pool opened: 260.0 KiB in 1 block leased\neverybody's\n", outcome.out);
	EXPECT_EQ(1U, outcome.report().number("requests"));
	EXPECT_GE(outcome.report().number("released/api/bytes"), 256 * KiB);
}

TEST(PoolLibraries, OneAloneServesWhoOpensIt)
{
	Outcome outcome = opened().plain().run();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("pool opened: 260.0 KiB in 1 block leased\nits own\n", outcome.out);
}

TEST(PoolLibraries, OneOfThemStarts)
{
	Outcome outcome = opened().env("WEIR_VERBOSE", "1").run();
	size_t first = outcome.err.find("preset default");

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_NE(std::string::npos, first) << outcome.err;
	EXPECT_EQ(std::string::npos, outcome.err.find("preset default", first + 1)) << outcome.err;
}

} // namespace
