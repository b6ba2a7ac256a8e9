/* The search of weir tune, over a made-up program: as slow and as large as its settings say. */
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>

extern "C" {
#include "tuning.h"
}

namespace
{

struct Cost {
	double seconds;
	double mib;
};

/* Of settings as they are typed, "glibc" for none; and the run of all that it is. */
std::function<Cost(const std::string &name, unsigned run)> cost_of;
unsigned runs_done;
bool served;

struct contender *add(struct contenders *contenders, const char *name)
{
	auto *made = static_cast<contender *>(calloc(1, sizeof(contender)));

	strcpy(made->name, name);
	contenders->each[contenders->count++] = made;
	return made;
}

} // namespace

extern "C" {

struct contender *contenders_add_weir(struct contenders *contenders, const char *name, const char *)
{
	return add(contenders, name);
}

bool contenders_add(struct contenders *contenders, const char *list)
{
	return add(contenders, list) != nullptr;
}

bool launch_add(struct launch *, const char *, const char *)
{
	return true;
}

bool rounds_warm_up(struct rounds *, struct contender *)
{
	return true;
}

bool rounds_run(struct rounds *, struct contender *const *each, size_t count, unsigned runs)
{
	for (size_t i = 0; i < count; i++)
		for (unsigned run = 0; run < runs; run++) {
			Cost cost = cost_of(each[i]->name, runs_done++);
			figures_sample *sample = &each[i]->samples[each[i]->sample_count++];

			sample->values[FIGURES_WALL] = cost.seconds;
			sample->values[FIGURES_PEAK] = sample->values[FIGURES_MEAN] =
				cost.mib * 1048576;
		}
	return true;
}

/* 64 MiB retained; blocks of 1 MiB are asked for more often than those of 8. */
bool tally_read(struct tally *tally, const char *)
{
	tally->requests = served ? 100 : 0;
	tally->peak_retained_bytes = 64 << 20;
	tally->class_count = 2;
	tally->classes[0] = { 1 << 20, 90, 0, 9000000 };
	tally->classes[1] = { 8 << 20, 2, 0, 9000000 };
	return true;
}
}

namespace
{

class Tuning : public testing::Test
{
protected:
	void SetUp() override
	{
		tuning_.runs = 5;
		tuning_.slack = 1.05;
		runs_done = 0;
		served = true;
	}
	void TearDown() override
	{
		for (size_t i = 0; i < tuning_.contenders.count; i++)
			free(tuning_.contenders.each[i]);
	}

	/* What is found for a program. */
	std::string search(std::function<Cost(const std::string &, unsigned)> of)
	{
		cost_of = std::move(of);
		EXPECT_TRUE(tuning_search(&tuning_));
		return tuning_.best->contender->name;
	}

