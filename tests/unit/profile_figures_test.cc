#include "opened_trace.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

extern "C" {
#include "profile_figures.h"
#include "profile_libc.h"
#include "profile_live.h"
}

namespace
{

constexpr uint64_t KiB = 1024, MiB = 1024 * KiB, GiB = 1024 * MiB;
constexpr uint64_t ms = 1000000, s = 1000 * ms;

struct Profile {
	explicit Profile(TraceWriter &writer, uint64_t limit_bytes = GiB) : trace(writer)
	{
		profile = profile_begin(trace.get(), limit_bytes);
		figures = profile_read(profile, trace.get());
		EXPECT_NE(nullptr, figures) << trace_problem(trace.get());
	}
	~Profile() { profile_end(profile); }
	const profile_figures *operator->() const { return figures; }

	uint64_t found(uint64_t limit_bytes) const
	{
		unsigned i = 0;

		while (profile_limit_bytes(i) != limit_bytes)
			i++;
		return figures->kept.found_bytes[i];
	}

	uint64_t aged(uint64_t up_to_ms) const
	{
		unsigned i = 0;

		while (profile_age_ms(i) != up_to_ms)
			i++;
		return figures->kept.aged_bytes[i];
	}

	OpenedTrace trace;
	struct profile *profile;
	const profile_figures *figures;
};

/* Requests */

TEST(Profile, CountsRequestsBySize)
{
	TraceWriter writer;

	writer.process(7).unit(0, 71);
	writer.malloc(10, 1, 4096).malloc(11, 2, 4097).malloc(12, 3, 64 * KiB);
	writer.calloc(13, 4, 64 * KiB + 1).malloc(14, 5, 1024 * GiB);
	writer.passed(15, 3 * GiB).passed(16, 2 * GiB).refused(17, 9 * GiB);
	Profile profile(writer);

	EXPECT_EQ(5U, profile->requests);
	EXPECT_EQ(2U, profile->calls[WEIR_TRACE_PASSED]);
	EXPECT_EQ(1U, profile->calls[WEIR_TRACE_CALLOC]);
	EXPECT_EQ(1U, profile->sizes[0].requests);
	EXPECT_EQ(4097U, profile->sizes[1].bytes);
	EXPECT_EQ(1U, profile->sizes[4].requests);
	EXPECT_EQ(64 * KiB, profile_size_bytes(4));
	EXPECT_EQ(1U, profile->sizes[5].requests);
	EXPECT_EQ(1024 * GiB, profile->sizes[PROFILE_SIZES - 1].bytes) << "the last takes the rest";
	EXPECT_EQ(1024 * GiB, profile->largest_bytes);
	EXPECT_EQ(5 * GiB, profile->passed_bytes);
	EXPECT_EQ(3 * GiB, profile->passed_largest_bytes);
	EXPECT_EQ(9 * GiB, profile->refused_largest_bytes);
}

TEST(Profile, CountsLives)
{
	TraceWriter writer;

	writer.process(7).unit(0, 71);
	for (uint64_t address = 1; address <= 6; address++)
		writer.malloc(0, address, address * MiB);
	writer.free(99999, 1).free(100000, 2).free(ms, 3).free(50 * s, 4).free(200 * s, 5);
	Profile profile(writer);
	const uint64_t expected[PROFILE_LIVES] = { 1, 1, 1, 0, 0, 0, 1, 1, 1 };

	for (unsigned i = 0; i < PROFILE_LIVES; i++)
		EXPECT_EQ(expected[i], profile->lives[i].blocks) << profile_life_name(i);
	EXPECT_EQ(6 * MiB, profile->lives[PROFILE_SURVIVED].bytes);
	EXPECT_EQ(5 * MiB, profile->lives[PROFILE_SURVIVED - 1].bytes);
}

TEST(Profile, KnowsWhoFreesWhatOthersAskedFor)
{
	TraceWriter writer;

	writer.process(7).unit(0, 71).malloc(1, 1, MiB).malloc(2, 2, 2 * MiB).malloc(3, 3, MiB);
	writer.unit(0, 72).free(10, 2).realloc(11, 3, 4, MiB).free(12, 99);
	writer.unit(0, 71).free(20, 1).free(21, 4);
	Profile profile(writer);

	EXPECT_EQ(3U, profile->freed) << "one of which nothing is known does not count";
	EXPECT_EQ(1U, profile->freed_foreign);
	EXPECT_EQ(2 * MiB, profile->freed_foreign_bytes);
}

TEST(Profile, CountsWhatReallocGrows)
{
	TraceWriter writer;

	writer.process(7).unit(0, 71).malloc(1, 1, MiB).malloc(2, 2, MiB);
	writer.realloc(10, 1, 3, 2 * MiB).realloc(20, 3, 3, 3 * MiB).realloc(30, 2, 2, 2 * MiB);
	writer.realloc(40, 2, 2, MiB).end_realloc(50, 5, MiB);
	writer.begin_realloc(60, 3).passed(61, 1000);
	writer.begin_realloc(70, 5).refused(71, 9 * GiB).free(80, 5);
	Profile profile(writer);

	EXPECT_EQ(3U, profile->grown);
	EXPECT_EQ(2U, profile->grown_blocks);
	EXPECT_EQ(2U, profile->grown_most);
	EXPECT_EQ(7U, profile->requests);
	EXPECT_EQ(MiB, profile->live_bytes) << "what became the backend's is gone, and what was "
					       "refused had stayed";
	EXPECT_EQ(5 * MiB, profile->peak_live_bytes);
}

TEST(Profile, SumsWhatIsKnownToBeTouched)
{
	TraceWriter writer;

	writer.process(7).unit(0, 71).malloc(1, 1, MiB).malloc(2, 2, MiB);
	writer.free_touched(3, 1, 64 * KiB).free(4, 2);
	Profile profile(writer);

	EXPECT_EQ(64 * KiB, profile->touched_bytes);
	EXPECT_EQ(MiB, profile->touched_of_bytes);
}

/* Over time */

TEST(Profile, FollowsLiveBytesOverTime)
{
	TraceWriter writer;

	writer.process(7).unit(0, 71);
	writer.header().end_ns = TraceWriter::start_ns + 24 * s;
	writer.malloc(0, 1, 8 * MiB).malloc(10 * s, 2, 4 * MiB).free(12 * s, 1);
	Profile profile(writer);
	const profile_moments &moments = profile->moments;
	auto live_at = [&](uint64_t ns) {
		return moments.most[ns / moments.width_ns][PROFILE_LIVE_BYTES];
	};

	EXPECT_EQ(12 * MiB, profile->peak_live_bytes);
	EXPECT_EQ(10 * s, profile->peak_live_ns);
	EXPECT_EQ(24 * s, profile->span_ns);
	EXPECT_EQ(24 * s / moments.width_ns + 1, moments.count);
	EXPECT_LT((size_t)PROFILE_MOMENTS / 2, moments.count);
	EXPECT_EQ(8 * MiB, live_at(5 * s));
	EXPECT_EQ(12 * MiB, live_at(11 * s));
	EXPECT_EQ(4 * MiB, live_at(20 * s));
	EXPECT_EQ(8 * MiB, moments.most[20 * s / moments.width_ns][PROFILE_RETAINED_BYTES]);
}

TEST(Profile, SumsProcessesUntilTheyEnd)
{
	TraceWriter writer;

	writer.process(7).unit(0, 71).malloc(0, 1, 8 * MiB).malloc(ms, 2, MiB).free(2 * ms, 2);
	writer.header().end_ns = TraceWriter::start_ns + 10 * ms;
	writer.process(8).unit(0, 81).malloc(5 * ms, 1, 4 * MiB).malloc(20 * ms, 2, 5 * MiB);
	writer.header().state = WEIR_TRACE_OPEN;
	writer.header().end_ns = 0;
	Profile profile(writer);

	EXPECT_EQ(12 * MiB, profile->peak_live_bytes);
	EXPECT_EQ(9 * MiB, profile->live_bytes);
	ASSERT_EQ(2U, profile->process_count);
	EXPECT_EQ(9 * MiB, profile->processes[0].peak_live_bytes);
	EXPECT_EQ(2U, profile->processes[1].requests);
	EXPECT_EQ(3U, profile->lives[PROFILE_SURVIVED].blocks);
	EXPECT_EQ(20 * ms, profile->span_ns);
	EXPECT_EQ(0U, profile->moments.most[profile->moments.count - 1][PROFILE_RETAINED_BYTES]);
}

/* What runs at exit, behind the end of the recording. */
TEST(Profile, TakesFreesAfterTheEnd)
{
	TraceWriter writer;

	writer.process(7).unit(0, 71).malloc(0, 1, MiB).free(30 * ms, 1);
	writer.header().end_ns = TraceWriter::start_ns + 10 * ms;
	writer.process(8).unit(0, 81).malloc(20 * ms, 1, MiB);
	Profile profile(writer);

	EXPECT_EQ(1U, profile->freed);
	EXPECT_EQ(0U, profile->processes[0].live_bytes);
	EXPECT_EQ(MiB, profile->peak_live_bytes);
}

TEST(Profile, FindsTheLongestTimeWithoutACall)
{
	TraceWriter writer;

	writer.process(7).unit(0, 71);
	writer.header().end_ns = TraceWriter::start_ns + 60 * s;
	writer.malloc(0, 1, 3 * MiB).malloc(20 * s, 2, MiB).free(21 * s, 1).malloc(33 * s, 3, MiB);
	writer.free(34 * s, 2).free(35 * s, 3).malloc(40 * s, 4, 4 * MiB);
	Profile profile(writer);

	EXPECT_EQ(12 * s, profile->idle_ns) << "nothing was retained in the longer ones";
	EXPECT_EQ(3 * MiB, profile->idle_retained_bytes);
}

/* What limits keep */

TEST(Profile, KnowsWhatEachLimitWouldKeep)
{
	TraceWriter writer;

	/* 8 blocks of 2 MiB at once, over and over: 16 MiB must be kept. */
	writer.process(7).unit(0, 71);
	for (uint64_t round = 0; round < 3; round++) {
		for (uint64_t block = 1; block <= 8; block++)
			writer.malloc(round * ms, block, 2 * MiB);
		for (uint64_t block = 1; block <= 8; block++)
			writer.free(round * ms + 1, block);
	}
	Profile profile(writer);

	EXPECT_EQ(48 * MiB, profile->kept.asked_bytes);
	EXPECT_EQ(2 * MiB, profile.found(MiB));
	EXPECT_EQ(24 * MiB, profile.found(12 * MiB));
	EXPECT_EQ(32 * MiB, profile.found(16 * MiB));
	EXPECT_EQ(32 * MiB, profile.found(GiB));
	EXPECT_EQ(32 * MiB, profile.aged(100));
}

TEST(Profile, KnowsHowLongBytesWaitedForTheirNextUse)
{
	TraceWriter writer;

	writer.process(7).unit(0, 71);
	writer.malloc(0, 1, 3 * MiB).malloc(0, 2, MiB).free(s, 1).free(2 * s, 2);
	writer.malloc(2 * s + 300 * ms, 3, 2 * MiB).malloc(30 * s, 4, 8 * MiB);
	Profile profile(writer);

	EXPECT_EQ(MiB, profile.aged(500)) << "what was freed last goes first";
	EXPECT_EQ(MiB, profile.aged(2000));
	EXPECT_EQ(2 * MiB, profile.aged(30000));
	Profile small(writer, 2 * MiB);

	EXPECT_EQ(MiB, small.aged(500));
	EXPECT_EQ(MiB, small.aged(2000));
	EXPECT_EQ(0U, small.aged(30000));
}

/* More runs than are told apart. */
TEST(Profile, LosesNoBytesOfManyFrees)
{
	TraceWriter writer;
	uint64_t address = 1;

	writer.process(7).unit(0, 71);
	for (; address <= 6000; address++) {
		if (!writer.has_room(3))
			writer.unit(0, 71);
		writer.malloc(0, address, 64 * KiB);
	}
	for (address = 1; address <= 6000; address++) {
		if (!writer.has_room(2))
			writer.unit(s, 71);
		writer.free(s + address, address);
	}
	writer.unit(2 * s, 71).malloc(2 * s, 1, 6000 * 64 * KiB);
	Profile profile(writer);
	uint64_t aged = 0;

	for (uint64_t bytes : profile->kept.aged_bytes)
		aged += bytes;
	EXPECT_EQ(6000 * 64 * KiB, aged);
}

/* What the C library would have done */

TEST(Profile, LetsTheCLibraryMapOnceBlocksAreLongerThanAnyThatWasFreed)
{
	profile_libc libc = {};
	bool is_mapped;

	EXPECT_EQ(MiB, profile_libc_take(&libc, MiB, &is_mapped));
	EXPECT_TRUE(is_mapped);
	profile_libc_put(&libc, MiB, is_mapped);
	EXPECT_EQ(MiB / 2, profile_libc_take(&libc, MiB / 2, &is_mapped));
	EXPECT_FALSE(is_mapped) << "the threshold has risen";
	profile_libc_put(&libc, MiB / 2, is_mapped);
	EXPECT_EQ(MiB / 4, profile_libc_take(&libc, 3 * MiB / 4, &is_mapped));
	EXPECT_EQ(MiB / 4, profile_libc_grow(&libc, MiB / 4, is_mapped));
	profile_libc_put(&libc, MiB, is_mapped);
	EXPECT_EQ(0U, profile_libc_take(&libc, MiB / 2, &is_mapped));
	EXPECT_EQ(3 * MiB / 4 - MiB / 2, profile_libc_take(&libc, 3 * MiB / 4, &is_mapped));
	profile_libc_put(&libc, 5 * MiB / 4, false);
	EXPECT_EQ(0U, profile_libc_take(&libc, MiB / 2, &is_mapped));
}

TEST(Profile, LetsTheCLibraryGiveBackAHeapThatIsEmptyAndLong)
{
	profile_libc libc = {};
	bool is_mapped;

	for (int i = 0; i < 3; i++)
		profile_libc_take(&libc, 100 * KiB, &is_mapped);
	profile_libc_put(&libc, 200 * KiB, is_mapped);
	EXPECT_EQ(0U, profile_libc_take(&libc, 100 * KiB, &is_mapped)) << "not empty";
	profile_libc_put(&libc, 100 * KiB, is_mapped);
	profile_libc_put(&libc, 100 * KiB, is_mapped);
	EXPECT_EQ(100 * KiB, profile_libc_take(&libc, 100 * KiB, &is_mapped));
	profile_libc_take(&libc, 64 * MiB, &is_mapped);
	profile_libc_put(&libc, 64 * MiB, is_mapped);
	profile_libc_take(&libc, 40 * MiB, &is_mapped);
	EXPECT_TRUE(is_mapped) << "the threshold ends at 32 MiB";
}

TEST(Profile, EstimatesTheFaultsOfTheCLibrary)
{
	TraceWriter writer;

	writer.process(7).unit(0, 71);
	for (uint64_t i = 0; i < 10; i++)
		writer.malloc(i * ms, 1, 40 * MiB).free(i * ms + 1, 1);
	Profile profile(writer);

	EXPECT_EQ(400 * MiB, profile->libc_faulted_bytes);
	EXPECT_EQ(360 * MiB, profile.aged(100));
}

/* The table of blocks, against a map. */
TEST(Profile, KeepsLiveBlocks)
{
	std::mt19937_64 random(1);
	std::map<std::pair<uint32_t, uint64_t>, uint64_t> expected;
	profile_live live = {};

	for (int i = 0; i < 200000; i++) {
		uint32_t process = (uint32_t)(random() % 3);
		uint64_t key = random() % 4000 * 64 * KiB;
		profile_block block = {};
		auto found = expected.find({ process, key });

		if (random() % 2 == 0) {
			block.process = process;
			block.key = key;
			block.bytes = 1 + random() % 1000;
			ASSERT_TRUE(profile_live_put(&live, &block));
			expected[{ process, key }] = block.bytes;
		} else {
			ASSERT_EQ(found != expected.end(),
				  profile_live_take(&live, process, key, &block));
			if (found != expected.end()) {
				ASSERT_EQ(found->second, block.bytes);
				expected.erase(found);
			}
		}
		ASSERT_EQ(expected.size(), live.count);
	}
	profile_live_end(&live);
}

} // namespace
