/* The harness itself: what the other tests trust. */
#include "preloaded.h"

#include <csignal>
#include <cstdlib>
#include <cstring>

using namespace e2e;

namespace
{

struct Started {
	program *handle;

	Started(std::vector<const char *> argv, unsigned timeout_ms)
	{
		program_setup setup = {};

		argv.push_back(nullptr);
		setup.argv = argv.data();
		setup.timeout_ms = timeout_ms;
		handle = program_start(&setup);
	}
	~Started() { program_close(handle); }
};

TEST(Harness, KillsWhatRunsPastItsTimeOut)
{
	Started started({ "sh", "-c", "echo begun; sleep 1000" }, 200);
	program_end end = program_wait(started.handle);
	size_t count = 0;

	EXPECT_TRUE(end.timed_out);
	EXPECT_EQ(SIGKILL, end.signal);
	EXPECT_STREQ("begun\n", program_stdout(started.handle, &count));
}

TEST(Harness, StopsReadingWhenTheTimeIsOver)
{
	Started started({ "sleep", "1000" }, 200);

	EXPECT_EQ(nullptr, program_read_line(started.handle));
	EXPECT_TRUE(program_wait(started.handle).timed_out);
}

TEST(Harness, TellsHowAProgramEnded)
{
	auto failed = Launch({ "sh", "-c", "echo out; echo err >&2; exit 3" }).plain().run();
	auto killed = Launch({ "sh", "-c", "kill -TERM $$" }).plain().run();
	auto missing = Launch({ "/no/such/program" }).plain().run();

	EXPECT_EQ(3, failed.end.exit_status);
	EXPECT_EQ("out\n", failed.out);
	EXPECT_EQ("err\n", failed.err);
	EXPECT_EQ(SIGTERM, killed.end.signal);
	EXPECT_EQ(127, missing.end.exit_status);
}

TEST(Harness, KeepsTheRunnersSettingsFromThePrograms)
{
	setenv("WEIR_LIMIT", "1M", 1);
	auto plain = Launch({ "env" }).plain().run();
	auto preloaded = Launch({ "env" }).env("WEIR_MIN", "1M").run();

	unsetenv("WEIR_LIMIT");
	for (const char *name : { "LD_PRELOAD=", "WEIR_", "LIBWEIR_" })
		EXPECT_EQ(std::string::npos, plain.out.find(name)) << name;
	EXPECT_EQ(std::string::npos, preloaded.out.find("WEIR_LIMIT"));
	EXPECT_NE(std::string::npos, preloaded.out.find("WEIR_MIN=1M"));
	EXPECT_NE(std::string::npos, preloaded.out.find("LD_PRELOAD="));
	EXPECT_EQ(nullptr, std::getenv("LD_PRELOAD"));
}

TEST(Harness, TakesMuchOutputWithoutBlocking)
{
	auto outcome = Launch({ "sh", "-c", "seq 1 300000; seq 1 300000 >&2" }).plain().run();

	EXPECT_EQ(0, outcome.end.exit_status);
	EXPECT_GT(outcome.out.size(), 1000000U);
	EXPECT_TRUE(outcome.out == outcome.err);
}

TEST(Harness, SeesMemoryFromOutside)
{
	Puppet puppet(e2e::puppet().plain());

	EXPECT_LT(puppet.grown(), MiB);
	puppet.fill(1, 1, 50 * MiB);
	EXPECT_GE(puppet.grown(), 50 * MiB);
	EXPECT_LT(puppet.grown(), 51 * MiB);
	EXPECT_GE(puppet.memory().peak_resident_bytes, 50 * MiB);
	puppet.free(1, 1);
	EXPECT_LT(puppet.grown(), MiB);
}

} // namespace
