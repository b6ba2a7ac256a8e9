/* Pools that come and go by the hundred while other threads still have their blocks, under
 * every setting that changes what becomes of a block: no byte and no block is lost, no place is
 * mixed up with the one that was there before. */
#include "leaser.h"

using namespace e2e;

namespace
{

struct Setting {
	const char *name;
	const char *variable;
	const char *value;
};

/* Of live blocks there are at most about 280 MiB, so that little may be lost of their limit. */
const Setting settings[] = {
	{ "Usual", "WEIR_LIMIT", "512M" },
	{ "TightLimit", "WEIR_LIMIT", "4M" },
	{ "TightFootprint", "WEIR_FOOTPRINT", "64M" },
	{ "CountedLive", "WEIR_LIVE_LIMIT", "320M" },
	{ "Hardened", "WEIR_HARDEN", "1" },
	{ "Background", "WEIR_BACKGROUND", "1" },
	{ "Off", "WEIR_DISABLE", "1" },
};

/* LIBWEIR_POOL_LIVES=100 make check TESTS=tests/e2e/pool_lives_test */
std::string lives()
{
	return std::to_string(rounds("LIBWEIR_POOL_LIVES", 4));
}

class PoolLives : public testing::TestWithParam<std::tuple<Way, Setting>>
{
protected:
	static Outcome run(const std::vector<std::string> &arguments)
	{
		std::vector<std::string> argv = { victim("pool_lives") };
		const Setting &setting = std::get<1>(GetParam());

		argv.insert(argv.end(), arguments.begin(), arguments.end());
		return launch_by(std::get<0>(GetParam()), argv)
			.env("WEIR_DECAY", "50ms")
			.env(setting.variable, setting.value)
			.run();
	}
};

INSTANTIATE_TEST_SUITE_P(
	By, PoolLives,
	testing::Combine(testing::Values(Way::Alone, Way::Preloaded), testing::ValuesIn(settings)),
	[](const auto &each) {
		return std::string(std::get<0>(each.param) == Way::Alone ? "Alone" : "Preloaded") +
		       std::get<1>(each.param).name;
	});

TEST_P(PoolLives, LoseNoBlockAndNoByte)
{
	Outcome outcome = run({ "8", lives() });

	ASSERT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("", outcome.err);
	EXPECT_LE(std::stoul(outcome.out), 8U + 32 + 1);
}

TEST_P(PoolLives, GoOnInChildren)
{
	Outcome outcome = run({ "4", lives(), "3" });

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("", outcome.err);
}

} // namespace
