/* A service in 256 MiB, of which never half is live: under weir it finishes. Prints a row of a
 * table for each allocator:
 *
 *   make check TESTS=tests/e2e/small_container_test
 *   grep '^|' tests/e2e/small_container_test.log */
#include "memory_cgroup.h"
#include "preloaded.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>

using namespace e2e;

namespace
{

constexpr uint64_t container_bytes = 256 * MiB;
constexpr uint64_t live_bytes = 120 * MiB;
/* What the colours of blocks, weir's tables, stacks and the kernel take. */
constexpr uint64_t slack_bytes = 16 * MiB;

/* Eight workers load in turn, 50 ms apart. */
Launch bursts()
{
	const std::string batch = std::to_string(live_bytes / 2);

	return Launch({ victim("bursts"), "8", batch, batch, "50", "16" });
}

struct Ending {
	Outcome outcome;
	double seconds;
	uint64_t peak_bytes, times_full, kills;

	bool finished() const { return kills == 0 && outcome.succeeded(); }
	bool was_killed() const { return kills == 1 && outcome.end.signal == SIGKILL; }
};

Ending end_of(Launch launch)
{
	MemoryCgroup container(container_bytes);
	auto start = std::chrono::steady_clock::now();
	Outcome outcome = launch.in_cgroup(container).run();
	std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;

	return { outcome, took.count(), container.peak(), container.times_full(),
		 container.oom_kills() };
}

void print(const std::string &name, const Ending &ending)
{
	const char *end = ending.finished()	? "finished"
			  : ending.was_killed() ? "killed"
						: "failed";

	printf("| %-26s | %-8s | %7.2f | %8.0f | %10llu |\n", name.c_str(), end, ending.seconds,
	       (double)ending.peak_bytes / (double)MiB, (unsigned long long)ending.times_full);
	fflush(stdout);
}

class SmallContainer : public testing::Test
{
protected:
	static void SetUpTestSuite()
	{
		printf("| %-26s | %-8s | %7s | %8s | %10s |\n", "burst in 256 MiB", "ends",
		       "seconds", "peak MiB", "times full");
		printf("|---|---|---|---|---|\n");
	}

	void SetUp() override
	{
		NEED_FOUND(MemoryCgroup::parent(), "a memory cgroup that can be made");
	}
};

void expect_finishes(const std::string &name, const Launch &launch)
{
	const Ending ending = end_of(launch);

	print(name, ending);
	EXPECT_TRUE(ending.finished()) << ending.outcome.describe();
	EXPECT_NE(std::string::npos, ending.outcome.out.find(" wrong 0\n")) << ending.outcome.out;
	EXPECT_LE(ending.outcome.report().number("peak_live_bytes"), container_bytes / 2);
	EXPECT_LE(ending.peak_bytes, live_bytes + container_bytes / 8 + slack_bytes);
}

TEST_F(SmallContainer, HasRoomForABurstUnderWeir)
{
	expect_finishes("weir", bursts());
}

TEST_F(SmallContainer, HasRoomForABurstUnderWeirWithPressure)
{
	expect_finishes("weir, WEIR_PRESSURE=1", bursts().env("WEIR_PRESSURE", "1"));
}

/* What one thread took and another freed: jemalloc keeps it for ten seconds in the arena of the
 * first (on one processor there is only one arena), mimalloc until the first comes again. */
TEST_F(SmallContainer, IsTooSmallForOthersThatKeepMoreThanTheyNeed)
{
	for (const char *name : { "jemalloc", "mimalloc" }) {
		const std::string library = find_library("lib" + std::string(name) + ".so.2");

		NEED_FOUND(library, name);
		const Ending ending = end_of(bursts().plain().behind(library));

		print(name, ending);
		EXPECT_TRUE(ending.was_killed() || std::thread::hardware_concurrency() == 1)
			<< name << ": " << ending.outcome.describe();
	}
}

/* That it is what they keep: one that keeps nothing has room, as has any that keeps little. No
 * verdict on those. */
TEST_F(SmallContainer, ShowsWhatBecomesOfTheRest)
{
	const std::string jemalloc = find_library("libjemalloc.so.2");
	const std::string tcmalloc = find_library("libtcmalloc_minimal.so.4");

	print("glibc", end_of(bursts().plain()));
	if (!tcmalloc.empty())
		print("tcmalloc", end_of(bursts().plain().behind(tcmalloc)));
	if (!jemalloc.empty())
		print("jemalloc, dirty_decay_ms:0",
		      end_of(bursts().plain().behind(jemalloc).env(
			      "MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0")));
}

} // namespace
