/* What the dynamic loader does beside a preload: libraries that come and go, that find another
 * malloc first, that audit, that were preloaded too; and programs that it does not preload for. */
#include "command.h"

#include <csignal>
#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

using namespace e2e;

namespace
{

namespace fs = std::filesystem;

Outcome load(const std::vector<std::string> &how)
{
	std::vector<std::string> argv = { victim("plugin") };

	argv.insert(argv.end(), how.begin(), how.end());
	argv.push_back(victim_library("local_plugin.so"));
	return Launch(argv).run();
}

void expect_clean(const Outcome &outcome, uint64_t live_blocks = 0)
{
	ASSERT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("", outcome.err);
	EXPECT_EQ(live_blocks, outcome.report().number("live_blocks"));
}

/* Of twenty times three threads, each with 200 KiB from weir, the C library keeps those of the
 * last three with the stacks that it keeps. */
TEST(Loader, ServesThreadLocalDataOfLibrariesThatComeAndGo)
{
	const Outcome outcome = load({ "use" });

	expect_clean(outcome, 3);
	EXPECT_EQ(1U + 20 * (1 + 3 * 2), outcome.report().number("requests"));
}

/* It finds the C library's first, in whose hands its blocks stay: the program's alone and
 * thread-local data come from weir. */
TEST(Loader, LeavesToADeepBoundLibraryWhatIsItsOwn)
{
	const Outcome outcome = load({ "deep" });

	expect_clean(outcome, 3);
	EXPECT_EQ(1U + 20 * 3, outcome.report().number("requests"));
}

TEST(Loader, LetsTheCLibraryStopADeepBoundLibraryThatFreesAForeignBlock)
{
	const Outcome outcome = load({ "foreign" });

	EXPECT_EQ(SIGABRT, outcome.end.signal) << outcome.describe();
	EXPECT_TRUE(outcome.err == "free(): invalid pointer\n" ||
		    outcome.err == "munmap_chunk(): invalid pointer\n")
		<< outcome.describe();
}

/* Its memory is its own: none of it is weir's, and none of weir's its. */
TEST(Loader, WorksUnderAnAuditor)
{
	Puppet puppet(e2e::puppet().env("LD_AUDIT", victim_library("auditor.so")));

	puppet.fill(1, 4, MiB);
	puppet.free(1, 2);
	puppet.release();
	puppet.ask("check");
	puppet.free(3, 4);
	const Outcome &outcome = puppet.finish();

	expect_clean(outcome);
	EXPECT_EQ(4U, outcome.report().number("requests"));
}

TEST(Loader, WorksBehindAndBeforeAnotherInterposer)
{
	const std::string interposer = victim_library("interposer.so");

	for (bool before : { true, false }) {
		Launch launch({ victim("churn"), "4", "300", "1", "5" });

		launch.env("INTERPOSER_COUNTS", "1");
		Running churn(before ? launch.before(interposer) : launch.behind(interposer));

		ASSERT_EQ("running", churn.hear()) << churn.errors();
		churn.say("next");
		const Outcome &outcome = churn.finish();

		expect_clean(outcome);
		EXPECT_NE(std::string::npos, outcome.out.rfind("interposed\n")) << outcome.out;
		EXPECT_NE(std::string::npos, outcome.report().text("backend").find(
						     before ? "libc.so" : "interposer.so"));
		EXPECT_GT(outcome.report().number("requests"), 300U);
	}
}

/* weir's own calls pass them by, or, of syscall(2), come back into weir in the midst of one. */
TEST(Loader, WorksBesideHooksOfTheMemoryCalls)
{
	for (const char *library : { "memory_hooks.so", "syscall_hooks.so" })
		for (bool before : { true, false }) {
			const std::string hooks = victim_library(library);
			Launch launch({ victim("churn"), "4", "0", "1", "5" });

			Running churn((before ? launch.before(hooks) : launch.behind(hooks))
					      .env("WEIR_LIMIT", "8M")
					      .env("WEIR_DECAY", "20ms"));

			ASSERT_EQ("running", churn.hear()) << churn.errors();
			for (int i = 0; i < 20; i++)
				churn.signal(SIGUSR1);
			churn.say("stop");
			ASSERT_EQ("empty", churn.hear()) << library << churn.finish().describe();
			churn.say("next");
			expect_clean(churn.finish());
		}
}

TEST(Loader, LeavesCrashesToWhoReportsThem)
{
	const std::string reporter = victim_library("crash_reporter.so");

	for (bool before : { true, false }) {
		Launch launch({ victim("double_free") });
		const Outcome outcome =
			(before ? launch.before(reporter) : launch.behind(reporter)).run();

		EXPECT_EQ(SIGABRT, outcome.end.signal) << outcome.describe();
		EXPECT_NE(std::string::npos,
			  outcome.err.find("double free, the block is already free\n"
					   "crash reported\n"))
			<< outcome.describe();
	}
}

TEST(Loader, LeavesStaticProgramsAsTheyAre)
{
	const std::string command =
		fs::path(command_path()).parent_path().string() + "/static/weir";

	NEED_FOUND(fs::exists(command) ? command : "", "a C library to link statically");
	const Outcome outcome = Launch({ command, "--version" }).run();

	expect_same(Launch({ command, "--version" }).plain().run(), outcome);
	EXPECT_EQ(0U, outcome.reports.size());
}

/* A program that runs with its owner's rights takes no library from whoever starts it, nor do
 * its children; the same program without them does. */
TEST(Loader, LeavesSetUserIdProgramsAsTheyAre)
{
	NEED_FOUND(std::string(geteuid() == 0 ? "root" : ""), "a user who may give files away");
	Directory directory;
	const std::string program = directory.file("secure");
	const std::vector<std::string> as_other = { "setpriv", "--reuid=4711", "--clear-groups",
						    program };

	fs::permissions(directory.path(), fs::perms(0755));
	fs::copy_file(victim("secure"), program);
	ASSERT_EQ(0, chown(program.c_str(), 4712, 4712));
	ASSERT_EQ(0, chmod(program.c_str(), 04755));
	EXPECT_EQ("secure alone 4712\nsecure alone 4712\n", Launch(as_other).run().out);
	ASSERT_EQ(0, chmod(program.c_str(), 0755));
	EXPECT_EQ("plain weir 4711\nplain weir 4711\n",
		  Launch(as_other).env("WEIR_REPORT", "off").run().out);
}

} // namespace
