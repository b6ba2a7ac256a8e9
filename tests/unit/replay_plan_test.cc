#include "preloaded.h"
#include "trace_writer.h"

#include <vector>

extern "C" {
#include "replay_plan.h"
}

namespace
{

constexpr uint64_t mib = WEIR_MIB;

/* A step, without its thread's list. */
struct Step {
	unsigned call;
	uint64_t block, turn, bytes;

	bool operator==(const Step &other) const
	{
		return call == other.call && block == other.block && turn == other.turn &&
		       bytes == other.bytes;
	}
};

std::ostream &operator<<(std::ostream &to, const Step &step)
{
	return to << "call " << step.call << " of block " << step.block << ", turn " << step.turn
		  << ", " << step.bytes << " bytes";
}

struct Plan {
	explicit Plan(const TraceWriter &writer, int32_t pid = 0)
	{
		char reason[TRACE_PROBLEM_BYTES] = "";

		EXPECT_TRUE(writer.write(directory.file("trace")));
		trace *read = trace_open(directory.file("trace").c_str(), reason);

		made = read != nullptr && replay_plan_make(&plan, read, pid, reason);
		problem = reason;
		trace_close(read);
	}
	~Plan()
	{
		if (made)
			replay_plan_free(&plan);
	}

	std::vector<Step> steps() const
	{
		std::vector<Step> steps;

		for (uint32_t i = 0; i < plan.step_count; i++)
			steps.push_back({ plan.steps[i].call, plan.steps[i].block,
					  plan.steps[i].turn, plan.steps[i].bytes });
		return steps;
	}

	/* Of one thread, by their numbers. */
	std::vector<uint32_t> of_thread(uint32_t thread) const
	{
		std::vector<uint32_t> steps;

		for (uint32_t i = plan.first_steps[thread]; i != REPLAY_NONE;
		     i = plan.steps[i].next)
			steps.push_back(i);
		return steps;
	}

