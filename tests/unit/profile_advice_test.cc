#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

extern "C" {
#include "profile_advice.h"
}

namespace
{

constexpr uint64_t KiB = 1024, MiB = 1024 * KiB, GiB = 1024 * MiB;
constexpr uint64_t s = 1000000000;

/* A program of ten seconds that asks for 100 GiB in blocks of 1 MiB, most of which it had freed
 * within half a second, out of 40 MiB; three quarters of its memory are weir's. */
struct Evidence {
	Evidence()
	{
		figures.span_ns = 10 * s;
		figures.requests = 102400;
		figures.sizes[8] = { 102400, 100 * GiB };
		figures.largest_bytes = MiB;
		figures.peak_live_bytes = 50 * MiB;
		figures.libc_faulted_bytes = 90 * GiB;
		figures.kept.asked_bytes = 100 * GiB;
		needs(40 * MiB);
		waits(500);
		evidence.figures = &figures;
		evidence.peak.processes = 1;
		evidence.peak.live_bytes = 50 * MiB;
		evidence.peak.memory.bytes[CENSUS_WEIR] = 90 * MiB;
		evidence.peak.memory.bytes[CENSUS_DIRECT] = 30 * MiB;
		evidence.peak.memory.bytes[CENSUS_FILES] = 500 * MiB;
		evidence.limit_bytes = 512 * MiB;
		evidence.max_bytes = 4 * GiB;
		evidence.decay_ms = 10000;
		evidence.statistics.memory_bytes = 16 * GiB;
	}

	/* Of 80 GiB that are found at most, a limit finds what it is of this one. */
	void needs(uint64_t limit_bytes)
	{
		for (unsigned i = 0; i < PROFILE_LIMITS; i++)
			figures.kept.found_bytes[i] =
				profile_limit_bytes(i) >= limit_bytes
					? 80 * GiB
					: 80 * GiB / limit_bytes * profile_limit_bytes(i);
	}

	void waits(uint64_t ms, uint64_t bytes = 80 * GiB)
	{
		unsigned i = 0;

		while (profile_age_ms(i) < ms)
			i++;
		for (uint64_t &aged : figures.kept.aged_bytes)
			aged = 0;
		figures.kept.aged_bytes[i] = bytes;
	}

