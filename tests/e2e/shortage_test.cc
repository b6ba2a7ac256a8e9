/* Where the system is short of addresses or memory, programs still work, or are
 * told so by ENOMEM. */
#include "preloaded.h"

#include <cerrno>

using namespace e2e;

namespace
{

TEST(Shortage, OfAddressesLeavesEnoughForTheProgram)
{
	Puppet puppet(e2e::puppet().address_limit(2 * GiB));

	for (int i = 0; i < 3; i++) {
		puppet.fill(1, 30, 8 * MiB);
		puppet.ask("realloc 1 50000000");
		puppet.ask("check");
		puppet.free(1, 30);
	}
	EXPECT_TRUE(puppet.finish().succeeded());
	EXPECT_EQ(1U, puppet.finish().reports.size());
}

TEST(Shortage, OfAddressesPoolsWhatFits)
{
	Puppet puppet(e2e::puppet().address_limit(16 * GiB));

	for (int i = 0; i < 10; i++) {
		puppet.ask("malloc 1 2000000");
		puppet.ask("free 1");
	}
	EXPECT_GE(puppet.finish().report().number("hits"), 9U);
}

TEST(Shortage, OfNearlyAllAddressesPassesThrough)
{
	Puppet puppet(e2e::puppet().address_limit(48 * MiB));

	puppet.fill(1, 5, MiB);
	puppet.ask("realloc 1 3000000");
	puppet.ask("calloc 6 2000000");
	puppet.ask("aligned 7 1048576");
	puppet.ask("check");
	puppet.free(1, 7);
	const Outcome &outcome = puppet.finish();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("", outcome.err);
	EXPECT_EQ(1U, outcome.reports.size());
}

TEST(Shortage, IsAnsweredByEnomem)
{
	Puppet puppet(e2e::puppet().address_limit(2 * GiB));

	puppet.ask("malloc 1 1000000");
	EXPECT_EQ(static_cast<uint64_t>(ENOMEM), puppet.ask_error("malloc 2 3000000000"));
	EXPECT_EQ(static_cast<uint64_t>(ENOMEM), puppet.ask_error("calloc 2 3000000000"));
	EXPECT_EQ(static_cast<uint64_t>(ENOMEM), puppet.ask_error("realloc 1 3000000000"));
	EXPECT_EQ(1000000U, puppet.ask("check"));
	EXPECT_TRUE(puppet.finish().succeeded());
	EXPECT_EQ(1U, puppet.finish().reports.size());
}

TEST(Shortage, ReleasesWhatIsRetainedBeforeEnomem)
{
	Puppet puppet(e2e::puppet().address_limit(8 * GiB));

	puppet.fill(1, 4, 8 * MiB);
	puppet.free(1, 4);
	EXPECT_EQ(static_cast<uint64_t>(ENOMEM), puppet.ask_error("malloc 1 9000000000"));
	EXPECT_EQ(4 * counted(8 * MiB), puppet.finish().report().number("released/enomem/bytes"));
}

} // namespace
