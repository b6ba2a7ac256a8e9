/* What stayed unused for a whole period of WEIR_DECAY is released by the
 * program's own large calls. */
#include "preloaded.h"

using namespace e2e;

namespace
{

constexpr uint64_t slack = MiB;

TEST(Decay, ReleasesWhatStayedUnused)
{
	Puppet puppet(e2e::puppet().env("WEIR_DECAY", "100ms"));

	puppet.fill(1, 10, 4 * MiB);
	puppet.free(1, 10);
	/* Its large calls drive decay; the time-out ends this if they do not. */
	do {
		puppet.ask("malloc 1 100000");
		puppet.ask("free 1");
	} while (puppet.grown() > 100000 + slack);

	const Report &report = puppet.finish().report();

	EXPECT_EQ(10 * counted(4 * MiB), report.number("released/decay/bytes"));
	EXPECT_LE(report.number("retained_bytes"), counted(100000));
}

TEST(Decay, KeepsWhatIsUsed)
{
	Puppet puppet(e2e::puppet().env("WEIR_DECAY", "500ms"));

	puppet.fill(1, 1, 9 * MiB);
	puppet.fill(2, 9, 2 * MiB);
	puppet.free(1, 9);
	do {
		puppet.ask("malloc 1 9437184");
		puppet.ask("free 1");
	} while (puppet.grown() > 9 * MiB + slack);

	const Report &report = puppet.finish().report();

	EXPECT_EQ(8 * counted(2 * MiB), report.number("released/decay/bytes"));
	EXPECT_EQ(counted(9 * MiB), report.number("retained_bytes"));
	EXPECT_EQ(1U, report.of_class(counted(9 * MiB), "misses"));
}

TEST(Decay, OffKeepsEverything)
{
	Puppet puppet(e2e::puppet().env("WEIR_DECAY", "off"));

	puppet.fill(1, 4, 4 * MiB);
	puppet.free(1, 4);
	puppet.fill(1, 1, 100000);
	EXPECT_EQ(0U, puppet.finish().report().number("released/decay/releases"));
}

} // namespace
