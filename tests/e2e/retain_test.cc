/* Freed memory stays with the program up to the limits, as seen from outside
 * in the anonymous memory of the process, and no further. */
#include "preloaded.h"

#include <string>

using namespace e2e;

namespace
{

/* What weir's own tables and the program's small blocks may take. */
constexpr uint64_t slack = MiB;

struct Figures {
	uint64_t live;	   /* anonymous, above the start, while the blocks live */
	uint64_t retained; /* the same once they are freed */
	Outcome outcome;
};

Figures fill_and_free(const Launch &launch, unsigned blocks, uint64_t bytes)
{
	Puppet puppet(launch);
	Figures figures = {};

	puppet.fill(1, blocks, bytes);
	figures.live = puppet.grown();
	puppet.free(1, blocks);
	figures.retained = puppet.grown();
	figures.outcome = puppet.finish();
	return figures;
}

void expect_retained(const Figures &figures, uint64_t bytes)
{
	const Report &report = figures.outcome.report();

	EXPECT_EQ(bytes, report.number("retained_bytes"));
	EXPECT_GE(figures.retained + slack, bytes);
	EXPECT_LE(figures.retained, bytes + slack);
	EXPECT_LE(report.number("peak_retained_bytes"), report.number("limit_bytes"));
}

TEST(Retain, KeepsWhatIsFreed)
{
	Figures figures = fill_and_free(puppet(), 20, 3 * MiB);

	EXPECT_GE(figures.live, 60 * MiB);
	expect_retained(figures, 20 * counted(3 * MiB));
	EXPECT_EQ(20U, figures.outcome.report().number("retained_blocks"));
	EXPECT_EQ(20U, figures.outcome.report().number("requests"));
	EXPECT_EQ(20 * counted(3 * MiB), figures.outcome.report().number("peak_live_bytes"));
}

TEST(Retain, AnswersFromWhatItKeeps)
{
	Puppet puppet(e2e::puppet());

	for (int i = 0; i < 10; i++) {
		puppet.ask("malloc 1 5000000");
		puppet.ask("check");
		puppet.ask("free 1");
	}
	const Report &report = puppet.finish().report();

	EXPECT_EQ(9U, report.number("hits"));
	EXPECT_EQ(1U, report.number("misses"));
	EXPECT_EQ(9U, report.of_class(5000000, "hits"));
}

TEST(Retain, MeetsTheLimitToThePage)
{
	Figures figures = fill_and_free(puppet().env("WEIR_LIMIT", "10M"), 20, 3 * MiB);

	expect_retained(figures, 10 * MiB);
	EXPECT_GE(figures.outcome.report().number("released/limit/bytes"), 50 * MiB);
}

TEST(Retain, MeetsALimitThatIsNoRoundNumber)
{
	Figures figures = fill_and_free(puppet().env("WEIR_LIMIT", "10000K"), 50, 300000);

	EXPECT_EQ(10000 * KiB, figures.outcome.report().number("limit_bytes"));
	expect_retained(figures, 10000 * KiB);
}

TEST(Retain, MeetsTheLimitWithHugePages)
{
	Figures figures =
		fill_and_free(puppet().env("WEIR_LIMIT", "20M").env("WEIR_HUGEPAGES", "always"), 20,
			      6 * MiB - 4096); /* which counts as 6 MiB */

	expect_retained(figures, 20 * MiB);
}

TEST(Retain, MeetsTheLimitWithHugePagesBeyondTheEndOfBlocks)
{
	Figures figures = fill_and_free(
		puppet().env("WEIR_LIMIT", "20M").env("WEIR_HUGEPAGES", "always"), 20, 3000000);

	EXPECT_GE(figures.retained, 16 * MiB);
	EXPECT_LE(figures.retained, 20 * MiB + slack);
	EXPECT_LE(figures.outcome.report().number("peak_retained_bytes"), 20 * MiB);
}

TEST(Retain, KeepsNothingWithALimitOfZero)
{
	Figures figures = fill_and_free(puppet().env("WEIR_LIMIT", "0"), 10, 3 * MiB);

	expect_retained(figures, 0);
}

TEST(Retain, CountsNothingForBlocksThatWereNeverTouched)
{
	Puppet puppet(e2e::puppet().env("WEIR_LIMIT", "64M"));

	puppet.ask("take 1 3000000000");
	puppet.ask("free 1");
	EXPECT_LE(puppet.grown(), slack);
}

TEST(Retain, MeetsTheLimitsOfSizeRanges)
{
	Puppet puppet(e2e::puppet()
			      .env("WEIR_CLASS_LIMITS", "64K-1M:4M,2M-6M:7M,*:16M")
			      .env("WEIR_HUGEPAGES", "never"));

	puppet.fill(1, 30, 500 * KiB);
	puppet.fill(31, 40, 5 * MiB);
	puppet.fill(41, 50, 9 * MiB);
	puppet.free(1, 50);
	const Report &report = puppet.finish().report();

	EXPECT_EQ(27 * MiB, report.number("retained_bytes"));
	EXPECT_EQ(4 * MiB, report.of_classes(0, MiB, "retained_bytes"));
	EXPECT_EQ(7 * MiB, report.of_classes(2 * MiB + 1, 7 * MiB, "retained_bytes"));
}

TEST(Retain, MeetsTheLimitOfBlocksInAClass)
{
	Puppet puppet(e2e::puppet().env("WEIR_CLASS_BLOCKS", "3"));

	puppet.fill(1, 10, 100000);
	puppet.fill(11, 20, 2 * MiB);
	puppet.free(1, 20);
	const Report &report = puppet.finish().report();

	EXPECT_EQ(6U, report.number("retained_blocks"));
	EXPECT_EQ(3U, report.of_class(100000, "retained_blocks"));
	EXPECT_EQ(3U, report.of_class(counted(2 * MiB), "retained_blocks"));
}

TEST(Retain, LeavesRequestsOutsideOfMinAndMaxToTheBackend)
{
	Puppet puppet(e2e::puppet().env("WEIR_MIN", "1M").env("WEIR_MAX", "8M"));

	puppet.ask("malloc 1 500000");
	puppet.ask("malloc 2 1048576");
	puppet.ask("malloc 3 8388608");
	puppet.ask("malloc 4 100000000");
	puppet.ask("check");
	puppet.free(1, 4);
	const Report &report = puppet.finish().report();

	EXPECT_EQ(2U, report.number("requests"));
	EXPECT_EQ(1U, report.number("oversize"));
}

TEST(Retain, RefusesRequestsAboveMaxAlloc)
{
	Puppet puppet(e2e::puppet().env("WEIR_MAX_ALLOC", "10M"));

	EXPECT_EQ(static_cast<uint64_t>(ENOMEM), puppet.ask_error("malloc 1 10485761"));
	puppet.ask("malloc 1 10485760");
	EXPECT_EQ(static_cast<uint64_t>(ENOMEM), puppet.ask_error("realloc 1 10485761"));
	EXPECT_EQ(static_cast<uint64_t>(ENOMEM), puppet.ask_error("calloc 2 20000000"));
	EXPECT_EQ(10 * MiB, puppet.ask("check"));
	EXPECT_TRUE(puppet.finish().succeeded());
}

struct Preset {
	const char *name;
	uint64_t limit_bytes; /* 0: see the test */
};

TEST(Presets, SetTheirLimits)
{
	for (const Preset &preset :
	     { Preset{ "off", 0 }, Preset{ "minimal", 8 * MiB }, Preset{ "moderate", 32 * MiB } }) {
		Figures figures = fill_and_free(puppet().env("WEIR_PRESET", preset.name), 50, MiB);
		const Report &report = figures.outcome.report();

		EXPECT_EQ(preset.limit_bytes, report.number("limit_bytes")) << preset.name;
		EXPECT_LE(report.number("peak_retained_bytes"), preset.limit_bytes);
		EXPECT_LE(figures.retained, preset.limit_bytes + slack) << preset.name;
	}
}

TEST(Presets, MinimalKeepsEightBlocksOfAClassAndNoneAboveOneMib)
{
	Puppet puppet(e2e::puppet().env("WEIR_PRESET", "minimal"));

	puppet.fill(1, 12, 100000);
	puppet.fill(13, 14, 2 * MiB);
	puppet.free(1, 14);
	const Report &report = puppet.finish().report();

	EXPECT_EQ(8U, report.of_class(100000, "retained_blocks"));
	EXPECT_EQ(2U, report.number("oversize"));
}

TEST(Presets, AggressiveKeepsMoreThanDefault)
{
	auto usual = fill_and_free(puppet(), 1, MiB);
	auto aggressive = fill_and_free(puppet().env("WEIR_PRESET", "aggressive"), 1, MiB);

	EXPECT_GT(aggressive.outcome.report().number("limit_bytes"),
		  usual.outcome.report().number("limit_bytes"));
	EXPECT_LE(usual.outcome.report().number("limit_bytes"), 512 * MiB);
}

TEST(Presets, GiveWayToAVariable)
{
	auto figures = fill_and_free(puppet().env("WEIR_PRESET", "minimal").env("WEIR_LIMIT", "5M"),
				     10, MiB);

	expect_retained(figures, 5 * MiB);
}

TEST(Trim, ReleasesWhatIsRetained)
{
	Puppet puppet(e2e::puppet());

	puppet.ask("trim"); /* what the C library itself can give back */
	puppet.fill(1, 10, 4 * MiB);
	puppet.free(2, 10);
	EXPECT_EQ(1U, puppet.ask("trim"));
	EXPECT_EQ(0U, puppet.ask("trim"));
	EXPECT_LE(puppet.grown(), 4 * MiB + slack);
	EXPECT_EQ(4 * MiB, puppet.ask("check"));
	EXPECT_EQ(9 * counted(4 * MiB), puppet.finish().report().number("released/api/bytes"));
}

} // namespace