	tuning tuning_ = {};
};

bool contains(const std::string &text, const std::string &part)
{
	return text.find(part) != std::string::npos;
}

/* What is retained, in MiB: no more than the limit and what the program has use for. */
double limit_of(const std::string &name)
{
	size_t at = name.find("limit=");

	return at == std::string::npos ? 64 : atof(name.c_str() + at + 6);
}

/* A program that needs so much retained, under a preset that keeps as much as it may. */
Cost needing(double mib, const std::string &name)
{
	if (contains(name, "off") || contains(name, "minimal") || contains(name, "moderate"))
		return { 2, 20 };
	return { limit_of(name) < mib ? 1.5 : 1, 20 + limit_of(name) };
}

TEST_F(Tuning, FindsTheLimitThatAProgramNeeds)
{
	std::string found =
		search([](const std::string &name, unsigned) { return needing(13, name); });

	EXPECT_EQ("preset=default,limit=14M", found);
	EXPECT_FALSE(tuning_.fell_back);
	EXPECT_EQ(1, tuning_.end_wall.middle);
	EXPECT_NEAR((20 + 14) / 84.0, tuning_.end_size.middle, 1e-9);
	EXPECT_NEAR((20 + 14) / 84.0, tuning_gain(&tuning_, "limit"), 1e-9);
	EXPECT_EQ(1, tuning_gain(&tuning_, "decay"));
	EXPECT_EQ(12U << 20, tuning_too_small(&tuning_)->settings.limit_bytes);
}

TEST_F(Tuning, TakesNoLimitWhereAllIsNeeded)
{
	EXPECT_EQ("preset=default",
		  search([](const std::string &name, unsigned) { return needing(60, name); }));
	EXPECT_EQ(1, tuning_.end_size.middle);
}

TEST_F(Tuning, TakesTheSmallestPresetThatIsFastEnough)
{
	auto presets = [](const std::string &name, unsigned) {
		if (contains(name, "moderate"))
			return Cost{ 1.04, name == "preset=moderate" ? 50.0 : 60.0 };
		return contains(name, "minimal") ? Cost{ 1.06, 20 } : Cost{ 1, 90 };
	};

	EXPECT_EQ("preset=moderate", search(presets));
	EXPECT_EQ(TUNING_SLOWER, tuning_.candidates[1].outcome) << "minimal is smaller, but slow";
	EXPECT_STREQ("moderate", tuning_.preset->settings.preset);
}

TEST_F(Tuning, FindsDecayAndWhereItNeedsAThread)
{
	EXPECT_EQ("preset=default,decay=300ms,background=1",
		  search([](const std::string &name, unsigned) {
			  double size = contains(name, "decay=300ms,background=1") ? 40 : 80;
			  return Cost{ contains(name, "decay=100ms") ? 2.0 : 1.0,
				       name == "preset=default" ? 79 : size };
		  }));
	EXPECT_NEAR(40 / 79.0, tuning_gain(&tuning_, "decay"), 1e-9);
}

TEST_F(Tuning, TriesNoDecayThatIsLongForTheProgram)
{
	search([](const std::string &, unsigned) { return Cost{ .5, 10 }; });
	for (size_t i = 0; i < tuning_.count; i++) {
		EXPECT_NE(300U, tuning_.candidates[i].settings.decay_ms);
		EXPECT_NE(1000U, tuning_.candidates[i].settings.decay_ms);
	}
}

TEST_F(Tuning, RetainsNoneOfTheBlocksThatAreHardlyAskedFor)
{
	EXPECT_EQ("preset=default,class-limits=4M-7680K:0",
		  search([](const std::string &name, unsigned) {
			  if (contains(name, "class-limits=4M-"))
				  return Cost{ 1, 40 };
			  return Cost{ 1, name == "preset=default" ? 60.0 : 80.0 };
		  }));
}

TEST_F(Tuning, TakesNothingForNoise)
{
	EXPECT_EQ("preset=default", search([](const std::string &name, unsigned run) {
			  bool lucky = contains(name, "limit=") && run % 5 != 0;
			  return Cost{ 1, name == "preset=default" ? 60 : lucky ? 50.0 : 90.0 };
		  }))
		<< "one run of five was larger";
}

TEST_F(Tuning, FallsBackWhereTheBestIsNoBetterInTheEnd)
{
	unsigned good = 0;

	EXPECT_EQ("preset=default", search([&](const std::string &name, unsigned) {
			  bool is_it = name == "preset=default,limit=32M";
			  double size = name == "preset=default" ? 60 : 80;
			  return Cost{ 1, is_it ? (good++ < 25 ? 30.0 : 61.0) : size };
		  }));
	EXPECT_TRUE(tuning_.fell_back);
	EXPECT_EQ(1, tuning_.end_size.middle);
	EXPECT_EQ(35U, good) << "five steps of five runs, and ten in the end";
}

TEST_F(Tuning, FallsBackWhereTheBestIsTooSlowInTheEnd)
{
	unsigned good = 0;

	search([&](const std::string &name, unsigned) {
		bool is_it = name == "preset=default,limit=32M";
		double size = name == "preset=default" ? 60 : 80;
		return Cost{ is_it && good++ >= 25 ? 1.2 : 1, is_it ? 30.0 : size };
	});
	EXPECT_TRUE(tuning_.fell_back);
}

TEST_F(Tuning, EndsEarlyWhereWeirServesNothing)
{
	served = false;
	search([](const std::string &, unsigned) { return Cost{ 1, 10 }; });
	EXPECT_FALSE(tuning_is_served(&tuning_));
	EXPECT_EQ(25U, runs_done) << "five presets";
}

TEST_F(Tuning, LeavesItsVariablesOutOfTheEnvironment)
{
	setenv("WEIR_LIMIT", "1M", 1);
	setenv("WEIR_MIN", "1M", 1);
	tuning_clear_environment();
	EXPECT_EQ(nullptr, getenv("WEIR_LIMIT"));
	EXPECT_STREQ("1M", getenv("WEIR_MIN"));
	unsetenv("WEIR_MIN");
}

} // namespace
