/* Bursts in a container of 256 MiB, whose other half is wanted again and again by a neighbour,
 * for minutes: nothing is killed, no byte is lost, and what weir says of itself ten times a
 * second keeps within what it promises. A minute, or as many as LIBWEIR_SOAK_MINUTES says:
 *
 *   LIBWEIR_SOAK_MINUTES=20 make check TESTS=tests/e2e/soak_test
 *   grep '^|' tests/e2e/soak_test.log */
#include "command.h"
#include "soak.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

using namespace e2e;
using Clock = std::chrono::steady_clock;

namespace
{

constexpr uint64_t container_bytes = 256 * MiB;
constexpr uint64_t limit_bytes = container_bytes * 40 / 100;
constexpr uint64_t first_batch = 128 * MiB, each_batch = 32 * MiB;
constexpr std::chrono::milliseconds sample_period(100);

/* It begins with a burst so large that it may retain two fifths of the container beside what
 * is live, and does: with the neighbour's 60 % that is more than there is. */
Launch bursts(const MemoryCgroup &container)
{
	auto most = std::chrono::duration_cast<std::chrono::seconds>(soak_time());

	return Launch({ victim("bursts"), "4", std::to_string(first_batch),
			std::to_string(each_batch), "200", "0" })
		.in_cgroup(container)
		.env("WEIR_LIMIT", "40%")
		.env("WEIR_PRESSURE", "1")
		.seconds((unsigned)most.count() + 60);
}

/* The longest rest is what a pool needs to grow again. */
const std::vector<Demand> demands = {
	{ container_bytes / 100 * 60, "2000", 1000, 3000 },
	{ container_bytes / 100 * 40, "1000", 500, 1000 },
	{ container_bytes / 100 * 50, "1000", 2000, 2000 },
	{ container_bytes / 100 * 60, "2000", 500, 15000 },
};

/* What was seen from outside. */
struct Seen {
	unsigned samples = 0, late = 0;
	uint64_t most_retained = 0, least_ceiling = UINT64_MAX;
};

/* A ceiling is in force before what lies above it has gone. */
bool is_below_ceiling(const Report &report)
{
	return report.number("retained_bytes") <= report.number("ceiling_bytes");
}

void sample(pid_t pid, Seen *seen)
{
	const Report report = status_of(pid);
	const uint64_t retained = report.number("retained_bytes");
	const bool late = !is_below_ceiling(report);

	EXPECT_EQ(limit_bytes, report.number("limit_bytes"));
	EXPECT_LE(report.number("ceiling_bytes"), report.number("limit_bytes"));
	EXPECT_LE(retained, report.number("limit_bytes"));
	EXPECT_TRUE(!late || eventually([&] { return is_below_ceiling(status_of(pid)); }));
	seen->samples++;
	seen->late += late;
	seen->most_retained = std::max(seen->most_retained, retained);
	seen->least_ceiling = std::min(seen->least_ceiling, report.number("ceiling_bytes"));
}

Seen watch(const MemoryCgroup &container, pid_t pid, const Neighbours &neighbours)
{
	const auto end = Clock::now() + soak_time();
	auto next = Clock::now();
	Seen seen;

	while (Clock::now() < end && !neighbours.lost() && !testing::Test::HasFailure()) {
		sample(pid, &seen);
		EXPECT_EQ(0U, container.oom_kills());
		next = std::max(next + sample_period, Clock::now());
		std::this_thread::sleep_until(next);
	}
	return seen;
}

double percent_of_limit(uint64_t bytes)
{
	return 100.0 * (double)bytes / (double)limit_bytes;
}

void print(const Seen &seen, unsigned neighbours, const Outcome &outcome)
{
	const size_t last = outcome.out.find("sent ");

	puts("| minutes | samples | neighbours | images | most retained, % of limit |"
	     " least ceiling | samples above it | released MiB: pressure, limit, decay |\n"
	     "|---|---|---|---|---|---|---|---|");
	printf("| %.1f | %u | %u | %s | %.1f | %.1f | %u |", (double)soak_time().count() / 60000,
	       seen.samples, neighbours,
	       outcome.out.substr(last, outcome.out.size() - last - 1).c_str(),
	       percent_of_limit(seen.most_retained), percent_of_limit(seen.least_ceiling),
	       seen.late);
	for (const char *trigger : { "pressure", "limit", "decay" })
		printf(" %llu", (unsigned long long)outcome.report().number(
					"released/" + std::string(trigger) + "/bytes") /
					MiB);
	puts(" |");
}

TEST(Soak, LosesNoByteAndNoProcessBesideANeighbour)
{
	NEED_FOUND(MemoryCgroup::parent(), "a memory cgroup that can be made");
	MemoryCgroup container(container_bytes);
	Running service(bursts(container));

	ASSERT_EQ("started", service.hear()) << service.errors();
	Neighbours neighbours(container, demands);
	const Seen seen = watch(container, service.pid(), neighbours);

	neighbours.stop();
	const Outcome &outcome = service.finish();

	EXPECT_FALSE(neighbours.lost()) << "neighbour " << neighbours.served();
	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ(0U, container.oom_kills());
	ASSERT_NE(std::string::npos, outcome.out.find("sent ")) << outcome.describe();
	print(seen, neighbours.served(), outcome);
	/* There was something to hold, and something to give. */
	EXPECT_GT(seen.most_retained, limit_bytes / 2);
	EXPECT_GT(outcome.report().number("released/pressure/bytes"), 0U);
}

} // namespace
