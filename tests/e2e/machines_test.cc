/* The library as built for other machines and by other compilers: the programs of tests/victims,
 * as built for them, run here with it.
 *
 * qemu-user is no other machine's memory: loads and stores are as strongly ordered as this one's,
 * pages are this kernel's. It ends at SIGABRT with a line of its own, and it keeps a word for each
 * page that a program has mapped, reserved ones too: of a terabyte, six gigabytes and some
 * seconds. So it gets 32 GiB of addresses, and weir takes what half of that has room for. */
#include "machine.h"
#include "misuse.h"

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

	for (const char *victim : { "churn", "family", "puppet" })
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

TEST_P(OnMachine, AnswersTheWholeFamily)
{
	auto list = machine().launch("family", { "list" }).plain().run();
	std::istringstream checks(list.out);
	unsigned count = 0;

	for (std::string check; checks >> check; count++) {
		auto outcome = machine().launch("family", { check }).run();

		EXPECT_TRUE(outcome.succeeded()) << check << ": " << outcome.describe();
		EXPECT_EQ(1U, outcome.reports.size()) << check;
	}
	EXPECT_GT(count, 30U) << list.describe();
}

TEST_P(OnMachine, StopsAtMisuse)
{
	for (const Fault &fault : faults)
		expect_stopped(fault, machine().launch(fault.victim), machine().abort_says);
}

INSTANTIATE_TEST_SUITE_P(Each, OnMachine, testing::Range<size_t>(0, machines.size()),
			 [](const auto &each) { return machines[each.param].name; });

} // namespace