	profile_figures figures = {};
	profile_evidence evidence = {};
};

std::string settings(const profile_advice &advice)
{
	std::string all;

	for (size_t i = 0; i < advice.count; i++)
		all += (i == 0 ? "" : " ") + std::string(advice.settings[i].name) + "=" +
		       advice.settings[i].value;
	return all;
}

profile_advice advise(const std::function<void(Evidence &)> &change)
{
	Evidence evidence;
	profile_advice advice;

	change(evidence);
	profile_advise(&advice, &evidence.evidence);
	return advice;
}

TEST(ProfileAdvice, FollowsTheEvidence)
{
	const struct {
		const char *what;
		std::function<void(Evidence &)> change;
		const char *settings;
	} cases[] = {
		{ "usual", [](Evidence &) {}, "WEIR_LIMIT=48M WEIR_DECAY=1s" },
		{ "needs more than the limit in force",
		  [](Evidence &e) { e.evidence.limit_bytes = 8 * MiB; },
		  "WEIR_LIMIT=48M WEIR_DECAY=1s" },
		{ "98 in 100 are enough",
		  [](Evidence &e) {
			  e.needs(1000 * MiB);
			  e.figures.kept.found_bytes[10] = 80 * GiB / 100 * 98;
		  },
		  "WEIR_LIMIT=32M WEIR_DECAY=1s" },
		{ "waits as long as the decay", [](Evidence &e) { e.waits(10000); },
		  "WEIR_LIMIT=48M" },
		{ "waits longer than the decay", [](Evidence &e) { e.waits(30000); },
		  "WEIR_LIMIT=48M WEIR_DECAY=30s" },
		{ "waits very long", [](Evidence &e) { e.waits(700000); },
		  "WEIR_LIMIT=48M WEIR_DECAY=off" },
		{ "nothing is used again",
		  [](Evidence &e) {
			  for (uint64_t &found : e.figures.kept.found_bytes)
				  found = GiB / 2;
			  e.waits(500, GiB / 2);
		  },
		  "WEIR_PRESET=off" },
		{ "requests above WEIR_MAX",
		  [](Evidence &e) {
			  e.evidence.max_bytes = 32 * MiB;
			  e.evidence.statistics.oversize = 9;
			  e.figures.passed_largest_bytes = 33 * MiB;
		  },
		  "WEIR_LIMIT=48M WEIR_DECAY=1s WEIR_MAX=64M" },
		{ "requests above all that there can be",
		  [](Evidence &e) {
			  e.evidence.statistics.oversize = 9;
			  e.figures.passed_largest_bytes = 5 * GiB;
		  },
		  "WEIR_LIMIT=48M WEIR_DECAY=1s" },
		{ "one giant that others would have to give way for",
		  [](Evidence &e) {
			  e.figures.sizes[18] = { 1, 900 * MiB };
			  e.figures.largest_bytes = 900 * MiB;
		  },
		  "WEIR_LIMIT=48M WEIR_DECAY=1s WEIR_MAX=1M" },
		{ "a giant of many",
		  [](Evidence &e) {
			  e.figures.sizes[18] = { 3, 2700 * MiB };
			  e.figures.largest_bytes = 900 * MiB;
		  },
		  "WEIR_LIMIT=48M WEIR_DECAY=1s" },
		{ "a giant where requests go past WEIR_MAX anyway",
		  [](Evidence &e) {
			  e.figures.sizes[18] = { 1, 900 * MiB };
			  e.figures.largest_bytes = 900 * MiB;
			  e.figures.passed_largest_bytes = 6 * GiB;
			  e.evidence.statistics.oversize = 1;
		  },
		  "WEIR_LIMIT=48M WEIR_DECAY=1s" },
		{ "a giant among few others",
		  [](Evidence &e) {
			  e.figures.requests = 99;
			  e.figures.sizes[18] = { 1, 900 * MiB };
			  e.figures.largest_bytes = 900 * MiB;
		  },
		  "WEIR_LIMIT=48M WEIR_DECAY=1s" },
		{ "idles longer than its decay",
		  [](Evidence &e) {
			  e.figures.idle_ns = 11 * s;
			  e.figures.idle_retained_bytes = 40 * MiB;
		  },
		  "WEIR_LIMIT=48M WEIR_DECAY=1s WEIR_BACKGROUND=1" },
		{ "idles with a helper thread",
		  [](Evidence &e) {
			  e.figures.idle_ns = 11 * s;
			  e.figures.idle_retained_bytes = 40 * MiB;
			  e.evidence.has_helper = true;
		  },
		  "WEIR_LIMIT=48M WEIR_DECAY=1s" },
		{ "idles for a while",
		  [](Evidence &e) {
			  e.figures.idle_ns = 9 * s;
			  e.figures.idle_retained_bytes = 40 * MiB;
		  },
		  "WEIR_LIMIT=48M WEIR_DECAY=1s" },
		{ "handles the signal",
		  [](Evidence &e) { e.evidence.statistics.has_own_handler = true; },
		  "WEIR_LIMIT=48M WEIR_DECAY=1s WEIR_SIGNAL=RTMIN+18" },
		{ "memory is short",
		  [](Evidence &e) { e.evidence.statistics.memory_bytes = 800 * MiB; },
		  "WEIR_LIMIT=48M WEIR_DECAY=1s WEIR_PRESSURE=1" },
		{ "memory is short, which is known",
		  [](Evidence &e) {
			  e.evidence.statistics.memory_bytes = 800 * MiB;
			  e.evidence.has_pressure = true;
		  },
		  "WEIR_LIMIT=48M WEIR_DECAY=1s" },
		{ "refused by its live limit",
		  [](Evidence &e) {
			  e.evidence.statistics.refused_live = 2;
			  e.figures.refused_largest_bytes = 5 * MiB + 1;
		  },
		  "WEIR_LIMIT=48M WEIR_DECAY=1s WEIR_LIVE_LIMIT=56M" },
		{ "no requests", [](Evidence &e) { e.figures = {}; }, "" },
	};

	for (const auto &one : cases) {
		profile_advice advice = advise(one.change);

		EXPECT_EQ(one.settings, settings(advice)) << one.what;
		for (size_t i = 0; i < advice.count; i++)
			EXPECT_NE('\0', advice.settings[i].reason[0]) << one.what;
	}
}

TEST(ProfileAdvice, GivesFiguresAsReasons)
{
	profile_advice usual = advise([](Evidence &) {});
	profile_advice small = advise([](Evidence &e) { e.evidence.limit_bytes = 8 * MiB; });

	EXPECT_STREQ("keeps 100.0 % of the bytes that are used again; the 512.0 MiB in force keep "
		     "no more to speak of",
		     usual.settings[0].reason);
	EXPECT_STREQ(
		"the 8.0 MiB in force keep 20.0 % of the bytes that are used again, this keeps "
		"100.0 %",
		small.settings[0].reason);
}

TEST(ProfileAdvice, EstimatesWhatIsSaved)
{
	Evidence evidence;
	profile_saving saving = profile_save(&evidence.evidence);

	EXPECT_EQ(80 * GiB, saving.found_bytes);
	EXPECT_EQ(70 * GiB, saving.bytes) << "20 GiB faulted, and 90 by the C library";
	EXPECT_EQ(70 * 1024 * 200000ULL, saving.ns);
	evidence.waits(20000);
	EXPECT_EQ(0U, profile_save(&evidence.evidence).bytes) << "its decay is shorter";
}

TEST(ProfileAdvice, SaysWhenWeirCannotHelp)
{
	auto little = [](Evidence &e) { e.figures.libc_faulted_bytes = 20 * GiB + 10 * MiB; };
	profile_advice helps = advise([](Evidence &) {});
	profile_advice little_saved = advise(little);
	profile_advice cannot = advise([&](Evidence &e) {
		little(e);
		e.evidence.peak.memory.bytes[CENSUS_DIRECT] = 3 * GiB;
	});
	profile_advice nothing = advise([](Evidence &e) { e.figures = {}; });
	profile_advice unseen = advise([&](Evidence &e) {
		little(e);
		e.evidence.peak = {};
	});
	profile_advice missed = advise([&](Evidence &e) {
		little(e);
		e.evidence.peak.memory.bytes[CENSUS_WEIR] = 4 * KiB;
		e.evidence.peak.live_bytes = 24 * MiB;
	});
	profile_advice hot =
		advise([](Evidence &e) { e.evidence.peak.memory.bytes[CENSUS_DIRECT] = 3 * GiB; });

	EXPECT_EQ(PROFILE_HELPS, helps.verdict);
	EXPECT_STREQ("weir serves 75.0 % of the memory, and saves 70.0 GiB of page faults, about "
		     "14336 ms or 100.0 % of the time it ran",
		     helps.summary);
	EXPECT_EQ(PROFILE_HELPS_LITTLE, little_saved.verdict);
	EXPECT_STREQ("weir serves 75.0 % of the memory, but saves only 10.0 MiB of page faults, "
		     "about 2.0 ms or 0.0 % of the time it ran",
		     little_saved.summary);
	EXPECT_EQ(PROFILE_CANNOT_HELP, cannot.verdict);
	EXPECT_STREQ("weir serves 2.8 % of the memory: it cannot help here; most of it, 3.0 GiB, "
		     "is: mapped directly, other allocators",
		     cannot.summary);
	EXPECT_EQ(0U, cannot.count) << "no settings then";
	EXPECT_EQ(PROFILE_CANNOT_HELP, nothing.verdict);
	EXPECT_EQ(0U, std::string(nothing.summary)
			      .find("weir got no large request: it cannot help here"));
	EXPECT_EQ(PROFILE_HELPS_LITTLE, unseen.verdict);
	EXPECT_EQ(PROFILE_HELPS_LITTLE, missed.verdict) << "when it was seen, little was live";
	EXPECT_EQ(0U, std::string(missed.summary).find("weir serves the large requests, but"));
	EXPECT_EQ(PROFILE_HELPS, hot.verdict) << "little memory that is used all the time";
}

} // namespace
