#include "misuse.h"

#include <csignal>

namespace e2e
{

namespace
{

constexpr char twice[] = "double free, the block is already free";
constexpr char freed[] = "the block is already free";
constexpr char inside[] = "not the start of a block";
constexpr char nowhere[] = "no block was handed out at this address";
constexpr char past[] = "the program wrote past the end of this block";
constexpr char before[] = "the program wrote before this block";
constexpr char later[] = "the program wrote to this address after it had freed it";

} // namespace

const std::vector<Fault> faults = {
	{ "double_free", "free", twice },
	{ "double_free_after_release", "free", twice },
	{ "double_free_in_thread", "free", twice },
	{ "free_after_realloc", "free", twice },
	{ "free_interior", "free", inside },
	{ "free_odd_interior", "free", inside },
	{ "free_of_no_block", "free", nowhere },
	{ "realloc_after_free", "realloc", freed },
	{ "realloc_interior", "realloc", inside },
	{ "realloc_of_no_block", "realloc", nowhere },
	{ "realloc_to_nothing_twice", "realloc", freed },
	{ "usable_size_after_free", "malloc_usable_size", freed },
	{ "usable_size_interior", "malloc_usable_size", inside },
};

const std::vector<Fault> faults_if_hardened = {
	{ "before_begin", "free", before },
	{ "double_free", "free", twice },
	{ "double_free_after_release", "free", twice },
	{ "double_free_delayed", "free", twice },
	{ "free_after_realloc", "free", twice },
	{ "past_end", "free", past },
	{ "past_end_then_realloc", "realloc", past },
	{ "write_after_free", "malloc", later },
};

const Fault fault_in_a_race = { "double_free_race", "free", twice };

void expect_stopped(const Fault &fault, const Launch &launch, const std::string &added)
{
	auto outcome = launch.run();
	std::string address = outcome.out.substr(0, outcome.out.find('\n'));

	EXPECT_EQ(SIGABRT, outcome.end.signal) << outcome.describe();
	EXPECT_EQ("weir[" + std::to_string(outcome.pid) + "]: " + fault.call + "(" + address +
			  "): " + fault.what + "\n" + added,
		  outcome.err);
}

} // namespace e2e
