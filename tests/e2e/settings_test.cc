/* Settings that turn weir on, off, loud or strict. */
#include "preloaded.h"

#include <algorithm>
#include <cerrno>

using namespace e2e;

namespace
{

constexpr uint64_t slack = MiB;

bool contains(const std::string &text, const std::string &part)
{
	return text.find(part) != std::string::npos;
}

/* What stays with the process of 64 MiB that it freed. */
uint64_t kept_of_64_mib(const Launch &launch)
{
	Puppet puppet(launch);

	puppet.fill(1, 1, 64 * MiB);
	puppet.free(1, 1);
	return puppet.grown();
}

TEST(Settings, DisableLeavesEverythingToTheBackend)
{
	EXPECT_LE(kept_of_64_mib(puppet().env("WEIR_DISABLE", "1")), slack);
	EXPECT_GE(kept_of_64_mib(puppet().env("WEIR_DISABLE", "0")), 64 * MiB);
}

TEST(Settings, DisabledStillRefusesWhatCannotBe)
{
	auto outcome = Launch({ e2e::victim("family"), "too_many_bytes_are_refused" })
			       .env("WEIR_DISABLE", "1")
			       .run();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
}

TEST(Settings, ProgramsNamesWhoIsServed)
{
	EXPECT_GE(kept_of_64_mib(puppet().env("WEIR_PROGRAMS", "puppet")), 64 * MiB);
	EXPECT_GE(kept_of_64_mib(puppet().env("WEIR_PROGRAMS", "node,pup*")), 64 * MiB);
	EXPECT_LE(kept_of_64_mib(puppet().env("WEIR_PROGRAMS", "node,python*")), slack);
}

TEST(Settings, BadValueIsReportedAndTheDefaultStays)
{
	Puppet puppet(e2e::puppet().env("WEIR_LIMIT", "banana").env("WEIR_MIN", "128K"));

	puppet.fill(1, 1, MiB);
	puppet.free(1, 1);
	const Outcome &outcome = puppet.finish();

	EXPECT_TRUE(outcome.succeeded());
	EXPECT_EQ(counted(MiB), outcome.report().number("retained_bytes"));
	EXPECT_EQ(0U, outcome.err.rfind("weir[" + std::to_string(outcome.pid) + "]: ", 0));
	EXPECT_TRUE(contains(outcome.err, "WEIR_LIMIT")) << outcome.err;
	EXPECT_TRUE(contains(outcome.err, "banana")) << outcome.err;
	EXPECT_EQ(1, std::count(outcome.err.begin(), outcome.err.end(), '\n'));
}

TEST(Settings, UnknownNameIsReportedWithTheNearestOne)
{
	auto outcome = Launch({ "true" }).env("WEIR_LIMITS", "1M").run();

	EXPECT_TRUE(outcome.succeeded());
	EXPECT_TRUE(contains(outcome.err, "WEIR_LIMITS")) << outcome.err;
	EXPECT_TRUE(contains(outcome.err, " WEIR_LIMIT\n")) << outcome.err;
}

TEST(Settings, StrictStopsTheProgram)
{
	auto outcome = Launch({ "echo", "started" })
			       .env("WEIR_STRICT", "1")
			       .env("WEIR_LIMIT", "banana")
			       .run();

	EXPECT_FALSE(outcome.succeeded());
	EXPECT_FALSE(outcome.end.timed_out);
	EXPECT_EQ("", outcome.out);
	EXPECT_TRUE(contains(outcome.err, "WEIR_LIMIT")) << outcome.err;
}

TEST(Settings, StrictLetsGoodSettingsPass)
{
	auto outcome =
		Launch({ "echo", "started" }).env("WEIR_STRICT", "1").env("WEIR_LIMIT", "1M").run();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("started\n", outcome.out);
	EXPECT_EQ("", outcome.err);
}

TEST(Settings, AShareHoldsFromTheFirstRequestOn)
{
	for (const char *request : { "malloc", "calloc", "aligned" }) {
		Puppet puppet(e2e::puppet().env("WEIR_MAX_ALLOC", "0.01%"));

		EXPECT_EQ((uint64_t)ENOMEM,
			  puppet.ask_error(std::string(request) + " 1 1073741824"));
		EXPECT_EQ(1U, puppet.finish().report().number("refused"));
	}
}

TEST(Settings, VerboseSaysHowItStartsAndWhatItReleases)
{
	Puppet puppet(e2e::puppet().env("WEIR_VERBOSE", "1"));
	std::string prefix = "weir[" + std::to_string(puppet.pid()) + "]: ";

	puppet.fill(1, 2, 6 * MiB);
	EXPECT_EQ(0U, puppet.errors().rfind(prefix, 0)) << puppet.errors();
	puppet.free(1, 2);
	puppet.release();
	EXPECT_TRUE(contains(puppet.errors(),
			     "\n" + prefix + "released 12.0 MiB in 2 blocks (signal), "))
		<< puppet.errors();
	puppet.fill(1, 1, 3 * MiB);
	puppet.free(1, 1);
	puppet.ask("trim");
	EXPECT_TRUE(contains(puppet.errors(), prefix + "released 3.0 MiB in 1 block"))
		<< puppet.errors();
	EXPECT_TRUE(puppet.finish().succeeded());
}

} // namespace
