/* The limits of pools hold at every moment while threads lease and return, each pool's own and
 * those of the process over all of them; and a pool at its limit costs the others nothing. Each
 * with libweirpool alone and with libweir preloaded. Without huge pages, where they are met to
 * the page. */
#include "leaser.h"

#include <sstream>

using namespace e2e;

namespace
{

constexpr uint64_t wide = 24 * MiB;
constexpr uint64_t tight = 8 * MiB;
/* What has left a pool's count and not yet the process's, which has a limit of its own: a block
 * of each thread. */
constexpr uint64_t in_hand = 8 * counted(4 * MiB);
/* Of the C library, and weir's tables. */
constexpr uint64_t own_bytes = 4 * MiB;

class PoolLimits : public testing::TestWithParam<Way>
{
protected:
	static Launch churn(const std::vector<std::string> &arguments)
	{
		std::vector<std::string> argv = { victim("pool_churn") };

		argv.insert(argv.end(), arguments.begin(), arguments.end());
		return launch_by(GetParam(), argv)
			.env("WEIR_HUGEPAGES", "never")
			.env("WEIR_LIMIT", "512M");
	}

	static Launch launch() { return leaser_by(GetParam()).env("WEIR_HUGEPAGES", "never"); }
};

INSTANTIATE_TEST_SUITE_P(By, PoolLimits, testing::Values(Way::Alone, Way::Preloaded), name_of_way);

/* The lines that pool_churn ends with. */
class Seen
{
public:
	explicit Seen(const Launch &launch)
	{
		Outcome outcome = launch.run();
		std::istringstream lines(outcome.out);
		std::string name;

		EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
		for (uint64_t number; lines >> name >> number;)
			numbers_[name] = number;
		EXPECT_GT(of("samples"), 10U);
		EXPECT_EQ(0U, of("wide_leased"));
		EXPECT_EQ(0U, of("tight_leased"));
	}

	uint64_t of(const std::string &name) const
	{
		auto found = numbers_.find(name);

		EXPECT_NE(numbers_.end(), found) << name;
		return found != numbers_.end() ? found->second : 0;
	}

