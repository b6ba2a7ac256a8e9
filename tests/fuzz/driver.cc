/* Runs request_fuzz.cc without libFuzzer, under the sanitizers of the program that it is
 * linked into: requests, names and stat texts that are right, changed at random. The same
 * FUZZ_SEED (default 1) makes the same inputs again; FUZZ_RUNS is how many, by default
 * what takes about two seconds. The long form, for an hour:
 *
 *   FUZZ_RUNS=500000000 FUZZ_SEED=$(date +%s) tests/stress/with_asan --gtest_filter='Fuzz.*' */
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

namespace
{

constexpr unsigned long default_runs = 800000;
constexpr size_t longest = 1100; /* a little more than a request may have */

const std::vector<std::string> seeds = {
	"",
	"ping",
	"stats\r",
	"metrics",
	"release",
	"release keep=64M",
	"release class=64K-1M",
	"release keep=1.5G class=*",
	"get WEIR_LIMIT",
	"set WEIR_LIMIT 64M",
	"set WEIR_LIMIT min(512M, 12.5%)",
	"set WEIR_LIMIT min(1G,25%)",
	"set WEIR_FOOTPRINT 25%",
	"set WEIR_CLASS_BLOCKS 16",
	"set WEIR_MAX_ALLOC none",
	"set WEIR_DECAY 1.5s",
	"set WEIR_CLASS_LIMITS none",
	"set WEIR_CLASS_LIMITS 64K-1M:32M,16M:25%,*:128M",
	"set WEIR_CLASS_LIMITS 512M-1G:1G,*:25%",
	"set WEIR_SIGNAL USR2",
	"4711-123456.sock",
	"1-18446744073709551615.sock",
	"4711 (a) b) S 1 4711 4711 0 -1 4194560 1 0 0 0 2 3 0 0 20 0 1 0 987654 1 2 3\n",
};

/* What random bytes seldom are. */
const std::vector<std::string> pieces = {
	" ",
	"\t",
	"\r",
	"\n",
	"=",
	"-",
	"*",
	":",
	",",
	"%",
	".",
	")",
	"(",
	"0",
	"9",
	"4G",
	"64K",
	"min(",
	"keep=",
	"class=",
	"none",
	"off",
	"ping",
	"get",
	"set",
	"WEIR_LIMIT",
	"WEIR_DECAY",
	".sock",
	"18446744073709551616",
};

struct Mutator {
	explicit Mutator(uint64_t seed) : random(seed) {}

	size_t below(size_t end) { return end == 0 ? 0 : random() % end; }
	const std::string &any(const std::vector<std::string> &from)
	{
		return from[below(from.size())];
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
			input->insert(at, any(pieces));
			break;
		case 3:
			input->erase(at, 1 + below(4));
			break;
		case 4:
			input->resize(at);
			break;
		case 5: { /* the begin of one and the end of another */
			const std::string &other = any(seeds);

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
		std::string input = any(seeds);

		for (size_t changes = below(8); changes > 0; changes--)
			change_once(&input);
		if (below(64) == 0) /* about as long as a request may be */
			input.resize(longest - below(160), ' ');
		if (input.size() > longest)
			input.resize(longest);
		return input;
	}

	std::mt19937_64 random;
};

unsigned long number_from(const char *variable, unsigned long otherwise)
{
	const char *text = getenv(variable);

	return text ? strtoul(text, nullptr, 10) : otherwise;
}

void run(const std::string &input)
{
	LLVMFuzzerTestOneInput((const uint8_t *)input.data(), input.size());
}

TEST(Fuzz, ReadsAnyBytesOfOtherProcesses)
{
	unsigned long runs = number_from("FUZZ_RUNS", default_runs);
	unsigned long seed = number_from("FUZZ_SEED", 1), longest_runs = 0;
	Mutator mutator(seed);

	printf("FUZZ_SEED=%lu FUZZ_RUNS=%lu\n", seed, runs);
	fflush(stdout);
	for (const std::string &input : seeds)
		run(input);
	for (unsigned long i = 0; i < runs; i++) {
		std::string input = mutator.next();

		longest_runs += input.size() >= 1024;
		run(input);
	}
	EXPECT_TRUE(runs < 10000 || longest_runs > 0) << "no input was too long";
}

} // namespace
