/* A system that is short of something for real, or forbids it: a program that does all there is
 * to do with large blocks goes on with the right bytes, or gets ENOMEM, and the limits hold. */
#include "memory_cgroup.h"
#include "preloaded.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace e2e;

namespace
{

constexpr uint64_t limit_bytes = 24 * MiB;

using Words = std::vector<std::string>;

/* PREFIX... workload HARDSHIP... */
Launch workload(Words prefix, const Words &hardships = {})
{
	prefix.push_back(victim("workload"));
	prefix.insert(prefix.end(), hardships.begin(), hardships.end());
	return Launch(prefix).env("WEIR_LIMIT", std::to_string(limit_bytes));
}

/* The number of blocks that it was refused. */
unsigned expect_right(const Outcome &outcome)
{
	unsigned made = 0, refused = 0;

	EXPECT_EQ(2, sscanf(outcome.out.c_str(), "done %u %u", &made, &refused))
		<< outcome.describe();
	if (!outcome.succeeded() || outcome.reports.empty()) {
		ADD_FAILURE() << outcome.describe();
		return 0;
	}
	EXPECT_EQ("", outcome.err);
	EXPECT_GT(made + refused, 50U);
	EXPECT_EQ(0U, outcome.report().number("live_bytes"));
	EXPECT_EQ(0U, outcome.report().number("retained_bytes"));
	EXPECT_LE(outcome.report().number("peak_retained_bytes"), limit_bytes);
	return refused;
}

/* Nothing was taken from the next allocator for want of weir. */
void expect_pooled(const Outcome &outcome)
{
	EXPECT_EQ(0U, expect_right(outcome));
	EXPECT_EQ(0U, outcome.report().number("passed"));
	EXPECT_GT(outcome.report().number("hits"), 0U);
}

TEST(Hardship, OfAddresses)
{
	EXPECT_GT(expect_right(workload({}).address_limit(80 * MiB).run()), 0U);
	EXPECT_GT(expect_right(workload({}).address_limit(110 * MiB).run()), 0U);
	EXPECT_EQ(0U, expect_right(workload({}).address_limit(2 * GiB).run()));
}

/* What strict overcommit (vm.overcommit_memory=2) does to a machine, RLIMIT_DATA does to a
 * process: the kernel refuses to let memory be written that it cannot promise. */
TEST(Hardship, OfMemoryThatIsPromised)
{
	EXPECT_GT(expect_right(workload({ "prlimit", "--data=50000000" }).run()), 0U);
	EXPECT_GT(expect_right(workload({ "prlimit", "--data=100000000" }).run()), 0U);
	EXPECT_EQ(0U, expect_right(workload({ "prlimit", "--data=900000000" }).run()));
}

/* vm.overcommit_memory=2 for the whole machine, with room for 8 GiB more than is promised now;
 * back to what it was in any case. */
class StrictOvercommit
{
public:
	StrictOvercommit()
	{
		for (int signal : { SIGINT, SIGTERM, SIGHUP, SIGABRT, SIGSEGV })
			std::signal(signal, restore_and_end);
		std::snprintf(ratio_before, sizeof ratio_before, "%s", read_file(ratio).c_str());
		put(kbytes, std::to_string(promised_kib() + 8 * GiB / KiB).c_str());
		put(mode, "2");
	}
	~StrictOvercommit()
	{
		restore();
		for (int signal : { SIGINT, SIGTERM, SIGHUP, SIGABRT, SIGSEGV })
			std::signal(signal, SIG_DFL);
	}
	StrictOvercommit(const StrictOvercommit &) = delete;
	StrictOvercommit &operator=(const StrictOvercommit &) = delete;

	static bool is_in_force() { return read_file(mode) == "2\n"; }

	/* Only where nobody asked for strictness already. */
	static bool is_allowed() { return access(mode, W_OK) == 0 && read_file(mode) == "0\n"; }

private:
	static constexpr const char *mode = "/proc/sys/vm/overcommit_memory";
	static constexpr const char *ratio = "/proc/sys/vm/overcommit_ratio";
	static constexpr const char *kbytes = "/proc/sys/vm/overcommit_kbytes";
	static char ratio_before[32];

