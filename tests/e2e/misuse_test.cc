/* Bad use ends the program by SIGABRT with one line that names the call and the
 * address. Each victim prints the address and then does what its name says. What
 * WEIR_HARDEN finds beside that is in harden_test.cc. */
#include "preloaded.h"

#include <csignal>

using namespace e2e;

namespace
{

struct Fault {
	const char *victim;
	const char *call;
	const char *what;
};

constexpr char twice[] = "double free, the block is already free";
constexpr char freed[] = "the block is already free";
constexpr char inside[] = "not the start of a block";
constexpr char nowhere[] = "no block was handed out at this address";

class Misuse : public testing::TestWithParam<Fault>
{
};

void expect_stopped(const Fault &fault)
{
	auto outcome = Launch({ victim(fault.victim) }).run();
	std::string address = outcome.out.substr(0, outcome.out.find('\n'));

	EXPECT_EQ(SIGABRT, outcome.end.signal) << outcome.describe();
	EXPECT_EQ("weir[" + std::to_string(outcome.pid) + "]: " + fault.call + "(" + address +
			  "): " + fault.what + "\n",
		  outcome.err);
}

TEST_P(Misuse, StopsTheProgramAndNamesTheAddress)
{
	expect_stopped(GetParam());
}

TEST(MisuseInARace, StopsTheProgramEveryTime)
{
	for (int i = 0; i < 50 && !HasFailure(); i++)
		expect_stopped({ "double_free_race", "free", twice });
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

INSTANTIATE_TEST_SUITE_P(
	Each, Misuse,
	testing::Values(Fault{ "double_free", "free", twice },
			Fault{ "double_free_after_release", "free", twice },
			Fault{ "double_free_in_thread", "free", twice },
			Fault{ "free_after_realloc", "free", twice },
			Fault{ "free_interior", "free", inside },
			Fault{ "free_odd_interior", "free", inside },
			Fault{ "free_of_no_block", "free", nowhere },
			Fault{ "realloc_after_free", "realloc", freed },
			Fault{ "realloc_interior", "realloc", inside },
			Fault{ "realloc_of_no_block", "realloc", nowhere },
			Fault{ "realloc_to_nothing_twice", "realloc", freed },
			Fault{ "usable_size_after_free", "malloc_usable_size", freed },
			Fault{ "usable_size_interior", "malloc_usable_size", inside }),
	[](const auto &each) { return std::string(each.param.victim); });

} // namespace