	e2e::Directory directory;
	replay_plan plan = {};
	bool made = false;
	std::string problem;
};

using Steps = std::vector<Step>;
using Numbers = std::vector<uint32_t>;

TEST(ReplayPlan, GivesEachBlockItsCallsInTheirOrder)
{
	TraceWriter writer;

	writer.process(1)
		.unit(0, 71)
		.malloc(10, 0x10000, mib, 12)
		.calloc(20, 0x20000, 2 * mib)
		.realloc(30, 0x10000, 0x30000, 3 * mib)
		.free(40, 0x30000)
		.free(50, 0x20000);
	Plan plan(writer);

	ASSERT_TRUE(plan.made) << plan.problem;
	EXPECT_EQ((Steps{ { WEIR_TRACE_MALLOC, 0, 0, mib },
			  { WEIR_TRACE_CALLOC, 1, 0, 2 * mib },
			  { WEIR_TRACE_REALLOC, 0, 1, 3 * mib },
			  { WEIR_TRACE_FREE, 0, 2, 0 },
			  { WEIR_TRACE_FREE, 1, 1, 0 } }),
		  plan.steps());
	EXPECT_EQ(12, plan.plan.steps[0].align_log2);
	EXPECT_EQ(10U, plan.plan.steps[0].ns);
	EXPECT_EQ(2U, plan.plan.block_count);
	EXPECT_EQ(0U, plan.plan.left_out);
}

TEST(ReplayPlan, LetsTheNextBlockHaveAPlaceWithItsTurns)
{
	TraceWriter writer;

	writer.process(1).unit(0, 71);
	for (uint64_t i = 0; i < 3; i++)
		writer.malloc(10 * i, 0x10000, mib).free(10 * i + 5, 0x10000);
	Plan plan(writer);

	ASSERT_EQ(6U, plan.plan.step_count);
	EXPECT_EQ(1U, plan.plan.block_count);
	for (uint32_t i = 0; i < 6; i++)
		EXPECT_EQ(i, plan.plan.steps[i].turn);
}

TEST(ReplayPlan, KnowsWhatWasTouchedOnceABlockIsFreed)
{
	TraceWriter writer;

	writer.process(1)
		.unit(0, 71)
		.malloc(10, 0x10000, mib)
		.malloc(20, 0x20000, mib)
		.free_touched(30, 0x10000, 4096)
		.free(40, 0x20000);
	Plan plan(writer);

	ASSERT_EQ(4U, plan.plan.step_count);
	EXPECT_EQ(4096U, plan.plan.steps[0].touched);
	EXPECT_EQ(UINT64_MAX, plan.plan.steps[1].touched);
	EXPECT_EQ((unsigned)WEIR_TRACE_FREE, plan.plan.steps[2].call);
}

TEST(ReplayPlan, FollowsABlockThroughAReallocWhilstItsOldPlaceIsAnothers)
{
	TraceWriter writer;

	writer.process(1)
		.unit(0, 71)
		.malloc(10, 0x10000, mib)
		.begin_realloc(20, 0x10000)
		.end_realloc(40, 0x50000, 4 * mib)
		.free(60, 0x50000)
		.unit(30, 72)
		.malloc(30, 0x10000, 2 * mib)
		.free(50, 0x10000);
	Plan plan(writer);

	EXPECT_EQ((Steps{ { WEIR_TRACE_MALLOC, 0, 0, mib },
			  { WEIR_TRACE_MALLOC, 1, 0, 2 * mib },
			  { WEIR_TRACE_REALLOC, 0, 1, 4 * mib },
			  { WEIR_TRACE_FREE, 1, 1, 0 },
			  { WEIR_TRACE_FREE, 0, 2, 0 } }),
		  plan.steps());
	EXPECT_EQ((Numbers{ 0, 2, 4 }), plan.of_thread(0));
	EXPECT_EQ((Numbers{ 1, 3 }), plan.of_thread(1));
}

TEST(ReplayPlan, EndsAReallocThatWentElsewhereOrFailed)
{
	TraceWriter writer;

	writer.process(1)
		.unit(0, 71)
		.malloc(10, 0x10000, mib)
		.begin_realloc(20, 0x10000)
		.refused(30, 1 << 30)
		.begin_realloc(40, 0x10000)
		.passed(50, 1000)
		.free(60, 0x10000);
	Plan plan(writer);

	EXPECT_EQ((Steps{ { WEIR_TRACE_MALLOC, 0, 0, mib }, { WEIR_TRACE_FREE, 0, 1, 1000 } }),
		  plan.steps());
	EXPECT_EQ(3U, plan.plan.left_out); /* and the free of what is not there any more */
}

TEST(ReplayPlan, TakesAReallocOfABackendsBlockForAnAllocation)
{
	TraceWriter writer;

	writer.process(1).unit(0, 71).end_realloc(10, 0x10000, mib).free(20, 0x10000);
	Plan plan(writer);

	EXPECT_EQ((Steps{ { WEIR_TRACE_REALLOC, 0, 0, mib }, { WEIR_TRACE_FREE, 0, 1, 0 } }),
		  plan.steps());
}

TEST(ReplayPlan, TakesOneProcess)
{
	TraceWriter writer;

	writer.process(1).unit(0, 71).malloc(10, 0x10000, mib);
	writer.process(2).unit(0, 81).malloc(5, 0x10000, 2 * mib).free(15, 0x10000);
	Plan most(writer), first(writer, 1), none(writer, 3);

	EXPECT_EQ(1U, most.plan.process);
	EXPECT_EQ(2U, most.plan.step_count);
	EXPECT_EQ(0U, first.plan.process);
	EXPECT_EQ(1U, first.plan.step_count);
	EXPECT_FALSE(none.made);
	EXPECT_EQ("it has no process 3", none.problem);
}

TEST(ReplayPlan, HasAsManyThreadsAsThereWereAtOnce)
{
	TraceWriter writer;

	writer.process(1).unit(0, 70).malloc(0, 0x10000, mib).free(100000, 0x10000);
	for (int i = 0; i < 50; i++)
		writer.unit(1 + (uint64_t)i * 10, 71 + i)
			.malloc(2 + (uint64_t)i * 10, 0x20000, mib)
			.free(8 + (uint64_t)i * 10, 0x20000);
	Plan plan(writer);

	EXPECT_EQ(102U, plan.plan.step_count);
	EXPECT_EQ(2U, plan.plan.thread_count);
	EXPECT_EQ(100U, plan.of_thread(1).size());
}

/* No thread may run far ahead: what is asked for within one epoch is bounded. */
TEST(ReplayPlan, EndsAnEpochBySizeAndByCalls)
{
	TraceWriter large, many;

	large.process(1).unit(0, 71);
	for (uint64_t i = 0; i < 8; i++)
		large.malloc(i, (i + 1) << 20, 16 * mib);
	many.process(1).unit(0, 71);
	for (uint64_t i = 0; i < 600; i++)
		many.malloc(2 * i, 0x10000, 65536).free(2 * i + 1, 0x10000);
	Plan by_size(large), by_calls(many);

	EXPECT_EQ(4U, by_size.plan.epoch_count);
	EXPECT_EQ(5U, by_calls.plan.epoch_count);
	EXPECT_EQ(256U, by_calls.plan.epochs[0].steps);
	EXPECT_EQ(1200U - 4 * 256U, by_calls.plan.epochs[4].steps);
	EXPECT_EQ(4U, by_calls.plan.steps[1199].epoch);
	for (uint32_t i = 0; i < 5; i++) {
		ASSERT_EQ(1U, by_calls.plan.epochs[i].entry_count);
		EXPECT_EQ(0U, by_calls.plan.entries[by_calls.plan.epochs[i].first_entry]);
	}
}

TEST(ReplayPlan, IsEmptyForAProcessThatAskedForNothing)
{
	TraceWriter writer;

	writer.process(1);
	Plan plan(writer);

	EXPECT_TRUE(plan.made) << plan.problem;
	EXPECT_EQ(0U, plan.plan.step_count);
}

TEST(ReplayPlan, SaysWhatIsWrongWithATrace)
{
	TraceWriter writer;

	writer.process(1).unit(0, 71).words({ 15, 0, 0 });
	Plan plan(writer);

	EXPECT_FALSE(plan.made);
	EXPECT_NE(std::string::npos, plan.problem.find("byte"));
}

} // namespace
