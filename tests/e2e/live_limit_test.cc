/* WEIR_LIVE_LIMIT: a request beyond it gets ENOMEM, and the program goes on. */
#include "memory_cgroup.h"
#include "preloaded.h"

#include <cerrno>
#include <random>

using namespace e2e;

namespace
{

Launch limited()
{
	return puppet().env("WEIR_LIVE_LIMIT", "10M");
}

TEST(LiveLimit, RefusesWhatWouldPassItUntilSomethingIsFreed)
{
	Puppet puppet(limited());

	puppet.fill(1, 2, 4 * MiB);
	EXPECT_EQ((uint64_t)ENOMEM, puppet.ask_error("malloc 3 4194304"));
	EXPECT_EQ((uint64_t)ENOMEM, puppet.ask_error("calloc 3 4194304"));
	EXPECT_EQ((uint64_t)ENOMEM, puppet.ask_error("aligned 3 4194304"));
	puppet.free(1, 1);
	puppet.fill(3, 3, 4 * MiB);
	EXPECT_EQ(8 * MiB, puppet.ask("check"));

	const Report &report = puppet.finish().report();

	EXPECT_EQ(3U, report.number("refused_live"));
	EXPECT_EQ(0U, report.number("refused"));
	EXPECT_EQ(2 * counted(4 * MiB), report.number("peak_live_bytes"));
}

TEST(LiveLimit, IsMetExactly)
{
	Puppet puppet(e2e::puppet().env("WEIR_LIVE_LIMIT", std::to_string(2 * counted(4 * MiB))));

	puppet.fill(1, 2, 4 * MiB);
	EXPECT_EQ((uint64_t)ENOMEM, puppet.ask_error("malloc 3 65536"));
	puppet.finish();

	Puppet less(
		e2e::puppet().env("WEIR_LIVE_LIMIT", std::to_string(2 * counted(4 * MiB) - 4096)));

	less.fill(1, 1, 4 * MiB);
	EXPECT_EQ((uint64_t)ENOMEM, less.ask_error("malloc 2 4194304"));
}

TEST(LiveLimit, KeepsABlockThatMayNotGrow)
{
	Puppet puppet(limited());

	puppet.fill(1, 1, 6 * MiB);
	puppet.fill(2, 2, MiB);
	EXPECT_EQ((uint64_t)ENOMEM, puppet.ask_error("realloc 1 9961472"));  /* in place */
	EXPECT_EQ((uint64_t)ENOMEM, puppet.ask_error("realloc 1 20971520")); /* elsewhere */
	EXPECT_EQ((uint64_t)ENOMEM, puppet.ask_error("realloc 2 4194304"));
	EXPECT_EQ(7 * MiB, puppet.ask("check"));
	puppet.ask("realloc 1 8388608");
	puppet.ask("realloc 1 2097152");
	puppet.ask("realloc 2 5242880");
	EXPECT_EQ(3U, puppet.finish().report().number("refused_live"));
}

TEST(LiveLimit, CountsNothingThatWasFreed)
{
	Puppet puppet(limited());

	for (unsigned round = 0; round < 50; round++) {
		puppet.fill(1, 1, 3 * MiB);
		puppet.fill(2, 2, 200 * KiB);
		puppet.ask("realloc 1 5242880");
		puppet.ask("realloc 2 1048576");
		puppet.ask("realloc 1 70000");
		puppet.free(1, 2);
	}
	puppet.fill(1, 2, 4 * MiB);
	EXPECT_EQ(0U, puppet.finish().report().number("refused_live"));
}

TEST(LiveLimit, RefusesOneRequestThatIsLargerWhoeverWouldServeIt)
{
	Puppet puppet(limited().env("WEIR_MAX", "5M"));

	EXPECT_EQ((uint64_t)ENOMEM, puppet.ask_error("malloc 1 11534336"));
	puppet.fill(1, 1, 6 * MiB); /* the backend's, which is not counted */
	EXPECT_EQ(1U, puppet.finish().report().number("refused_live"));
}

TEST(LiveLimit, ChangesWhereItWasSetAtTheStart)
{
	Served puppet(limited());

	puppet.fill(1, 1, 4 * MiB);
	EXPECT_EQ(0U, puppet.request("set WEIR_LIVE_LIMIT 20M").find("ok "));
	puppet.fill(2, 3, 4 * MiB);
	EXPECT_EQ(0U, puppet.request("set WEIR_LIVE_LIMIT 5M").find("ok "));
	EXPECT_EQ((uint64_t)ENOMEM, puppet.ask_error("malloc 4 65536"));
	EXPECT_EQ(0U, puppet.request("set WEIR_LIVE_LIMIT none").find("ok "));
	puppet.fill(4, 4, 4 * MiB);
	EXPECT_TRUE(puppet.finish().succeeded());
}

TEST(LiveLimit, SaysThatItCannotBeginWhileTheProgramRuns)
{
	Served puppet;

	EXPECT_EQ("error: WEIR_LIVE_LIMIT can be changed only where it was set when the program "
		  "started: live blocks are not counted one by one here",
		  puppet.request("set WEIR_LIVE_LIMIT 5M"));
}

/* Pages that move from one block to another, or to a slot of their own, are nobody's to give
 * back. */
TEST(LiveLimit, IsAllToBeHadAgainOnceEverythingWasFreed)
{
	Puppet puppet(e2e::puppet().env("WEIR_LIVE_LIMIT", "512M"));
	std::minstd_rand random(1);
	const unsigned slots = 16;
	uint64_t given = 0;

	for (unsigned i = 0; i < 100; i++) {
		unsigned slot = random() % slots + 1;

		uint64_t bytes = (2 + random() % 28) * MiB;

		puppet.free(slot, slot);
		puppet.fill(slot, slot, bytes + random() % 200 * 4 * KiB);
	}
	puppet.free(1, slots);
	for (; given < 1000; given++) {
		puppet.say("take " + std::to_string(given + 1) + " 1048576");
		if (puppet.hear().rfind("ok ", 0) != 0)
			break;
	}
	EXPECT_EQ(512 * MiB / counted(MiB), given);
}

TEST(LiveLimit, RefusesNothingWithinItWhileAnotherThreadReleases)
{
	auto outcome = Launch({ victim("regrow"), "60" }).env("WEIR_LIVE_LIMIT", "80M").run();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("0 refused\n", outcome.out);
}

/* Twenty requests of 60 MiB at once in a container of 512 MiB. */
const char *const uploads = R"(
import threading
refused = []
served = threading.Barrier(20)
def serve():
    try:
        body = bytearray(60 << 20)
        for i in range(0, len(body), 4096):
            body[i] = 1
    except MemoryError:
        refused.append(1)
        body = None
    served.wait()
threads = [threading.Thread(target=serve) for _ in range(20)]
[t.start() for t in threads]
[t.join() for t in threads]
print(20 - len(refused), 'served', len(refused), 'refused')
)";

