/* The library as built for other machines and by other compilers: the programs of tests/victims,
 * as built for them, run here with it.
 *
 * qemu-user is no other machine's memory: loads and stores are as strongly ordered as this one's,
 * pages are this kernel's. It ends at SIGABRT with a line of its own, and it keeps a word for each
 * page that a program has mapped, reserved ones too: of a terabyte, six gigabytes and some
 * seconds. So it gets 32 GiB of addresses, and weir takes what half of that has room for. */
#include "machine.h"
#include "misuse.h"

#include <cstdlib>
#include <set>
#include <sstream>

using namespace e2e;

namespace
{

const std::vector<Machine> machines = {
	{ "aarch64",
	  "aarch64-linux-gnu-gcc",
	  { "qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu", "-R", "0x800000000" },
	  "qemu: uncaught target signal 6 (Aborted) - core dumped\n" },
	{ "clang", "clang", {}, "" },
};

std::vector<std::string> targets()
{
	std::vector<std::string> targets = { "libweir.la", "weir" };

	for (const char *victim : { "churn", "family", "puppet", "regrow" })
		targets.push_back(std::string("tests/victims/") + victim);
	for (const Fault &fault : faults)
		targets.push_back(std::string("tests/victims/") + fault.victim);
	return targets;
}

/* By the number of a machine. */
class OnMachine : public testing::TestWithParam<size_t>
{
protected:
	void SetUp() override
	{
		NEED_FOUND(missing(machine()).empty() ? machine().name : "", missing(machine()));
		build(machine(), targets());
	}
	static const Machine &machine() { return machines[GetParam()]; }
};

/* Long under an emulator, and the same on all machines: LIBWEIR_WHOLE_FAMILY=1 runs them, too. */
bool is_left_out(const Machine &machine, const std::string &check)
{
	static const std::set<std::string> left_out = {
		"all_of_the_usable_size_is_the_programs",
		"blocks_do_not_overlap",
		"every_alignment_up_to_four_gib_is_given",
		"malloc_gives_writable_memory",
		"realloc_of_null_allocates",
		"realloc_takes_blocks_of_every_function",
		"valloc_and_pvalloc_give_whole_pages",
	};

	return !machine.runner.empty() && std::getenv("LIBWEIR_WHOLE_FAMILY") == nullptr &&
	       left_out.count(check) > 0;
}

TEST_P(OnMachine, AnswersTheWholeFamily)
{
	auto list = machine().launch("family", { "list" }).plain().run();
	std::istringstream checks(list.out);
	std::string check;
	unsigned count = 0;

	while (checks >> check) {
		if (is_left_out(machine(), check))
			continue;
		auto outcome = machine().launch("family", { check }).run();

		EXPECT_TRUE(outcome.succeeded()) << check << ": " << outcome.describe();
		EXPECT_EQ(1U, outcome.reports.size()) << check;
		count++;
	}
	EXPECT_GT(count, 25U) << list.describe();
}

TEST_P(OnMachine, KeepsEveryByteAndTheLimitUnderChurn)
{
	auto outcome = machine()
			       .launch("churn", { "3", "60", "1", "2" })
			       .env("WEIR_LIMIT", "5M")
			       .env("WEIR_DECAY", "5ms")
			       .run();

	ASSERT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ(3U, outcome.reports.size());
	EXPECT_LE(outcome.report().number("peak_retained_bytes"), 5 * MiB);
	EXPECT_EQ(0U, outcome.report().number("live_bytes"));
	EXPECT_GT(outcome.report().number("hits"), 0U);
}

TEST_P(OnMachine, GrowsAndFreesWhileAnotherThreadReleases)
{
	auto outcome = machine().launch("regrow", { "2" }).env("WEIR_LIVE_LIMIT", "64M").run();

	ASSERT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("0 refused\n", outcome.out);
}

/* From what there is then: at the first large request an emulator's own memory grows, too. */
TEST_P(OnMachine, GivesBackWhatIsRetainedOnTheSignal)
{
	Puppet puppet(machine().launch("puppet"));

	puppet.fill(1, 10, 4 * MiB);
	puppet.free(2, 10);
	uint64_t before = puppet.memory().anonymous_bytes;

	puppet.release();
	EXPECT_LE(puppet.memory().anonymous_bytes + 35 * MiB, before);
	EXPECT_EQ(4 * MiB, puppet.ask("check"));
	const Report &report = puppet.finish().report();

	EXPECT_EQ(0U, report.number("retained_bytes"));
	EXPECT_EQ(9 * counted(4 * MiB), report.number("released/signal/bytes"));
	EXPECT_EQ("weir", report.text("signal"));
}

TEST_P(OnMachine, TheCommandKnowsTheSettings)
{
	std::vector<std::string> argv = machine().runner;

	argv.insert(argv.end(), { machine().file("weir"), "config" });
	auto outcome = Launch(argv).plain().env("WEIR_LIMIT", "77M").run();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_NE(std::string::npos, outcome.out.find("77M")) << outcome.describe();
}

TEST_P(OnMachine, StopsAtMisuse)
{
	for (const Fault &fault : faults)
		expect_stopped(fault, machine().launch(fault.victim), machine().abort_says);
}

/* As by qemu-user before 7.1: what a release says it dropped is still there. */
TEST(OnAarch64, CallocIsZeroWhereReleasesAreIgnored)
{
	Machine machine = machines[0];

	NEED_FOUND(missing(machine).empty() ? machine.name : "", missing(machine));
	build(machine, targets());
	machine.runner.insert(machine.runner.begin(),
			      { victim("old_kernel"), "MADV_DONTNEED, which is ignored" });
	for (const char *check : { "calloc_is_zero_after_a_release",
				   "calloc_is_zero_after_realloc_changed_the_extent" }) {
		auto outcome = machine.launch("family", { check }).run();

		EXPECT_TRUE(outcome.succeeded()) << check << ": " << outcome.describe();
		EXPECT_EQ(1U, outcome.reports.size()) << check;
	}
}

TEST(OnClang, PassesUnitTestsOfTheCore)
{
	const Machine &machine = machines[1];

	NEED_FOUND(missing(machine).empty() ? machine.name : "", missing(machine));
	build(machine, { "tests/machines/units" });
	auto outcome = Launch({ machine.file("tests/machines/units") }).plain().run();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_NE(std::string::npos, outcome.out.find("[  PASSED  ]")) << outcome.describe();
}

INSTANTIATE_TEST_SUITE_P(Each, OnMachine, testing::Range<size_t>(0, machines.size()),
			 [](const auto &each) { return machines[each.param].name; });

} // namespace
