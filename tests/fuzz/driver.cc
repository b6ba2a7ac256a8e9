/* Runs the fuzzers of this directory without libFuzzer, under the sanitizers of the program
 * that they are linked into: each on its seeds, and on those changed at random. The same
 * FUZZ_SEED (default 1) makes the same inputs again; FUZZ_RUNS is how many of each target, by
 * default what takes about two seconds. The long form without clang, for an hour:
 *
 *   FUZZ_RUNS=500000000 FUZZ_SEED=$(date +%s) tests/stress/with_asan --gtest_filter='*Fuzz*request'
 *
 * `make fuzz` runs the same targets under libFuzzer, which finds more. */
#include "target.h"

#include <gtest/gtest.h>

#include <random>

/* What the C library says of impossible requests, and not a report. Called before main. */
extern "C" const char *__asan_default_options();

const char *__asan_default_options()
{
	return "allocator_may_return_null=1";
}

namespace
{

/* Makes inputs of a target. */
struct Mutator {
	Mutator(const fuzz::Target &of, uint64_t seed) : target(of), random(seed) {}

	size_t below(size_t end) { return end == 0 ? 0 : random() % end; }
	std::string any(const std::vector<std::string> &from)
	{
		return from.empty() ? std::string(1, (char)below(256)) : from[below(from.size())];
	}

	void change_once(std::string *input)
	{
		size_t at = below(input->size() + 1);

		switch (random() % 7) {
		case 0:
			if (at < input->size())
				(*input)[at] = (char)((*input)[at] ^ (1 << below(8)));
			break;
		case 1:
			input->insert(at, 1, (char)below(256));
			break;
		case 2:
			input->insert(at, any(target.pieces));
			break;
		case 3:
			input->erase(at, 1 + below(4));
			break;
		case 4:
			input->resize(at);
			break;
		case 5: { /* the begin of one and the end of another */
			const std::string other = any(target.seeds);

			input->replace(at, std::string::npos, other, below(other.size()),
				       std::string::npos);
			break;
		}
		default:
			input->insert(at, input->substr(below(input->size()), below(200)));
		}
	}

	std::string next()
	{
		std::string input = any(target.seeds);

		for (size_t changes = below(8); changes > 0; changes--)
			change_once(&input);
		if (below(64) == 0) /* about as long as one may be */
			input.resize(target.longest - below(target.longest / 8), ' ');
		if (input.size() > target.longest)
			input.resize(target.longest);
		return input;
	}

	const fuzz::Target &target;
	std::mt19937_64 random;
};

unsigned long number_from(const char *variable, unsigned long otherwise)
{
	const char *text = getenv(variable);

	return text ? strtoul(text, nullptr, 10) : otherwise;
}

void run(const fuzz::Target &target, const std::string &input)
{
	target.run((const uint8_t *)input.data(), input.size());
}

struct Fuzz : testing::TestWithParam<const fuzz::Target *> {
};

TEST_P(Fuzz, HoldsForAnyBytes)
{
	const fuzz::Target &target = *GetParam();
	unsigned long runs = number_from("FUZZ_RUNS", target.runs);
	unsigned long seed = number_from("FUZZ_SEED", 1), long_runs = 0;
	Mutator mutator(target, seed);

	printf("FUZZ_SEED=%lu FUZZ_RUNS=%lu\n", seed, runs);
	fflush(stdout);
	for (const std::string &input : target.seeds)
		run(target, input);
	for (unsigned long i = 0; i < runs; i++) {
		std::string input = mutator.next();

		long_runs += input.size() >= target.longest / 8 * 7;
		run(target, input);
	}
	EXPECT_TRUE(runs < 10000 || long_runs > 0) << "no input was long";
}

std::string name_of(const testing::TestParamInfo<const fuzz::Target *> &target)
{
	return target.param->name;
}

INSTANTIATE_TEST_SUITE_P(Targets, Fuzz, testing::ValuesIn(fuzz::targets()), name_of);

} // namespace
