/* Children of every kind work, whatever the parent's threads were doing. */
#include "preloaded.h"

using namespace e2e;

namespace
{

void expect_children_churn(Launch launch)
{
	Running churn(launch.seconds(60));

	ASSERT_EQ("running", churn.hear()) << churn.errors();
	churn.say("stop");
	ASSERT_EQ("empty", churn.hear()) << churn.finish().describe();
	churn.say("next");
	const Outcome &outcome = churn.finish();

	ASSERT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ(13U, outcome.reports.size());
	EXPECT_EQ(0U, outcome.report().number("live_bytes"));
}

TEST(Fork, InTheMiddleOfChurnGivesChildrenThatChurn)
{
	expect_children_churn(Launch({ victim("churn"), "4", "0", "1", "12" }));
}

TEST(Fork, InTheMiddleOfChurnWorksWithATightLimit)
{
	expect_children_churn(
		Launch({ victim("churn"), "4", "0", "1", "12" }).env("WEIR_LIMIT", "1M"));
}

/* Those that execute nothing end by _exit. */
TEST(Fork, EveryWayToStartAProgramWorksWithBlocksLive)
{
	auto outcome = Launch({ victim("spawner") }).run();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ(spawned, outcome.out);
	EXPECT_EQ("", outcome.err);
	EXPECT_EQ(5U, outcome.reports.size());
}

/* LIBWEIR_FORKS=10000 make check TESTS=tests/e2e/fork_test */
TEST(Fork, FromChurningThreadsLosesNoByteAndNoChild)
{
	const unsigned long forks = rounds("LIBWEIR_FORKS", 500);
	auto outcome = Launch({ victim("fork_churn"), "8", std::to_string(forks) })
			       .env("WEIR_LIMIT", "16M")
			       .seconds(60 + (unsigned)forks)
			       .run();
	const std::string each = std::to_string(forks / 5) + "\n";

	ASSERT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("churned " + each + "executed " + each + "ended " + each + "forked " + each +
			  "used " + each,
		  outcome.out);
	EXPECT_EQ("", outcome.err);
	EXPECT_EQ(1 + forks / 5, outcome.reports.size());
	EXPECT_EQ(0U, outcome.total("live_bytes"));
	EXPECT_LE(outcome.report().number("peak_retained_bytes"), 16 * MiB);
}

TEST(Threads, FreeWhatOthersLeftBehind)
{
	Running churn(Launch({ victim("churn"), "16", "40", "5", "0" }));

	for (int round = 0; round < 5; round++) {
		ASSERT_EQ("running", churn.hear()) << churn.errors();
		ASSERT_EQ("empty", churn.hear()) << churn.errors();
		churn.say("next");
	}
	const Report &report = churn.finish().report();

	EXPECT_EQ(0U, report.number("live_blocks"));
	EXPECT_GT(report.number("hits"), report.number("requests") / 4);
}

} // namespace
