/* Bad use ends the program by SIGABRT with one line that names the call and the
 * address. Each victim prints the address and then does what its name says. What
 * WEIR_HARDEN finds beside that is in harden_test.cc. */
#include "misuse.h"

#include <csignal>

using namespace e2e;

namespace
{

class Misuse : public testing::TestWithParam<Fault>
{
};

TEST_P(Misuse, StopsTheProgramAndNamesTheAddress)
{
	expect_stopped(GetParam(), Launch({ victim(GetParam().victim) }));
}

TEST(MisuseInARace, StopsTheProgramEveryTime)
{
	for (int i = 0; i < 50 && !HasFailure(); i++)
		expect_stopped(fault_in_a_race, Launch({ victim(fault_in_a_race.victim) }));
}

/* The next allocator sees it, and says what it says without weir. */
TEST(MisuseOfForeignMemory, EndsAsItDoesWithoutWeir)
{
	for (const char *name : { "free_of_mapping", "free_of_stack" }) {
		auto plain = Launch({ victim(name) }).plain().run();
		auto outcome = Launch({ victim(name) }).run();

		EXPECT_EQ(SIGABRT, plain.end.signal) << name << plain.describe();
		EXPECT_EQ(SIGABRT, outcome.end.signal) << name << outcome.describe();
		EXPECT_NE("", plain.err);
		EXPECT_EQ(plain.err, outcome.err);
	}
}

INSTANTIATE_TEST_SUITE_P(Each, Misuse, testing::ValuesIn(faults),
			 [](const auto &each) { return std::string(each.param.victim); });

} // namespace
