/* Memory asked for before main, before weir itself, and by loaded libraries. */
#include "preloaded.h"

using namespace e2e;

namespace
{

TEST(Startup, ServesLibrariesThatStartBeforeWeir)
{
	Puppet puppet(e2e::puppet().behind(victim_library("early.so")));

	puppet.fill(1, 3, MiB);
	puppet.ask("check");
	const Outcome &outcome = puppet.finish();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("", outcome.err);
	EXPECT_GE(outcome.report().number("requests"), 3U);
}

TEST(Startup, ServesLibrariesLoadedLater)
{
	auto outcome = Launch({ victim("plugin"), victim_library("early.so") }).run();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("", outcome.err);
	EXPECT_GE(outcome.report().number("requests"), 41U);
	EXPECT_EQ(0U, outcome.report().number("live_blocks"));
	EXPECT_GT(outcome.report().number("hits"), 10U);
}

TEST(Startup, IsSilent)
{
	auto outcome = Launch({ "sh", "-c", "echo out" }).run();

	EXPECT_EQ("out\n", outcome.out);
	EXPECT_EQ("", outcome.err);
}

TEST(Startup, WorksInAnEmptyEnvironment)
{
	auto plain = Launch({ "env", "-i", "/bin/sh", "-c", "echo $((6 * 7))" }).plain().run();
	auto preloaded = Launch({ "env", "-i", "/bin/sh", "-c", "echo $((6 * 7))" }).run();

	expect_same(plain, preloaded);
}

} // namespace