	double hit_rate(const std::string &pool) const
	{
		return (double)of(pool + "_hits") / (double)of(pool + "_leases");
	}

private:
	std::map<std::string, uint64_t> numbers_;
};

void expect_limit_holds(const Seen &seen, const std::string &pool, uint64_t limit)
{
	EXPECT_LE(seen.of(pool + "_most_retained"), limit) << pool;
	EXPECT_EQ(limit, seen.of(pool + "_peak_retained")) << pool;
}

TEST_P(PoolLimits, HoldAtEveryMomentAndAreMet)
{
	Seen seen(churn({ "300", "2", std::to_string(wide), std::to_string(tight) }));

	expect_limit_holds(seen, "wide", wide);
	expect_limit_holds(seen, "tight", tight);
	EXPECT_EQ(wide, seen.of("wide_retained"));
	EXPECT_EQ(tight, seen.of("tight_retained"));
	EXPECT_LE(seen.of("peak_retained"), wide + tight + in_hand);
	EXPECT_LE(seen.of("most_retained"), wide + tight + in_hand);
	EXPECT_LE(seen.of("resident"), seen.of("peak_held") + own_bytes);
	EXPECT_LE(seen.of("resident_at_end"), wide + tight + own_bytes);
}

TEST_P(PoolLimits, OfOnePoolDoNotTouchAnother)
{
	const std::string enough = std::to_string(192 * MiB);
	Seen apart(churn({ "600", "2", enough, "0" }));
	Seen beside(churn({ "600", "2", enough, std::to_string(tight) }));

	expect_limit_holds(beside, "tight", tight);
	EXPECT_LT(beside.of("wide_peak_retained"), 192 * MiB);
	EXPECT_EQ(apart.of("wide_leases"), beside.of("wide_leases"));
	EXPECT_GT(apart.hit_rate("wide"), 0.9);
	EXPECT_GT(beside.hit_rate("wide"), apart.hit_rate("wide") - 0.03);
}

TEST_P(PoolLimits, AreWithinThatOfTheProcess)
{
	Seen seen(churn({ "300", "2", std::to_string(wide), std::to_string(tight) })
			  .env("WEIR_LIMIT", "20M"));

	EXPECT_LE(seen.of("wide_peak_retained"), wide);
	EXPECT_LE(seen.of("tight_peak_retained"), tight);
	EXPECT_LE(seen.of("most_retained"), 20 * MiB);
	EXPECT_EQ(20 * MiB, seen.of("peak_retained"));
	EXPECT_EQ(20 * MiB, seen.of("wide_retained") + seen.of("tight_retained"));
	EXPECT_LE(seen.of("resident"), seen.of("peak_held") + own_bytes);
	EXPECT_LE(seen.of("resident_at_end"), 20 * MiB + own_bytes);
}

/* Of which eight threads with one block of each pool have less live, whatever they lease. */
TEST_P(PoolLimits, LeaveTheFootprintToWhatIsLive)
{
	const uint64_t most = 2 * 8 * counted(4 * MiB);
	const std::string any = std::to_string(GiB);
	Seen seen(churn({ "300", "1", any, any }).env("WEIR_FOOTPRINT", std::to_string(most)));

	EXPECT_LE(seen.of("most_held"), most);
	EXPECT_EQ(most, seen.of("peak_held"));
	EXPECT_LE(seen.of("resident"), most + own_bytes);
}

TEST_P(PoolLimits, HoldFromWhenTheyAreSet)
{
	Seen seen(churn({ "300", "2", std::to_string(wide), std::to_string(2 * tight), "moving" }));

	EXPECT_GT(seen.of("settings"), 10U);
	EXPECT_EQ(0U, seen.of("passed"));
	EXPECT_LE(seen.of("late"), seen.of("settings") / 20); /* of five times as many looks */
	expect_limit_holds(seen, "wide", wide);
	EXPECT_LE(seen.of("tight_peak_retained"), 2 * tight);
}

/* Whatever a release interrupts, by the thread that it interrupts. */
TEST_P(PoolLimits, HoldInAStormOfReleases)
{
	Seen seen(churn({ "300", "2", std::to_string(wide), std::to_string(tight), "stormy" }));

	EXPECT_LE(seen.of("wide_peak_retained"), wide);
	EXPECT_LE(seen.of("tight_peak_retained"), tight);
	EXPECT_LE(seen.of("most_retained"), wide + tight + in_hand);
	EXPECT_GT(seen.of("released"), wide + tight);
	EXPECT_LE(seen.of("resident_at_end"), wide + tight + own_bytes);
}

TEST_P(PoolLimits, AreSetWhileNothingElseHappens)
{
	Leaser leaser(launch());

	leaser.option("limit", "16777216");
	leaser.create(1, 2);
	for (unsigned pool = 1; pool <= 2; pool++) {
		leaser.lease(pool, 1, 6, 4 * MiB);
		leaser.give_back(pool, 1, 6);
	}
	EXPECT_EQ(16 * MiB, leaser.retained(1));
	EXPECT_EQ(16 * MiB, leaser.pool_figure(1, "limit_bytes"));
	leaser.ask("limit 1 5246976"); /* 5 MiB and a page */
	EXPECT_EQ(5 * MiB + 4096, leaser.retained(1));
	EXPECT_EQ(5 * MiB + 4096, leaser.pool_figure(1, "limit_bytes"));
	EXPECT_EQ(16 * MiB, leaser.retained(2));
	EXPECT_LE(leaser.grown(), 21 * MiB + 4096 + MiB);
	leaser.ask("limit 1 0");
	EXPECT_EQ(0U, leaser.retained(1));
	leaser.lease(1, 1, 2, 300000);
	leaser.give_back(1, 1, 2);
	EXPECT_EQ(0U, leaser.retained(1));
	leaser.ask("limit 1 16777216");
	leaser.lease(1, 1, 2, 300000);
	leaser.give_back(1, 1, 2);
	EXPECT_EQ(2 * counted(300000), leaser.retained(1));
	EXPECT_EQ(16 * MiB, leaser.retained(2));
}

TEST_P(PoolLimits, TrimWhatIsAtHandToThePage)
{
	Leaser leaser(launch());

	leaser.create(1, 1);
	leaser.lease(1, 1, 1, 4 * MiB);
	leaser.give_back(1, 1, 1);
	leaser.ask("limit 1 1052672"); /* 1 MiB and a page */
	EXPECT_EQ(MiB + 4096, leaser.retained(1));
	EXPECT_LE(leaser.grown(), 2 * MiB);
}

/* In strides of their own, so that none serves a lease of another. */
TEST_P(PoolLimits, BoundTheBlocksOfAClass)
{
	Leaser leaser(launch());

	leaser.option("class_blocks", "3");
	leaser.create(1, 1);
	leaser.option("none", "0");
	leaser.create(2, 2);
	for (unsigned pool = 1; pool <= 2; pool++)
		for (uint64_t bytes : { (uint64_t)300000, (uint64_t)1400000, 3 * MiB }) {
			leaser.lease(pool, 1, 5, bytes);
			leaser.give_back(pool, 1, 5);
		}
	EXPECT_EQ(9U, leaser.pool_figure(1, "retained_blocks"));
	EXPECT_EQ(3 * (counted(300000) + counted(1400000) + counted(3 * MiB)), leaser.retained(1));
	EXPECT_EQ(15U, leaser.pool_figure(2, "retained_blocks"));
	EXPECT_LE(leaser.grown(), leaser.ask("retained") + MiB);
}

TEST_P(PoolLimits, BoundRangesOfSizes)
{
	Leaser leaser(launch());

	leaser.option("class_limit", "65536 1048576 1000000");
	leaser.option("class_limit", "1048577 " + std::to_string(UINT64_MAX) + " 8388608");
	leaser.create(1, 1);
	leaser.lease(1, 1, 8, 300000);
	leaser.give_back(1, 1, 8);
	const uint64_t of_short = leaser.retained(1);

	EXPECT_LE(of_short, 1000000U);
	EXPECT_GE(of_short, 3 * counted(300000));
	leaser.lease(1, 1, 4, 3 * MiB);
	leaser.give_back(1, 1, 4);
	EXPECT_EQ(of_short + 8 * MiB, leaser.retained(1));
	EXPECT_LE(leaser.grown(), of_short + 8 * MiB + MiB);
}

TEST_P(PoolLimits, OfOneBlockLeaseLongerOnesButKeepNone)
{
	Leaser leaser(launch());

	leaser.option("pooled", "1048576");
	leaser.create(1, 1);
	leaser.lease(1, 1, 4, 4 * MiB);
	leaser.lease(1, 5, 8, MiB);
	leaser.lease(1, 9, 9, MiB + 4096);
	EXPECT_EQ(5U, leaser.pool_figure(1, "oversize"));
	EXPECT_EQ(9U, leaser.leased(1));
	EXPECT_EQ(21 * MiB + 4096, leaser.ask("check"));
	leaser.give_back(1, 1, 4);
	EXPECT_EQ(0U, leaser.retained(1));
	EXPECT_LE(leaser.grown(), 6 * MiB);
	leaser.give_back(1, 5, 9);
	EXPECT_EQ(4 * counted(MiB), leaser.retained(1));
	EXPECT_LE(leaser.grown(), 4 * counted(MiB) + MiB);
	leaser.lease(1, 1, 4, MiB);
	EXPECT_EQ(4U, leaser.pool_figure(1, "hits"));
}

} // namespace
