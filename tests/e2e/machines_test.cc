/* The library as built for other machines and by other compilers: the programs of tests/victims,
 * as built for them, run here with it.
 *
 * qemu-user is no other machine's memory: loads and stores are as strongly ordered as this one's,
 * pages are this kernel's. It ends at SIGABRT with a line of its own, and it keeps a word for each
 * page that a program has mapped, reserved ones too: of a terabyte, six gigabytes and some
 * seconds. So it gets 32 GiB of addresses, and weir takes what half of that has room for. */
#include "command.h"
#include "machine.h"
#include "misuse.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
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
	{ "i686", "i686-linux-gnu-gcc", {}, "" },
	{ "musl", "musl-gcc", {}, "" },
};

std::vector<std::string> targets()
{
	std::vector<std::string> targets = { "libweir.la", "weir" };

	for (const char *victim : { "churn", "family", "fork_storm", "puppet", "regrow" })
		targets.push_back(std::string("tests/victims/") + victim);
	for (const std::vector<Fault> *list : { &faults, &faults_if_hardened })
		for (const Fault &fault : *list)
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

void expect_unit_tests_to_pass(const Machine &machine)
{
	build(machine, { "tests/machines/units" });
	auto outcome = Launch({ machine.file("tests/machines/units") }).plain().run();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_NE(std::string::npos, outcome.out.find("[  PASSED  ]")) << outcome.describe();
}

TEST(OnClang, PassesUnitTestsOfTheCore)
{
	const Machine &machine = machines[1];

	NEED_FOUND(missing(machine).empty() ? machine.name : "", missing(machine));
	expect_unit_tests_to_pass(machine);
}

TEST_P(OnMachine, LibraryNeedsNoNewGlibc)
{
	const std::string sources = std::getenv("LIBWEIR_SRCDIR");
	auto outcome =
		Launch({ sources + "/tests/checks/glibc.sh", machine().file(".libs/libweir.so.0") })
			.plain()
			.env("LIBWEIR_SRCDIR", sources)
			.env("LIBWEIR_BUILDDIR", std::getenv("LIBWEIR_BUILDDIR"))
			.env("LIBWEIR_PATH", std::getenv("LIBWEIR_PATH"))
			.run();

	EXPECT_EQ(0, outcome.end.exit_status) << outcome.describe();
	EXPECT_EQ(0U, outcome.out.find("ok: libweir.so.0 needs nothing newer of glibc"));
}

INSTANTIATE_TEST_SUITE_P(Each, OnMachine, testing::Range<size_t>(0, machines.size()),
			 [](const auto &each) { return machines[each.param].name; });

/* What runs without an emulator: addresses of 32 bits, and another C library. */
class OnThisProcessor : public OnMachine
{
};

/* Few threads: they never pause, and beside them a child, of 0.2 s of work, has only its share of
 * the processors. With four threads and four children a busy machine took from 3 to over 15 s,
 * with glibc as with musl, without weir as with it; after 12 s of one such run all threads and
 * the first child were running, and none waited for a lock. */
TEST_P(OnThisProcessor, ReleasesInTheMiddleOfChurnAndChildrenChurn)
{
	Running churn(machine().launch("churn", { "2", "0", "1", "2" }));

	ASSERT_EQ("running", churn.hear()) << churn.errors();
	for (uint64_t releases = 0; releases < 5 && !HasFailure();
	     releases = status_of(churn.pid()).number("released/signal/releases"))
		churn.signal(SIGUSR1);
	churn.say("stop");
	ASSERT_EQ("empty", churn.hear()) << churn.finish().describe();
	churn.signal(SIGUSR1);
	churn.say("next");
	const Outcome &outcome = churn.finish();

	ASSERT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ(3U, outcome.reports.size());
	EXPECT_EQ(0U, outcome.report().number("live_bytes"));
	EXPECT_EQ(0U, outcome.report().number("retained_bytes"));
	EXPECT_GT(outcome.report().number("released/signal/releases"), 5U);
}

TEST_P(OnThisProcessor, ReleasesAllThatIsRetainedAndKeepsLimits)
{
	Puppet puppet(
		machine().launch("puppet").env("WEIR_LIMIT", "24M").env("WEIR_LIVE_LIMIT", "64M"));

	puppet.fill(0, 19, 3 * MiB);
	EXPECT_EQ(uint64_t(ENOMEM), puppet.ask_error("malloc 20 " + std::to_string(5 * MiB)));
	puppet.free(0, 14);
	puppet.ask("realloc 15 " + std::to_string(9 * MiB));
	EXPECT_EQ(21 * MiB, puppet.ask("check"));
	puppet.release();
	EXPECT_LE(puppet.grown(), 22 * MiB);
	EXPECT_EQ(21 * MiB, puppet.ask("check"));

	const Report &report = puppet.finish().report();

	EXPECT_GT(report.number("peak_retained_bytes"), 20 * MiB);
	EXPECT_LE(report.number("peak_retained_bytes"), 24 * MiB);
	EXPECT_EQ(0U, report.number("retained_bytes"));
}

TEST_P(OnThisProcessor, ForksInAStorm)
{
	auto outcome = machine().launch("fork_storm", { "40" }).run();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
}

TEST_P(OnThisProcessor, HardenedStopsAtMisuse)
{
	for (const Fault &fault : faults_if_hardened)
		expect_stopped(fault, machine().launch(fault.victim).env("WEIR_HARDEN", "1"));
}

TEST_P(OnThisProcessor, LibraryNeedsNothingButTheCLibrary)
{
	auto outcome = Launch({ "readelf", "-dW", machine().file(".libs/libweir.so.0") }).plain();
	std::istringstream lines(outcome.run().out);

	for (std::string line; std::getline(lines, line);)
		EXPECT_TRUE(line.find("(NEEDED)") == std::string::npos ||
			    line.find("[libc.so") != std::string::npos)
			<< line;
}

INSTANTIATE_TEST_SUITE_P(Each, OnThisProcessor, testing::Values(2, 3),
			 [](const auto &each) { return machines[each.param].name; });

/* Some cases of one machine alone. */

class OnI686 : public OnMachine
{
};

TEST_P(OnI686, PassesUnitTestsOfTheCore)
{
	expect_unit_tests_to_pass(machine());
}

/* Of 8 MiB there are 8 slots, of 16 and 32 MiB 4 and 2. */
TEST_P(OnI686, SendsWhatFindsNoSlotToTheBackend)
{
	Puppet puppet(machine().launch("puppet"));

	puppet.fill(0, 39, 5 * MiB);
	EXPECT_EQ(200 * MiB, puppet.ask("check"));
	puppet.free(0, 39);
	puppet.fill(0, 39, 5 * MiB);
	puppet.ask("realloc 39 " + std::to_string(40 * MiB));
	EXPECT_EQ(235 * MiB, puppet.ask("check"));
	puppet.free(0, 39);

	const Report &report = puppet.finish().report();

	EXPECT_EQ(2U * (40 - 14), report.number("passed"));
	EXPECT_EQ(14U * 5 * MiB, report.number("peak_live_bytes") / MiB * MiB);
	EXPECT_EQ(0U, report.number("live_bytes"));
}

/* As ulimit -v of a 64-bit shell sets it; of 8 GiB the lower half of the number is zero. */
TEST_P(OnI686, LimitOfAddressesBeyondItsOwnIsNone)
{
	Puppet puppet(machine().launch("puppet").address_limit(8192 * MiB));

	puppet.fill(0, 3, 5 * MiB);
	puppet.free(0, 3);
	const Report &report = puppet.finish().report();

	EXPECT_EQ(0U, report.number("passed"));
	EXPECT_GT(report.number("retained_bytes"), 20 * MiB);
}

/* With 32 bits for a size or for a file's number, stat refuses it. */
TEST_P(OnI686, CommandFindsProgramsOfAnySize)
{
	Directory directory;
	std::string program = directory.file("program");

	std::filesystem::copy_file(machine().file("tests/victims/family"), program);
	std::filesystem::resize_file(program, 5000 * MiB); /* without blocks of the disk */
	auto doctor = Launch({ machine().file("weir"), "doctor", "--", program }).plain().run();

	EXPECT_NE(std::string::npos, doctor.out.find(program + " takes preloaded libraries"))
		<< doctor.describe();
}

TEST_P(OnI686, IsReadByACommandOfTheOtherWidth)
{
	Puppet puppet(machine().launch("puppet"));

	puppet.fill(0, 3, 5 * MiB);
	puppet.free(0, 0);
	Report report = status_of(puppet.pid());

	EXPECT_EQ(3U, report.number("live_blocks"));
	EXPECT_GT(report.number("live_bytes"), 15 * MiB);
	EXPECT_EQ(1U, report.number("retained_blocks"));
	EXPECT_EQ("puppet", listed(puppet.pid())["program"]);
	command_output({ "release", std::to_string(puppet.pid()) });
	EXPECT_EQ(0U, status_of(puppet.pid()).number("retained_bytes"));
}

/* As installed for both: the dynamic linker passes over the other one's. */
TEST_P(OnI686, NameWithoutPathFindsTheLibraryOfEachWidth)
{
	std::string command = command_path();
	std::string both =
		command.substr(0, command.rfind('/')) + "/.libs:" + machine().file(".libs");

	for (const std::string &program :
	     { victim("family"), machine().file("tests/victims/family") }) {
		auto outcome = Launch({ program, "calloc_multiplies" })
				       .library("libweir.so.0")
				       .env("LD_LIBRARY_PATH", both)
				       .run();

		EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
		EXPECT_EQ("", outcome.err);
		EXPECT_EQ(1U, outcome.reports.size());
	}
}

TEST_P(OnI686, LibraryOfTheOtherWidthIsIgnoredAndTheCommandsSaySo)
{
	std::string program = machine().file("tests/victims/family");
	auto run = run_command({ "run", "--", program, "list" });
	auto doctor = run_command({ "doctor", "--", program });

	EXPECT_EQ(0, run.end.exit_status) << run.describe();
	EXPECT_NE(std::string::npos,
		  run.err.find("is a 32-bit program, this weir is for 64-bit ones"))
		<< run.err;
	EXPECT_NE(std::string::npos, run.err.find("wrong ELF class: ELFCLASS64")) << run.err;
	EXPECT_NE(std::string::npos,
		  doctor.out.find("install a build of weir for 32-bit programs beside this one"))
		<< doctor.describe();
}

INSTANTIATE_TEST_SUITE_P(Only, OnI686, testing::Values(2),
			 [](const auto &each) { return machines[each.param].name; });

class OnMusl : public OnMachine
{
};

/* Its dynamic linker stops where a symbol is missing; so the command leaves weir out. */
TEST_P(OnMusl, LibraryForGlibcStopsAProgramAndTheCommandsLeaveItOut)
{
	std::string program = machine().file("tests/victims/family");
	auto mixed_up = Launch({ program, "list" }).run();
	auto run = run_command({ "run", "--", program, "list" });
	auto doctor = run_command({ "doctor", "--", program });

	EXPECT_EQ(127, mixed_up.end.exit_status) << mixed_up.describe();
	EXPECT_NE(std::string::npos, mixed_up.err.find("Error relocating")) << mixed_up.err;
	EXPECT_EQ(0, run.end.exit_status) << run.describe();
	EXPECT_NE(std::string::npos, run.err.find("uses another C library than weir; it runs "
						  "without weir"))
		<< run.err;
	EXPECT_NE(std::string::npos, doctor.out.find("uses another C library than weir"))
		<< doctor.describe();
}

INSTANTIATE_TEST_SUITE_P(Only, OnMusl, testing::Values(3),
			 [](const auto &each) { return machines[each.param].name; });

} // namespace
