/* Kernels and emulators that lack what weir uses: as the victim old_kernel plays them. */
#include "command.h"

#include <algorithm>
#include <ostream>
#include <sstream>

using namespace e2e;

namespace
{

struct Kernel {
	const char *name;
	const char *lacks;
	bool moves;
};

void PrintTo(const Kernel &kernel, std::ostream *stream)
{
	*stream << kernel.name;
}

const Kernel kernels[] = {
	{ "Linux44", "MREMAP_DONTUNMAP;MADV_DONTNEED_LOCKED;close_range;clone3;openat2;membarrier",
	  false },
	{ "NoAdvice", "madvise;mremap;mincore", false },
	{ "EmulatorThatIgnoresAdvice",
	  "MADV_DONTNEED, which is ignored;MADV_DONTNEED_LOCKED, which is ignored", true },
	{ "EmulatorThatIgnoresOneAdvice", "MADV_DONTNEED_LOCKED, which is ignored", true },
};

class OldKernel : public testing::TestWithParam<Kernel>
{
protected:
	static Launch launch(std::vector<std::string> argv)
	{
		argv.insert(argv.begin(), { victim("old_kernel"), GetParam().lacks });
		return Launch(argv);
	}
};

/* Those that depend on what is released, moved or known to be zero. */
TEST_P(OldKernel, KeepsEveryByteAndCallocZero)
{
	std::istringstream checks(Launch({ victim("family"), "list" }).plain().run().out);
	unsigned count = 0;

	for (std::string check; checks >> check;) {
		if (check.find("calloc_is") != 0 && check.find("realloc_") != 0)
			continue;
		auto outcome = launch({ victim("family"), check }).run();

		EXPECT_TRUE(outcome.succeeded()) << check << ": " << outcome.describe();
		count++;
	}
	EXPECT_GT(count, 12U);
}

TEST_P(OldKernel, HoldsTheLimitUnderChurn)
{
	auto outcome = launch({ victim("churn"), "4", "400", "1", "4" })
			       .env("WEIR_LIMIT", "6M")
			       .env("WEIR_DECAY", "5ms")
			       .run();

	ASSERT_TRUE(outcome.succeeded()) << outcome.describe();
	const Report &report = outcome.report();

	EXPECT_LE(report.number("peak_retained_bytes"), 6 * MiB);
	EXPECT_EQ(0U, report.number("release_failures"));
	EXPECT_EQ(0U, report.number("live_bytes"));
	EXPECT_EQ(GetParam().moves, report.number("remaps") > 0);
}

/* A kernel that knows no such move is asked a few times, and then left alone. */
TEST_P(OldKernel, StopsAskingForMovesThatItRefuses)
{
	Puppet puppet(launch({ victim("puppet") }));

	for (unsigned i = 0; i < 100; i++) {
		puppet.fill(i, i, 3 * MiB + i * 16 * KiB);
		puppet.ask("realloc " + std::to_string(i) + " 9000000");
		puppet.free(i, i);
	}
	puppet.ask("check");
	const Report &report = puppet.finish().report();

	if (GetParam().moves) {
		EXPECT_EQ(0U, report.number("remap_failures"));
		EXPECT_GE(report.number("reallocs_moved"), 50U);
	} else {
		EXPECT_GE(report.number("remap_failures"), 1U);
		EXPECT_LE(report.number("remap_failures"), 10U);
		EXPECT_EQ(0U, report.number("remaps"));
	}
}

TEST_P(OldKernel, ReleasesOnTheSignal)
{
	Puppet puppet(launch({ victim("puppet") }));

	puppet.fill(1, 8, 4 * MiB);
	puppet.free(1, 7);
	puppet.release();
	EXPECT_LE(puppet.grown(), 5 * MiB);
	EXPECT_EQ(0U, puppet.finish().report().number("retained_bytes"));
}

TEST_P(OldKernel, RunsNumpyToTheSameEnd)
{
	std::string program = "import numpy as n\n"
			      "a = n.zeros(300000); s = 0.0\n"
			      "for i in range(60):\n"
			      "  b = n.arange(100000 + 9000 * i) * 2.0 + a[:1]\n"
			      "  s += b.sum() + n.zeros(200000 + 1000 * i).sum()\n"
			      "print(s)\n";
	std::string python = python_with_numpy();

	NEED_FOUND(python, "python3 with numpy");
	std::vector<std::string> argv = { python, "-c", program };

	expect_same(Launch(argv).plain().run(), launch(argv).run());
}

INSTANTIATE_TEST_SUITE_P(Each, OldKernel, testing::ValuesIn(kernels),
			 [](const auto &each) { return std::string(each.param.name); });

} // namespace
