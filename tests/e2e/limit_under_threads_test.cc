/* The limit holds at every moment while threads churn, and whenever they have
 * freed everything, nothing but the retained memory is left. */
#include "preloaded.h"

#include <atomic>
#include <thread>

using namespace e2e;

namespace
{

constexpr uint64_t threads = 8;
/* Of churn.c: what threads own and share, each block at most 2 MiB. */
constexpr uint64_t most_live = (threads * 4 + 16) * 2 * MiB;
/* Stacks and the C library's arenas of the threads, and weir's tables. */
constexpr uint64_t slack = 4 * MiB;

/* The most anonymous memory seen while it lives. */
class Sampler
{
public:
	explicit Sampler(const Running &running)
	    : thread_([this, pid = running.pid()] {
		      proc_memory memory;

		      /* There are no figures while the program is being executed. */
		      while (!done_) {
			      if (!proc_read_memory(pid, &memory))
				      continue;
			      samples_++;
			      if (memory.anonymous_bytes > most_)
				      most_ = memory.anonymous_bytes;
		      }
	      })
	{
	}
	~Sampler() { stop(); }
	void stop()
	{
		done_ = true;
		if (thread_.joinable())
			thread_.join();
	}
	uint64_t most() const { return most_; }
	uint64_t samples() const { return samples_; }

private:
	std::atomic<bool> done_{ false };
	std::atomic<uint64_t> most_{ 0 };
	std::atomic<uint64_t> samples_{ 0 };
	std::thread thread_;
};

void expect_limit_holds(Launch launch, uint64_t limit)
{
	Running churn(launch);
	Sampler sampler(churn);

	for (int round = 0; round < 5; round++) {
		ASSERT_EQ("running", churn.hear()) << churn.errors();
		ASSERT_EQ("empty", churn.hear()) << churn.errors();
		EXPECT_LE(churn.memory().anonymous_bytes, limit + slack);
		churn.say("next");
	}
	const Outcome &outcome = churn.finish();

	sampler.stop();
	ASSERT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_GT(sampler.samples(), 10U);
	EXPECT_GT(sampler.most(), limit);
	EXPECT_LE(sampler.most(), most_live + limit + slack);
	EXPECT_LE(outcome.report().number("peak_retained_bytes"), limit);
	EXPECT_EQ(0U, outcome.report().number("live_bytes"));
}

Launch churn(const std::string &limit)
{
	return Launch({ victim("churn"), "8", "100", "5", "0" }).env("WEIR_LIMIT", limit);
}

TEST(LimitUnderThreads, Holds)
{
	expect_limit_holds(churn("24M"), 24 * MiB);
}

TEST(LimitUnderThreads, HoldsWhenItIsTight)
{
	expect_limit_holds(churn("1M"), MiB);
}

TEST(LimitUnderThreads, HoldsWithHugePages)
{
	expect_limit_holds(churn("24M").env("WEIR_HUGEPAGES", "always"), 24 * MiB);
}

TEST(LimitUnderThreads, HoldsWhenBlocksAreHardened)
{
	expect_limit_holds(churn("24M").env("WEIR_HARDEN", "1"), 24 * MiB);
}

TEST(LimitUnderThreads, HoldsForBlocksOfAClass)
{
	Running running(churn("64M").env("WEIR_CLASS_BLOCKS", "2"));

	for (int round = 0; round < 5; round++) {
		ASSERT_EQ("running", running.hear()) << running.errors();
		ASSERT_EQ("empty", running.hear()) << running.errors();
		running.say("next");
	}
	const Report &report = running.finish().report();

	EXPECT_GT(report.class_count(), 10U);
	for (size_t i = 0; i < report.class_count(); i++)
		EXPECT_LE(report.number("classes/" + std::to_string(i) + "/retained_blocks"), 2U);
}

} // namespace
