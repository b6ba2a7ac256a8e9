#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

extern "C" {
#include "figures.h"
}

namespace
{

figures_interval interval(std::vector<double> values)
{
	return figures_interval_of(values.data(), values.size());
}

using Samples = std::vector<figures_sample>;

/* Rounds of wall times, peaks and final sizes; the rest is 0. */
Samples samples(const std::vector<double> &walls, double peak = 100, double last = 100)
{
	Samples made;

	for (double wall : walls) {
		figures_sample sample = {};

		sample.values[FIGURES_WALL] = wall;
		sample.values[FIGURES_PEAK] = peak;
		sample.values[FIGURES_FINAL] = last;
		made.push_back(sample);
	}
	return made;
}

size_t best(const std::vector<Samples> &programs, figures_preference preference)
{
	std::vector<const figures_sample *> each;

	for (const Samples &program : programs)
		each.push_back(program.data());
	return figures_best(each.data(), each.size(), programs.front().size(), preference);
}

TEST(Figures, TakesTheMedian)
{
	EXPECT_EQ(3, interval({ 9, 1, 3 }).middle);
	EXPECT_EQ(2.5, interval({ 4, 1, 3, 2 }).middle);
	EXPECT_EQ(7, interval({ 7 }).middle);
	EXPECT_EQ(0U, interval({}).count);
}

/* The chance that the median lies outside of the k-th smallest to the k-th largest of n, from
 * tables of the sign test. */
TEST(Figures, BoundsTheMedianByTheSignTest)
{
	const struct {
		size_t count;
		size_t rank;
	} known[] = { { 1, 1 },	  { 2, 1 },   { 5, 1 },	  { 6, 1 },   { 7, 1 },	 { 8, 2 },
		      { 10, 2 },  { 11, 3 },  { 12, 3 },  { 13, 4 },  { 20, 6 }, { 25, 8 },
		      { 30, 11 }, { 40, 15 }, { 50, 19 }, { 100, 42 } };

	for (const auto &row : known)
		EXPECT_EQ(row.rank, figures_rank(row.count)) << row.count;
}

TEST(Figures, TakesTheIntervalFromTheValues)
{
	figures_interval five = interval({ 5, 4, 3, 2, 1 });
	figures_interval ten = interval({ 10, 9, 8, 7, 6, 5, 4, 3, 2, 1 });

	EXPECT_EQ(1, five.low);
	EXPECT_EQ(5, five.high);
	EXPECT_EQ(2, ten.low);
	EXPECT_EQ(9, ten.high);
}

/* Of ten intervals of medians that are really 1 nine include it, whatever the distribution. */
TEST(Figures, IntervalsHoldTheMedianAsOftenAsTheySay)
{
	std::mt19937 random(20260801);
	std::exponential_distribution<double> skewed(std::log(2));

	for (size_t count : { 5, 8, 11, 20 }) {
		unsigned held = 0;

		for (unsigned i = 0; i < 4000; i++) {
			std::vector<double> values(count);

			for (double &value : values)
				value = skewed(random);
			figures_interval found = interval(values);

			held += found.low <= 1 && found.high >= 1;
		}
		EXPECT_GT(held, 3550U) << count;
		EXPECT_LT(held, 3900U) << count;
	}
}

TEST(Figures, JudgesByWhetherTheIntervalIncludesOne)
{
	auto judge = [](std::vector<double> values) {
		figures_interval of = interval(values);

		return figures_judge(&of);
	};

	EXPECT_EQ(FIGURES_LESS, judge({ .9, .95, .99, .8, .7 }));
	EXPECT_EQ(FIGURES_NOISE, judge({ .9, .95, 1.01, .8, .7 }));
	EXPECT_EQ(FIGURES_NOISE, judge({ 1, 1, 1, 1, 1 }));
	EXPECT_EQ(FIGURES_MORE, judge({ 1.1, 1.2, 1.01, 3, 4 }));
	EXPECT_EQ(FIGURES_TOO_FEW, judge({ 2, 2, 2, 2 }));
	EXPECT_EQ(FIGURES_LESS, judge({ 1.5, .9, .9, .9, .9, .9, .9, .9 }))
		<< "of eight runs one may be off";
}

TEST(Figures, TakesRatiosByRound)
{
	/* The machine became twice as slow from the third round on. */
	Samples base = samples({ 10, 11, 20, 22, 24 });
	Samples other = samples({ 9, 9.9, 18, 19.8, 21.6 });
	figures_interval ratio =
		figures_ratios(other.data(), base.data(), base.size(), FIGURES_WALL);

	EXPECT_DOUBLE_EQ(.9, ratio.middle);
	EXPECT_DOUBLE_EQ(.9, ratio.high);
	EXPECT_EQ(FIGURES_LESS, figures_judge(&ratio));
}

TEST(Figures, HasRatiosOfNothing)
{
	EXPECT_EQ(1, figures_ratio(0, 0));
	EXPECT_TRUE(std::isinf(figures_ratio(2, 0)));
	EXPECT_EQ(0, figures_ratio(0, 2));
	EXPECT_TRUE(std::isinf(interval({ HUGE_VAL, HUGE_VAL, HUGE_VAL, 1, 2 }).middle));
}

TEST(Figures, WeighsTimeAndMemoryAsIsPreferred)
{
	const std::vector<Samples> programs = {
		samples({ 10, 10, 10, 10, 10 }),
		samples({ 9, 9, 9, 9, 9 }, 120, 120),	/* faster and larger */
		samples({ 11, 11, 11, 11, 11 }, 70, 70) /* slower and smaller */
	};

	EXPECT_EQ(1U, best({ programs[0], programs[1] }, FIGURES_SPEED));
	EXPECT_EQ(0U, best({ programs[0], programs[1] }, FIGURES_MEMORY));
	EXPECT_EQ(2U, best(programs, FIGURES_MEMORY));
	EXPECT_EQ(0U, best({ programs[0], samples({ 9, 9, 9, 9, 9 }, 104, 104) }, FIGURES_MEMORY))
		<< "a tenth of the time is not worth 4 % of the memory";
	EXPECT_EQ(1U,
		  best({ samples({ 10, 10, 10, 10, 10 }), samples({ 9, 9, 9, 9, 9 }, 132, 132) },
		       FIGURES_SPEED))
		<< "a tenth of the time for a third of the memory";
	EXPECT_EQ(0U,
		  best({ samples({ 10, 10, 10, 10, 10 }), samples({ 9, 9, 9, 9, 9 }, 138, 138) },
		       FIGURES_SPEED));
}

TEST(Figures, LetsTheOtherDecideAmongEquals)
{
	/* Two that are as fast as one another but for noise: of median 9.9 and 10. */
	const std::vector<double> walls = { 9.9, 9.9, 9.9, 10.5, 9.8 },
				  others = { 10, 10, 10, 9.7, 10 };

	EXPECT_EQ(1U,
		  best({ samples(walls, 100.2, 100), samples(others, 100.1, 100) }, FIGURES_SPEED));
	EXPECT_EQ(0U,
		  best({ samples(walls, 100.1, 100), samples(others, 100.2, 100) }, FIGURES_SPEED));
}

TEST(Figures, NamesEachMeasure)
{
	EXPECT_STREQ("wall_s", figures_name(FIGURES_WALL));
	EXPECT_STREQ("final_bytes", figures_name(FIGURES_FINAL));
	EXPECT_TRUE(figures_are_bytes(FIGURES_MEAN));
	EXPECT_FALSE(figures_are_bytes(FIGURES_FAULTS) || figures_are_seconds(FIGURES_FAULTS));
	EXPECT_TRUE(figures_are_seconds(FIGURES_SYSTEM));
}

} // namespace