TEST(LiveLimit, TurnsTooManyUploadsIntoErrorsInsteadOfAKill)
{
	const std::string python = find_program({ "/usr/bin/python3", "python3" });

	NEED_FOUND(python, "python3");
	NEED_FOUND(MemoryCgroup::parent(), "a memory cgroup that can be made");
	MemoryCgroup container(512 * MiB);
	Outcome outcome = Launch({ python, "-c", uploads })
				  .in_cgroup(container)
				  .env("WEIR_LIVE_LIMIT", "80%")
				  .run();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("6 served 14 refused\n", outcome.out);
	EXPECT_EQ(0U, container.oom_kills());
	EXPECT_EQ(14U, outcome.report().number("refused_live"));
	EXPECT_LE(outcome.report().number("peak_live_bytes"), 512 * MiB / 5 * 4);
}

/* That it is the limit which saves it. */
TEST(LiveLimit, IsWhatKeepsTheContainerFromBeingKilled)
{
	const std::string python = find_program({ "/usr/bin/python3", "python3" });

	NEED_FOUND(python, "python3");
	NEED_FOUND(MemoryCgroup::parent(), "a memory cgroup that can be made");
	MemoryCgroup container(512 * MiB);
	Outcome outcome = Launch({ python, "-c", uploads }).in_cgroup(container).run();

	EXPECT_FALSE(outcome.succeeded());
	EXPECT_EQ(1U, container.oom_kills());
}

} // namespace
