/* Programs under WEIR_HARDEN: what it finds of them, and that it changes nothing for those
 * in which there is nothing to be found. */
#include "misuse.h"

#include <csignal>
#include <sstream>

using namespace e2e;

namespace
{

Launch hardened(std::vector<std::string> argv)
{
	return Launch(std::move(argv)).env("WEIR_HARDEN", "1");
}

class Hardened : public testing::TestWithParam<Fault>
{
};

TEST_P(Hardened, StopsTheProgramAndNamesTheAddress)
{
	expect_stopped(GetParam(), hardened({ victim(GetParam().victim) }));
}

INSTANTIATE_TEST_SUITE_P(Each, Hardened, testing::ValuesIn(faults_if_hardened),
			 [](const auto &each) { return std::string(each.param.victim); });

/* Of these, what is wrong without a guard, a filling and a quarantine is not found. */
TEST(Hardening, IsWhatFindsThem)
{
	for (const char *name : { "before_begin", "past_end", "past_end_far", "write_after_free" })
		EXPECT_TRUE(Launch({ victim(name) }).run().succeeded()) << name;
}

TEST(Hardening, StopsAWriteThatReachesTheGuardPageAtOnce)
{
	auto outcome = hardened({ victim("past_end_far") }).run();

	EXPECT_EQ(SIGSEGV, outcome.end.signal) << outcome.describe();
	EXPECT_EQ("", outcome.err);
}

TEST(Hardening, LeavesNothingToReadOfAFreedBlock)
{
	EXPECT_EQ("df\n", hardened({ victim("read_after_free") }).run().out);
	EXPECT_EQ("01\n", Launch({ victim("read_after_free") }).run().out);
}

/* But for where a block lies: it has no room to grow, and none behind its end. */
TEST(Hardening, ChangesNothingOfTheFamily)
{
	std::istringstream names(Launch({ victim("family"), "list" }).plain().run().out);
	unsigned held = 0;

	for (std::string name; std::getline(names, name);) {
		if (name == "usable_size_ends_with_a_page" ||
		    name == "realloc_within_the_stride_stays_in_place")
			continue;
		auto outcome = hardened({ victim("family"), name }).run();

		EXPECT_TRUE(outcome.succeeded()) << name << ": " << outcome.describe();
		held++;
	}
	EXPECT_GT(held, 30U);
}

/* Each takes two mappings; there may be 65530 by default. */
TEST(Hardening, GoesOnWithoutTheGuardsThatTheKernelRefuses)
{
	const uint64_t blocks = 40000;
	auto outcome = hardened({ victim("many_blocks"), std::to_string(blocks) }).run();

	ASSERT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ(0U, outcome.report().number("live_blocks"));
	EXPECT_GT(outcome.report().number("guard_failures"), 0U);
	EXPECT_LT(outcome.report().number("guard_failures"), blocks);
}

} // namespace
