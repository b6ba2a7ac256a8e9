/* SIGUSR1 gives back everything retained, at once and for good. */
#include "preloaded.h"

#include <csignal>

#include <chrono>

using namespace e2e;

namespace
{

constexpr uint64_t slack = MiB;

/* Blocks of many sizes, every other one freed again, then some resized. */
void fill_many_sizes(Puppet &puppet)
{
	static const uint64_t sizes[] = { 64 * KiB, 70000,   200000,	  MiB,	    1100000,
					  2 * MiB,  3000000, 5 * MiB + 1, 16 * MiB, 20 * MiB };

	for (unsigned i = 0; i < 20; i++)
		puppet.fill(i, i, sizes[i / 2]);
	for (unsigned i = 0; i < 20; i += 2)
		puppet.free(i, i);
	puppet.ask("realloc 3 1700000");
	puppet.ask("realloc 7 2500000");
	puppet.ask("realloc 13 9000000");
	puppet.ask("realloc 17 7000000");
}

void expect_only_live_is_left(const Launch &launch)
{
	Puppet puppet(launch);

	fill_many_sizes(puppet);
	uint64_t live = puppet.ask("check");

	EXPECT_GE(puppet.grown(), live + 30 * MiB);
	puppet.release();
	EXPECT_LE(puppet.grown(), live + slack);
	EXPECT_EQ(live, puppet.ask("check"));

	const Report &report = puppet.finish().report();

	EXPECT_EQ(0U, report.number("retained_bytes"));
	EXPECT_EQ(1U, report.number("released/signal/releases"));
	EXPECT_GT(report.number("released/signal/blocks"), 0U);
	EXPECT_GE(report.number("released/signal/bytes"), 30 * MiB);
	EXPECT_EQ("weir", report.text("signal"));
}

TEST(Release, LeavesOnlyLiveBytes)
{
	expect_only_live_is_left(puppet());
}

TEST(Release, LeavesOnlyLiveBytesWithHugePages)
{
	expect_only_live_is_left(puppet().env("WEIR_HUGEPAGES", "always"));
}

TEST(Release, LeavesOnlyLiveBytesWithoutHugePages)
{
	expect_only_live_is_left(puppet().env("WEIR_HUGEPAGES", "never"));
}

/* The kernel may put huge pages together again behind a release. Watching
 * cannot fail by chance, but it may see nothing. */
TEST(Release, StaysDown)
{
	Puppet puppet(e2e::puppet().env("WEIR_HUGEPAGES", "always"));

	fill_many_sizes(puppet);
	uint64_t live = puppet.ask("check");

	puppet.release();
	auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);

	while (std::chrono::steady_clock::now() < end) {
		ASSERT_LE(puppet.grown(), live + slack);
		ASSERT_EQ(live, puppet.ask("check"));
	}
}

TEST(Release, LowersTheResidentSizeToo)
{
	Puppet puppet(e2e::puppet());

	puppet.fill(1, 10, 10 * MiB);
	uint64_t before = puppet.memory().resident_bytes;

	puppet.free(1, 10);
	EXPECT_GE(puppet.memory().resident_bytes + slack, before);
	puppet.release();
	EXPECT_LE(puppet.memory().resident_bytes + 100 * MiB, before + slack);
}

TEST(Release, RetainsAgainWhatIsFreedLater)
{
	Puppet puppet(e2e::puppet());

	for (int i = 0; i < 3; i++) {
		puppet.fill(1, 4, 4 * MiB);
		puppet.free(1, 4);
		puppet.release();
	}
	puppet.fill(1, 4, 4 * MiB);
	puppet.free(1, 4);
	const Report &report = puppet.finish().report();

	EXPECT_EQ(4 * counted(4 * MiB), report.number("retained_bytes"));
	EXPECT_EQ(12 * counted(4 * MiB), report.number("released/signal/bytes"));
	EXPECT_EQ(3U, report.number("released/signal/releases"));
}

TEST(Release, IsHarmlessWhenNothingIsRetained)
{
	Puppet puppet(e2e::puppet());

	puppet.release();
	puppet.ask("malloc 1 1000");
	puppet.release();
	EXPECT_EQ(1000U, puppet.ask("check"));
	EXPECT_TRUE(puppet.finish().succeeded());
}

