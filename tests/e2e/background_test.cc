/* WEIR_BACKGROUND: decay while the program idles, and a thread that sleeps when there is
 * nothing to do. */
#include "command.h"

#include <filesystem>
#include <fstream>

#include <unistd.h>

using namespace e2e;

namespace
{

/* By the name of weir's threads. */
std::vector<std::string> threads_of(pid_t pid)
{
	std::vector<std::string> found;

	for (const auto &task :
	     std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
		std::string name = read_file(task.path().string() + "/comm");

		if (name.rfind("weir", 0) == 0)
			found.push_back(task.path().string());
	}
	return found;
}

uint64_t switches_of(const std::string &thread)
{
	std::string status = read_file(thread + "/status");
	size_t at = status.find("\nvoluntary_ctxt_switches:");

	return std::stoull(status.substr(status.find_first_of("0123456789", at)));
}

/* Whether it comes to sleep for longer than a third of the period. */
bool falls_asleep(const std::string &thread)
{
	uint64_t before = 0;

	return eventually([&] {
		uint64_t last = before;

		before = switches_of(thread);
		usleep(300000);
		return switches_of(thread) == before && before == last;
	});
}

Launch background(const std::string &decay = "300ms")
{
	return puppet().env("WEIR_BACKGROUND", "1").env("WEIR_DECAY", decay);
}

void expect_idle_release(Puppet &puppet)
{
	puppet.fill(1, 8, 4 * MiB);
	puppet.free(1, 8);
	EXPECT_TRUE(eventually([&] { return puppet.grown() < MiB; }));
}

TEST(Background, ReleasesWhileTheProgramIdles)
{
	Puppet puppet(background());

	expect_idle_release(puppet);
	expect_idle_release(puppet);
	EXPECT_EQ(2 * 8 * counted(4 * MiB),
		  puppet.finish().report().number("released/decay/bytes"));
}

TEST(Background, StartsItsThreadOnceSomethingIsRetained)
{
	Puppet puppet(background("10s"));

	puppet.fill(1, 8, 4 * MiB);
	EXPECT_EQ(0U, threads_of(puppet.pid()).size());
	puppet.free(1, 1);
	EXPECT_TRUE(eventually([&] { return threads_of(puppet.pid()).size() == 1; }));
	EXPECT_TRUE(puppet.finish().succeeded());
}

TEST(Background, StartsNoThreadForWhatIsNotWorthOne)
{
	Puppet puppet(background("10s"));

	for (unsigned i = 1; i <= 20; i++) {
		puppet.fill(1, 1, 200 * KiB);
		puppet.free(1, 1);
	}
	EXPECT_EQ(0U, threads_of(puppet.pid()).size());
	EXPECT_TRUE(puppet.finish().succeeded());
}

TEST(Background, StartsNoThreadWithoutBeingTold)
{
	Puppet puppet(e2e::puppet());

	puppet.fill(1, 8, 4 * MiB);
	puppet.free(1, 8);
	EXPECT_EQ(0U, threads_of(puppet.pid()).size());
	EXPECT_TRUE(puppet.finish().succeeded());
}

/* Three periods of looking on: that many ticks would have been nine. */
TEST(Background, SleepsWhenNothingIsRetained)
{
	Puppet puppet(background());

	expect_idle_release(puppet);
	const std::string thread = threads_of(puppet.pid()).at(0);

	ASSERT_TRUE(falls_asleep(thread));
	uint64_t before = switches_of(thread);

	usleep(900000);
	EXPECT_EQ(before, switches_of(thread));
	expect_idle_release(puppet); /* and it wakes again */
	EXPECT_TRUE(puppet.finish().succeeded());
}

/* The last thing that the program does for a while. */
TEST(Background, WakesForWhatReallocCutsOff)
{
	Puppet puppet(background());

	puppet.fill(1, 1, 100 * MiB);
	puppet.free(1, 1);
	puppet.fill(1, 1, 100 * MiB); /* resident already, so that the tail is kept */
	ASSERT_EQ(1U, threads_of(puppet.pid()).size());
	ASSERT_TRUE(falls_asleep(threads_of(puppet.pid())[0]));
	puppet.ask("realloc 1 10485760");
	EXPECT_TRUE(eventually([&] { return puppet.grown() < 12 * MiB; })) << puppet.grown();
	EXPECT_TRUE(puppet.finish().succeeded());
}

TEST(Background, IsImpliedByTheSocket)
{
	Served puppet(e2e::puppet().env("WEIR_DECAY", "300ms"));

	puppet.fill(1, 8, 4 * MiB);
	puppet.free(1, 8);
	EXPECT_TRUE(eventually([&] { return puppet.grown() < MiB; }));
}

TEST(Background, LetsTheProgramEndWhenItsThreadsHave)
{
	Puppet puppet(background());

	expect_idle_release(puppet);
	puppet.say("leave");
	EXPECT_TRUE(puppet.finish().succeeded()) << puppet.finish().describe();
}

/* It cannot read there how many threads there are. */
TEST(Background, LetsAProgramEndThatLeftItsRoot)
{
	Directory root;

	if (geteuid() != 0)
		GTEST_SKIP() << "only root may change root";
	for (const char *name : { "WEIR_BACKGROUND", "WEIR_PRESSURE" }) {
		Outcome outcome = Launch({ victim("main_leaves"), root.path() })
					  .env(name, "1")
					  .seconds(20)
					  .run();

		EXPECT_TRUE(outcome.succeeded()) << name << ": " << outcome.describe();
		EXPECT_EQ("main\nwork\nend 1\n", outcome.out);
	}
}

/* numpy: within a tenth of where it began, 15 seconds after the burst. */
TEST(Background, BringsANumpyServiceBackToWhereItBegan)
{
	const std::string python = python_with_numpy();

	NEED_FOUND(python, "python3 with numpy");
	Interpreter service(python_interpreter(python).env("WEIR_BACKGROUND", "1").seconds(90));

	service.tell("a = [np.ones(1 << 20) for _ in range(3)]; del a");
	service.tell("np.ones((400, 400)).sum()");
	EXPECT_TRUE(eventually([&] { return service.memory().anonymous_bytes < 40 * MiB; }));
	uint64_t before = service.memory().anonymous_bytes;

	service.tell("for i in range(10): a = [np.ones(1 << 20) for _ in range(40)]; del a");
	EXPECT_TRUE(eventually([&] {
		return service.memory().anonymous_bytes < before + before / 10;
	})) << before
	    << " " << service.memory().anonymous_bytes;
}

} // namespace
