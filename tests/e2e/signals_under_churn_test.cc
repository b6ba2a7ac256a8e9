/* A thousand releases, each taken by a churning thread wherever it was, change
 * no byte of a live block. */
#include "preloaded.h"

#include <sched.h>

#include <csignal>
#include <vector>

using namespace e2e;

namespace
{

/* Sends one to each thread, and returns when all have been taken. */
void deliver(Running &running, const std::vector<pid_t> &threads)
{
	for (pid_t thread : threads)
		running.signal_thread(thread, SIGUSR1);
	for (pid_t thread : threads)
		while (proc_signal_is_pending(running.pid(), thread, SIGUSR1))
			sched_yield();
}

std::vector<pid_t> threads_of(const Running &running)
{
	std::vector<pid_t> threads(64);

	threads.resize(proc_read_threads(running.pid(), threads.data(), threads.size()));
	return threads;
}

void expect_data_survives(const Launch &launch, unsigned signals)
{
	Running churn(launch);

	ASSERT_EQ("running", churn.hear()) << churn.errors();

	std::vector<pid_t> threads = threads_of(churn);
	unsigned sent = 0;

	ASSERT_EQ(9U, threads.size());
	while (sent < signals && !testing::Test::HasFailure()) {
		deliver(churn, threads);
		sent += 9;
	}
	churn.say("stop");
	ASSERT_EQ("empty", churn.hear()) << churn.finish().describe();
	churn.signal(SIGUSR1);
	churn.say("next");
	const Outcome &outcome = churn.finish();

	ASSERT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("", outcome.err);
	EXPECT_EQ(0U, outcome.report().number("live_bytes"));
	EXPECT_EQ(0U, outcome.report().number("retained_bytes"));
	EXPECT_GT(outcome.report().number("released/signal/blocks"), sent / 10);
	/* The first ones may come before there is anything that could be released. */
	EXPECT_GE(outcome.report().number("released/signal/releases"), sent * 9 / 10);
	EXPECT_LE(outcome.report().number("released/signal/releases"), sent + 1);
}

Launch churn(const std::vector<std::string> &more = {})
{
	std::vector<std::string> argv = { victim("churn"), "8", "0", "1", "0" };

	argv.insert(argv.end(), more.begin(), more.end());
	return Launch(argv).env("WEIR_LIMIT", "64M").seconds(120);
}

TEST(SignalsUnderChurn, ChangeNoLiveByte)
{
	expect_data_survives(churn(), 1000);
}

TEST(SignalsUnderChurn, ChangeNoLiveByteWithATightLimit)
{
	expect_data_survives(churn().env("WEIR_LIMIT", "2M"), 200);
}

TEST(SignalsUnderChurn, ChangeNoLiveByteWithHugePages)
{
	expect_data_survives(churn().env("WEIR_HUGEPAGES", "always"), 200);
}

TEST(SignalsUnderChurn, ChangeNoLiveByteWhenBlocksAreHardened)
{
	expect_data_survives(churn().env("WEIR_HARDEN", "1"), 200);
}

TEST(SignalsUnderChurn, ChangeNoLiveByteWithEveryLimitAndFastDecay)
{
	expect_data_survives(churn().env("WEIR_CLASS_LIMITS", "64K-256K:2M,*:8M")
				     .env("WEIR_CLASS_BLOCKS", "5")
				     .env("WEIR_DECAY", "10ms"),
			     200);
}

TEST(SignalsUnderChurn, ChangeNoLiveByteWhenHalfIsTheBackends)
{
	expect_data_survives(churn().env("WEIR_MIN", "200K").env("WEIR_MAX", "900K"), 200);
}

TEST(SignalsUnderChurn, FitOnTheSmallestStacksOfThreads)
{
	expect_data_survives(churn({ "tiny" }), 400);
}

TEST(SignalsUnderChurn, FitOnSmallAlternativeStacks)
{
	expect_data_survives(churn({ "alternative" }), 400);
}

} // namespace