TEST(Release, DoesNotKillAProgramThatNeverAsksForMuch)
{
	Running cat(Launch({ "cat" }));

	cat.say("one");
	EXPECT_EQ("one", cat.hear());
	cat.signal(SIGUSR1);
	cat.say("two");
	EXPECT_EQ("two", cat.hear());
	EXPECT_TRUE(cat.finish().succeeded());
}

TEST(Release, CanBeGivenAnotherSignal)
{
	struct {
		const char *name;
		int number;
	} signals[] = { { "USR2", SIGUSR2 },
			{ "RTMIN+2", SIGRTMIN + 2 },
			{ "RTMIN+18", SIGRTMIN + 18 } };

	for (const auto &signal : signals) {
		Puppet puppet(e2e::puppet().env("WEIR_SIGNAL", signal.name));

		EXPECT_TRUE(proc_signal_is_caught(puppet.pid(), signal.number)) << signal.name;
		EXPECT_FALSE(proc_signal_is_caught(puppet.pid(), SIGUSR1)) << signal.name;
		puppet.fill(1, 4, 4 * MiB);
		puppet.free(1, 4);
		puppet.release(signal.number);
		EXPECT_LE(puppet.grown(), slack) << signal.name;
	}
}

TEST(Release, LeavesTheSignalAloneWhenOff)
{
	Puppet puppet(e2e::puppet().env("WEIR_SIGNAL", "off"));

	puppet.ask("check");
	EXPECT_FALSE(proc_signal_is_caught(puppet.pid(), SIGUSR1));
	puppet.signal(SIGUSR1);
	EXPECT_EQ(SIGUSR1, puppet.finish().end.signal);
}

TEST(Release, SaysOffInTheReport)
{
	Puppet puppet(e2e::puppet().env("WEIR_SIGNAL", "off"));

	puppet.ask("malloc 1 1000000");
	EXPECT_EQ("off", puppet.finish().report().text("signal"));
}

TEST(Release, LeavesAnIgnoredSignalIgnored)
{
	Puppet puppet(e2e::puppet().ignoring(SIGUSR1));

	puppet.fill(1, 4, 4 * MiB);
	puppet.free(1, 4);
	EXPECT_TRUE(proc_signal_is_ignored(puppet.pid(), SIGUSR1));
	puppet.release();
	EXPECT_EQ(4 * counted(4 * MiB), puppet.finish().report().number("retained_bytes"));
}

TEST(Release, GivesWayToAHandlerThatCameLater)
{
	Running program(Launch({ victim("own_handler") }));

	ASSERT_EQ("ready", program.hear()) << program.errors();
	for (int i = 0; i < 3; i++) {
		program.signal(SIGUSR1);
		EXPECT_EQ("handled", program.hear());
	}
	const Report &report = program.finish().report();

	EXPECT_EQ("program", report.text("signal"));
	EXPECT_EQ(counted(8 * MiB), report.number("retained_bytes"));
}

TEST(Release, IsNotSeenByAProgramThatSavesAndRestoresTheSignal)
{
	Outcome plain = Launch({ victim("restored_signal") }).plain().run();
	Outcome preloaded = Launch({ victim("restored_signal") }).run();

	EXPECT_EQ(plain.out, preloaded.out);
	EXPECT_EQ(SIGUSR1, plain.end.signal);
	EXPECT_EQ(SIGUSR1, preloaded.end.signal);
}

TEST(Release, GivesWayToAHandlerThatCameBefore)
{
	Puppet puppet(e2e::puppet().behind(victim_library("early.so")).env("EARLY_HANDLER", "1"));

	puppet.fill(1, 4, 4 * MiB);
	puppet.free(1, 4);
	puppet.signal(SIGUSR1);
	EXPECT_EQ("early", puppet.hear());

	const Report &report = puppet.finish().report();

	EXPECT_EQ("program", report.text("signal"));
	EXPECT_GE(report.number("retained_bytes"), 16 * MiB);
}

} // namespace