	static uint64_t promised_kib()
	{
		const std::string text = read_file("/proc/meminfo");

		return std::strtoull(text.c_str() + text.find("Committed_AS:") + 13, nullptr, 10);
	}
	static void put(const char *path, const char *text)
	{
		const int fd = open(path, O_WRONLY | O_CLOEXEC);

		if (fd < 0 || write(fd, text, strlen(text)) < 0)
			std::perror(path);
		close(fd);
	}
	/* Of the ratio and the kbytes the one counts that was written last; the other is 0 then. */
	static void restore()
	{
		put(mode, "0");
		put(ratio, ratio_before);
	}
	static void restore_and_end(int signal)
	{
		restore();
		std::signal(signal, SIG_DFL);
		raise(signal);
	}
};

char StrictOvercommit::ratio_before[32];

/* The reservation is no promise. Programs beside this one could be refused memory, so it runs
 * by hand alone (LIBWEIR_FAULTS=all); OfMemoryThatIsPromised has the refusals. */
TEST(Hardship, OfAMachineThatPromisesNothingItHasNot)
{
	const char *said = std::getenv("LIBWEIR_FAULTS");

	if (said && strcmp(said, "all") == 0 && StrictOvercommit::is_allowed()) {
		const StrictOvercommit strict;

		EXPECT_TRUE(StrictOvercommit::is_in_force());
		expect_pooled(workload({}).run());
	} else {
		expect_pooled(workload({ "prlimit", "--data=600000000" }).run());
	}
}

TEST(Hardship, OfMappingsBeforeTheFirstBlock)
{
	EXPECT_GT(expect_right(workload({}, { "map-all" }).run()), 0U);
}

TEST(Hardship, OfMappingsWhileBlocksAreRetained)
{
	const Outcome outcome = workload({}, { "map-late" }).run();

	expect_right(outcome);
	EXPECT_GT(outcome.report().number("remap_failures"), 0U);
}

TEST(Hardship, OfAFullContainer)
{
	NEED_FOUND(MemoryCgroup::parent(), "a memory cgroup that can be made");
	const MemoryCgroup container(48 * MiB);
	const Outcome outcome = workload({})
					.in_cgroup(container)
					.env("WEIR_LIVE_LIMIT", "50%")
					.env("WEIR_FOOTPRINT", "60%")
					.run();

	EXPECT_GT(expect_right(outcome), 0U);
	EXPECT_GT(outcome.report().number("refused_live"), 0U);
	EXPECT_EQ(0U, container.oom_kills());
}

/* Locked memory */

std::string right_to_lock()
{
	struct rlimit limit;

	getrlimit(RLIMIT_MEMLOCK, &limit);
	return geteuid() == 0 || limit.rlim_cur == RLIM_INFINITY ? "it is there" : "";
}

TEST(LockedMemory, OfAProgramThatLocksAllForEver)
{
	NEED_FOUND(right_to_lock(), "the right to lock memory");
	expect_right(workload({}, { "lock-all", "keep" }).run());
}

TEST(LockedMemory, OfBlocksIsReleasedAndZeroForTheNextCalloc)
{
	NEED_FOUND(right_to_lock(), "the right to lock memory");
	expect_pooled(workload({}, { "lock-blocks" }).run());
}

/* Before Linux 5.18 the kernel does not drop pages that are locked. */
TEST(LockedMemory, IsReplacedWhereTheKernelWillNotDropIt)
{
	NEED_FOUND(right_to_lock(), "the right to lock memory");
	Directory directory;
	const std::string counts = directory.file("counts");
	Words prefix = { victim("injected"), "madvise", "1", "0", "EINVAL", counts };

	expect_pooled(workload(prefix, { "lock-blocks" }).run());
	EXPECT_EQ(8U, read_file(counts).size());
}

TEST(HugePages, ThatAProgramDoesWithout)
{
	expect_pooled(workload({}, { "no-huge" }).env("WEIR_HUGEPAGES", "always").run());
}

/* Sandboxes */

Words confined(const std::string &refusal, const std::string &calls)
{
	return { victim("confined"), refusal, calls };
}

class Sandbox : public testing::TestWithParam<std::pair<const char *, const char *>>
{
};

TEST_P(Sandbox, ThatRefusesACallCostsSpeedOnly)
{
	expect_pooled(workload(confined(GetParam().first, GetParam().second)).run());
}

INSTANTIATE_TEST_SUITE_P(OfEachCall, Sandbox,
			 testing::Values(std::pair{ "EPERM", "madvise" },
					 std::pair{ "ENOSYS", "madvise" },
					 std::pair{ "EPERM", "mremap" },
					 std::pair{ "ENOSYS", "mremap" },
					 std::pair{ "EPERM", "mincore" },
					 std::pair{ "EPERM", "madvise,mremap,mincore" },
					 std::pair{ "kill", "membarrier" }));

/* Whoever makes no large request makes none of the calls that sandboxes are surprised by. */
TEST(Sandbox, ThatKillsLeavesAProgramOfSmallRequestsAlone)
{
	Words words = confined("kill", "madvise,mremap,mincore,membarrier,socket,clone3,unshare,"
				       "close_range,eventfd2,sched_yield,sysinfo");

	words.push_back(victim("puppet"));
	Puppet puppet(Launch(words)
			      .env("WEIR_SOCKET", "auto")
			      .env("WEIR_PRESSURE", "1")
			      .env("WEIR_REPORT", "off"));

	puppet.fill(1, 100, 10000);
	puppet.ask("realloc 1 50000");
	puppet.ask("check");
	puppet.free(1, 100);
	EXPECT_TRUE(puppet.finish().succeeded()) << puppet.finish().describe();
}

/* docs/reference/system-calls.md says so, and what to do. */
TEST(Sandbox, ThatKillsEndsAProgramAtItsFirstLargeRequest)
{
	Words words = confined("kill", "madvise,mremap,mincore");

	words.push_back(victim("workload"));
	EXPECT_EQ(SIGSYS, Launch(words).run().end.signal);
	words.back() = victim("puppet");
	Puppet puppet(Launch(words).env("WEIR_DISABLE", "1"));

	puppet.fill(1, 4, 5 * MiB);
	puppet.ask("check");
	puppet.free(1, 4);
	EXPECT_TRUE(puppet.finish().succeeded()) << puppet.finish().describe();
}

} // namespace
