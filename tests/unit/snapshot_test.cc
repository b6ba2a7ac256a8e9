#include "test_engine.h"

#include <nlohmann/json.hpp>

#include <memory>
#include <set>

extern "C" {
#include "snapshot.h"
}

namespace
{

using nlohmann::json;

/* A process whose memory is made up here: addresses lead to these bytes and nowhere else. */
struct Process {
	Process()
	{
		shown->size = sizeof *shown;
		shown->version = WEIR_STATS_VERSION;
		shown->state = WEIR_STATE_READY;
		shown->page_bytes = 4096;
	}

	/* The slots of region r, which are at r + 1 MiB, all of one pool. */
	void put(unsigned region, const std::vector<uint64_t> &words, uint16_t pieces = 0,
		 uint16_t pool = 0)
	{
		std::vector<weir_slot> slots;
		uint32_t fresh = (uint32_t)words.size();

		for (uint64_t word : words)
			slots.push_back({ word, 0, pieces, pool });
		map(fresh_at(region), &fresh, sizeof fresh);
		map(slots_at(region), slots.data(), slots.size() * sizeof slots[0]);
		shown->regions[region] = { slots_at(region), fresh_at(region) };
	}

	static uint64_t slots_at(unsigned region) { return (region + 1) * mib; }
	static uint64_t fresh_at(unsigned region) { return slots_at(region) - 64; }

	void map(uint64_t address, const void *from, size_t bytes)
	{
		memory[address].assign((const char *)from, (const char *)from + bytes);
	}

	static bool read(void *context, uint64_t address, void *to, size_t bytes)
	{
		Process *process = (Process *)context;
		auto range = process->memory.upper_bound(address);

		process->reads++;
		if (range == process->memory.begin())
			return false;
		--range;
		if (address - range->first + bytes > range->second.size())
			return false;
		memcpy(to, range->second.data() + (address - range->first), bytes);
		return true;
	}

	/* A directory of pools, of which the first is malloc's place. */
	void put_pools(const std::vector<weir_stats_pool> &pools, size_t stride = 0)
	{
		stride = stride > 0 ? stride : sizeof pools[0];
		std::vector<char> bytes(pools.size() * stride);

		for (size_t i = 0; i < pools.size(); i++)
			memcpy(&bytes[i * stride], &pools[i], sizeof pools[i]);
		map(directory_at, bytes.data(), bytes.size());
		shown->pools_address = directory_at;
		shown->pools = (uint32_t)pools.size();
		shown->pool_stride_bytes = (uint32_t)stride;
	}

	static constexpr uint64_t directory_at = (uint64_t)1 << 40;

	bool take()
	{
		memset(&snapshot, 0xa5, sizeof snapshot);
		return weir_snapshot_take(&snapshot, shown.get(), read, this);
	}

	const weir_snapshot_class &class_for(size_t bytes)
	{
		return snapshot.classes[weir_class_of(weir_region_of(bytes, 1), bytes)];
	}

	std::unique_ptr<struct weir_stats_page> shown{ new struct weir_stats_page() };
	std::map<uint64_t, std::vector<char>> memory;
	weir_snapshot snapshot;
	unsigned reads = 0;
};

uint64_t live_word(size_t reach, size_t extent, uint64_t flags = 0)
{
	return weir_slot_word(WEIR_SLOT_LIVE | flags, reach, extent >> WEIR_UNIT_SHIFT);
}

uint64_t free_word(size_t extent, uint64_t flags = 0)
{
	return weir_slot_word(flags, 0, extent >> WEIR_UNIT_SHIFT);
}

uint64_t usage(size_t live, size_t retained)
{
	return weir_usage_delta((int64_t)(live >> WEIR_UNIT_SHIFT),
				(int64_t)(retained >> WEIR_UNIT_SHIFT));
}

/* What is trusted */

TEST(Snapshot, RefusesAPageOfAnotherVersion)
{
	Process process;

	EXPECT_TRUE(process.take());
	process.shown->version = WEIR_STATS_VERSION + 1;
	EXPECT_FALSE(process.take());
}

TEST(Snapshot, RefusesAPageThatIsTooShortAndTakesALongerOne)
{
	Process process;

	process.shown->size = sizeof *process.shown - 1;
	EXPECT_FALSE(process.take());
	process.shown->size = sizeof *process.shown + 4096;
	EXPECT_TRUE(process.take());
}

TEST(Snapshot, RefusesAPageSizeThatIsNoPowerOfTwo)
{
	Process process;

	for (uint64_t bytes : { (uint64_t)0, (uint64_t)4097, UINT64_MAX }) {
		process.shown->page_bytes = bytes;
		EXPECT_FALSE(process.take()) << bytes;
	}
}

TEST(Snapshot, RefusesSlotsThatCannotBeRead)
{
	Process process;

	process.put(4, { free_word(mib) });
	EXPECT_TRUE(process.take());
	process.shown->regions[4].slots_address = 12345;
	EXPECT_FALSE(process.take());
	process.put(4, { free_word(mib) });
	process.shown->regions[4].fresh_address = UINT64_MAX;
	EXPECT_FALSE(process.take());
}

TEST(Snapshot, RefusesMoreSlotsThanThereCanBe)
{
	Process process;
	uint32_t most = UINT32_MAX;

	process.put(0, { free_word(64 * kib) });
	process.map(Process::fresh_at(0), &most, sizeof most);
	EXPECT_FALSE(process.take());
	EXPECT_LT(process.reads, 10U);
}

TEST(Snapshot, LooksAtNoSlotsBeforeTheEngineIsReady)
{
	Process process;

	process.put(4, { free_word(mib) });
	for (weir_state state : { WEIR_STATE_OFF, WEIR_STATE_IDLE, WEIR_STATE_UNAVAILABLE }) {
		process.shown->state = state;
		ASSERT_TRUE(process.take());
		EXPECT_EQ(state, process.snapshot.state);
		EXPECT_EQ(0U, process.snapshot.retained_blocks);
	}
	EXPECT_EQ(0U, process.reads);
}

TEST(Snapshot, LeavesOutSlotsWhoseWordMakesNoSense)
{
	Process process;

	process.put(0, { free_word(64 * kib), ~(uint64_t)0, live_word(65 * kib, 0),
			 free_word(68 * kib), free_word(WEIR_GIB) });
	ASSERT_TRUE(process.take());
	EXPECT_EQ(1U, process.snapshot.retained_blocks);
	EXPECT_EQ(0U, process.snapshot.live_blocks);
	EXPECT_EQ(64 * kib, process.class_for(64 * kib).retained_bytes);
}

TEST(Snapshot, TakesAnyPageWithoutHarm)
{
	Process process;
	unsigned taken = 0;
	uint64_t state = 1;

	for (unsigned round = 0; round < 200; round++) {
		unsigned char *bytes = (unsigned char *)process.shown.get();

		for (size_t at = 0; at < sizeof *process.shown; at++)
			bytes[at] =
				(unsigned char)((state = state * 6364136223846793005U + 1) >> 56);
		process.shown->size = sizeof *process.shown;
		process.shown->version = WEIR_STATS_VERSION;
		process.shown->page_bytes = (uint64_t)1 << (round % 64);
		process.shown->state = round % 2 ? (uint32_t)WEIR_STATE_READY : (uint32_t)state;
		memset(process.shown->regions, 0, sizeof process.shown->regions);
		process.shown->pools_address = 0;
		process.put(round % 17, { state, ~state, state << 20 });
		taken += process.take();
		EXPECT_STRNE("", weir_state_name(process.snapshot.state));
		EXPECT_STRNE("", weir_signal_owner_name(process.snapshot.signal_owner));
		EXPECT_LT(strlen(process.snapshot.program), sizeof process.snapshot.program);
		EXPECT_LT(strlen(process.snapshot.socket), sizeof process.snapshot.socket);
		EXPECT_LT(strlen(process.snapshot.version), sizeof process.snapshot.version);
	}
	EXPECT_EQ(200U, taken);
}

/* What is decoded */

TEST(Snapshot, CopiesWhatThePageSays)
{
	Process process;
	struct weir_stats_page &shown = *process.shown;

	strcpy(shown.weir_version, "1.2.3");
	strcpy(shown.program, "node");
	strcpy(shown.socket, "/run/weir/1-2.sock");
	shown.signal = 12;
	shown.signal_owner = WEIR_SIGNAL_PROGRAM;
	shown.limit_bytes = 77 * mib;
	shown.counters[WEIR_COUNT_oversize] = 5;
	shown.counters[WEIR_COUNT_remap_failures] = 6;
	shown.released[WEIR_TRIGGER_socket] = { 10, 2, 3, 400 };
	ASSERT_TRUE(process.take());
	const weir_snapshot &snapshot = process.snapshot;

	EXPECT_STREQ("1.2.3", snapshot.version);
	EXPECT_STREQ("node", snapshot.program);
	EXPECT_STREQ("/run/weir/1-2.sock", snapshot.socket);
	EXPECT_EQ(12, snapshot.signal);
	EXPECT_EQ(WEIR_SIGNAL_PROGRAM, snapshot.signal_owner);
	EXPECT_EQ(77 * mib, snapshot.limit_bytes);
	EXPECT_EQ(5U, snapshot.counters[WEIR_COUNT_oversize]);
	EXPECT_EQ(6U, snapshot.counters[WEIR_COUNT_remap_failures]);
	EXPECT_EQ(40 * kib, snapshot.released[WEIR_TRIGGER_socket].bytes);
	EXPECT_EQ(2U, snapshot.released[WEIR_TRIGGER_socket].blocks);
	EXPECT_EQ(3U, snapshot.released[WEIR_TRIGGER_socket].releases);
	EXPECT_EQ(400U, snapshot.released[WEIR_TRIGGER_socket].ns);
	EXPECT_EQ(0U, snapshot.released[WEIR_TRIGGER_signal].blocks);
	EXPECT_EQ(0U, snapshot.pid);
	EXPECT_STREQ("", snapshot.backend);
}

TEST(Snapshot, EndsTextsThatThePageDoesNot)
{
	Process process;

	memset(process.shown->program, 'p', sizeof process.shown->program);
	memset(process.shown->weir_version, 'v', sizeof process.shown->weir_version);
	memset(process.shown->socket, 's', sizeof process.shown->socket);
	ASSERT_TRUE(process.take());
	EXPECT_EQ(std::string(WEIR_STATS_PROGRAM_BYTES - 1, 'p'), process.snapshot.program);
	EXPECT_EQ(std::string(15, 'v'), process.snapshot.version);
	EXPECT_EQ(std::string(WEIR_STATS_SOCKET_BYTES - 1, 's'), process.snapshot.socket);
}

TEST(Snapshot, CountsBlocksOfEachClass)
{
	Process process;

	process.put(4,
		    { live_word(mib, mib), live_word(600 * kib, mib), free_word(mib),
		      free_word(700 * kib), free_word(0), live_word(mib, 0) },
		    3);
	ASSERT_TRUE(process.take());
	EXPECT_EQ(3U, process.snapshot.live_blocks);
	EXPECT_EQ(2U, process.snapshot.retained_blocks);
	EXPECT_EQ(2U, process.class_for(mib).live_blocks);
	EXPECT_EQ(1U, process.class_for(mib).retained_blocks);
	EXPECT_EQ(mib, process.class_for(mib).retained_bytes);
	EXPECT_EQ(1U, process.class_for(600 * kib).live_blocks);
	EXPECT_EQ(mib - 600 * kib, process.class_for(600 * kib).retained_bytes);
	EXPECT_EQ(1U, process.class_for(700 * kib).retained_blocks);
	EXPECT_EQ(18U, process.snapshot.mappings);
}

TEST(Snapshot, ReadsEverySlotHoweverManyThereAre)
{
	Process process;

	for (size_t count : { (size_t)127, (size_t)128, (size_t)129, (size_t)1000 }) {
		process.put(0, std::vector<uint64_t>(count, free_word(64 * kib)));
		ASSERT_TRUE(process.take());
		EXPECT_EQ(count, process.snapshot.retained_blocks);
	}
}

TEST(Snapshot, CountsRetainedPagesOfLiveBlocksByThePageSizeOfTheProcess)
{
	Process process;

	process.shown->page_bytes = 64 * kib;
	process.put(1, { live_word(65 * kib, 128 * kib) });
	ASSERT_TRUE(process.take());
	EXPECT_EQ(0U, process.class_for(65 * kib).retained_bytes);
	process.shown->page_bytes = 4 * kib;
	ASSERT_TRUE(process.take());
	EXPECT_EQ(60 * kib, process.class_for(65 * kib).retained_bytes);
}

TEST(Snapshot, CountsCachedBlocksThatAreLiveAsLive)
{
	Process process;

	process.put(4, { live_word(mib, mib, WEIR_SLOT_CACHED), free_word(mib, WEIR_SLOT_CACHED) });
	process.shown->pool.usage.word = usage(0, 2 * mib);
	ASSERT_TRUE(process.take());
	EXPECT_EQ(mib, process.snapshot.live_bytes);
	EXPECT_EQ(mib, process.snapshot.retained_bytes);
	EXPECT_EQ(1U, process.snapshot.live_blocks);
	EXPECT_EQ(1U, process.snapshot.retained_blocks);
}

TEST(Snapshot, TakesOffNoMoreCreditThanIsRetained)
{
	Process process;

	process.put(4, { live_word(mib, mib, WEIR_SLOT_CACHED) });
	process.shown->pool.usage.word = usage(0, 512 * kib);
	ASSERT_TRUE(process.take());
	EXPECT_EQ(512 * kib, process.snapshot.live_bytes);
	EXPECT_EQ(0U, process.snapshot.retained_bytes);
}

TEST(Snapshot, ShowsNoPeakBelowWhatThereIsNow)
{
	Process process;
	weir_usage &words = process.shown->pool.usage;

	words.word = usage(3 * mib, 2 * mib);
	words.peak_live_units = mib >> WEIR_UNIT_SHIFT;
	words.peak_retained_units = (9 * mib) >> WEIR_UNIT_SHIFT;
	ASSERT_TRUE(process.take());
	EXPECT_EQ(3 * mib, process.snapshot.peak_live_bytes);
	EXPECT_EQ(9 * mib, process.snapshot.peak_retained_bytes);
	EXPECT_EQ(5 * mib, process.snapshot.peak_footprint_bytes);
}

TEST(Snapshot, AddsUpRequestsOfListsAndCache)
{
	Process process;
	weir_pool_counts &pool = process.shown->pool;

	pool.classes[3] = { 10, 2 };
	pool.classes[60] = { 1, 4 };
	pool.cached_hits[0][3] = 100;
	pool.cached_hits[15][3] = 1000;
	ASSERT_TRUE(process.take());
	EXPECT_EQ(1110U, process.snapshot.classes[3].hits);
	EXPECT_EQ(2U, process.snapshot.classes[3].misses);
	EXPECT_EQ(1111U, process.snapshot.hits);
	EXPECT_EQ(6U, process.snapshot.misses);
	EXPECT_EQ(1117U, process.snapshot.requests);
}

TEST(Snapshot, ListsEachFieldOnceWithItsHelp)
{
	std::set<std::string> names;
	std::set<size_t> places;

	for (const weir_snapshot_field &field : weir_snapshot_fields) {
		names.insert(field.name);
		places.insert(field.at);
		EXPECT_STRNE("", field.help);
	}
	EXPECT_EQ((size_t)WEIR_SNAPSHOT_FIELDS, names.size());
	EXPECT_EQ((size_t)WEIR_SNAPSHOT_FIELDS, places.size());
	for (int i = 0; i < WEIR_COUNTER_COUNT; i++)
		EXPECT_EQ(1U, names.count(weir_counter_name((weir_counter)i)));
}

TEST(Snapshot, KnowsAClassThatIsUsed)
{
	for (auto field :
	     { &weir_snapshot_class::hits, &weir_snapshot_class::misses,
	       &weir_snapshot_class::live_blocks, &weir_snapshot_class::retained_blocks }) {
		weir_snapshot_class counts = {};

		counts.size_bytes = mib;
		EXPECT_FALSE(weir_snapshot_class_is_used(&counts));
		counts.*field = 1;
		EXPECT_TRUE(weir_snapshot_class_is_used(&counts));
	}
}

/* Pools */

weir_stats_pool pool_named(const char *name, size_t leased = 0, size_t retained = 0)
{
	weir_stats_pool pool = {};

	pool.state = WEIR_POOL_OPEN;
	strncpy(pool.name, name, sizeof pool.name);
	pool.limit_bytes = 64 * mib;
	pool.counts.usage.word = usage(leased, retained);
	return pool;
}

const weir_stats_pool no_pool = {};

struct ProcessWithPools : Process {
	ProcessWithPools() { shown->limit_bytes = 512 * mib; }
};

TEST(Snapshot, HasNoPoolsWhereThereIsNoDirectory)
{
	Process process;

	ASSERT_TRUE(process.take());
	EXPECT_EQ(0U, process.snapshot.pool_count);
	process.put_pools({ no_pool, no_pool });
	ASSERT_TRUE(process.take());
	EXPECT_EQ(0U, process.snapshot.pool_count);
}

TEST(Snapshot, CopiesWhatTheDirectorySays)
{
	ProcessWithPools process;
	weir_stats_pool frames = pool_named("frames", 3 * mib, 2 * mib);

	frames.counts.usage.peak_live_units = (9 * mib) >> WEIR_UNIT_SHIFT;
	frames.counts.usage.peak_retained_units = (5 * mib) >> WEIR_UNIT_SHIFT;
	frames.counts.classes[3] = { 10, 2 };
	frames.counts.cached_hits[7][3] = 100;
	frames.oversize = 4;
	process.put_pools({ no_pool, no_pool, frames });
	ASSERT_TRUE(process.take());
	ASSERT_EQ(1U, process.snapshot.pool_count);
	const weir_snapshot_pool &pool = process.snapshot.pools[0];

	EXPECT_STREQ("frames", pool.name);
	EXPECT_EQ(2U, pool.place);
	EXPECT_EQ((uint32_t)WEIR_POOL_OPEN, pool.state);
	EXPECT_EQ(64 * mib, pool.limit_bytes);
	EXPECT_EQ(3 * mib, pool.leased_bytes);
	EXPECT_EQ(2 * mib, pool.retained_bytes);
	EXPECT_EQ(9 * mib, pool.peak_leased_bytes);
	EXPECT_EQ(5 * mib, pool.peak_retained_bytes);
	EXPECT_EQ(110U, pool.hits);
	EXPECT_EQ(2U, pool.misses);
	EXPECT_EQ(112U, pool.leases);
	EXPECT_EQ(4U, pool.oversize);
	EXPECT_EQ(0U, pool.block_bytes);
}

TEST(Snapshot, AddsLeasesToTheRequestsOfTheProcess)
{
	ProcessWithPools process;
	weir_stats_pool one = pool_named("one"), other = pool_named("other");

	process.shown->pool.classes[3] = { 1, 2 };
	one.counts.classes[3] = { 10, 20 };
	other.counts.classes[4] = { 100, 200 };
	process.put_pools({ no_pool, one, other });
	ASSERT_TRUE(process.take());
	EXPECT_EQ(111U, process.snapshot.hits);
	EXPECT_EQ(222U, process.snapshot.misses);
	EXPECT_EQ(333U, process.snapshot.requests);
	EXPECT_EQ(11U, process.snapshot.classes[3].hits);
	EXPECT_EQ(200U, process.snapshot.classes[4].misses);
	EXPECT_EQ(30U, process.snapshot.pools[0].leases);
}

TEST(Snapshot, CountsBlocksOfEachPool)
{
	ProcessWithPools process;

	process.put_pools({ no_pool, pool_named("one"), pool_named("other") });
	process.put(4, { live_word(mib, mib), free_word(mib), free_word(0) }, 0, 1);
	process.put(5, { live_word(2 * mib, 2 * mib), live_word(2 * mib, 0) }, 0, 2);
	process.put(6, { live_word(4 * mib, 4 * mib), free_word(4 * mib) }, 0, 0);
	ASSERT_TRUE(process.take());
	ASSERT_EQ(2U, process.snapshot.pool_count);
	EXPECT_EQ(1U, process.snapshot.pools[0].leased_blocks);
	EXPECT_EQ(1U, process.snapshot.pools[0].retained_blocks);
	EXPECT_EQ(2U, process.snapshot.pools[1].leased_blocks);
	EXPECT_EQ(0U, process.snapshot.pools[1].retained_blocks);
	EXPECT_EQ(4U, process.snapshot.live_blocks);
	EXPECT_EQ(2U, process.snapshot.retained_blocks);
}

TEST(Snapshot, CountsCachedBlocksOfAPoolThatAreLeasedAsLeased)
{
	ProcessWithPools process;

	process.shown->pool.usage.word = usage(0, 4 * mib);
	process.put_pools({ no_pool, pool_named("one", 0, 2 * mib), pool_named("other", 0, mib) });
	process.put(4,
		    { live_word(mib, mib, WEIR_SLOT_CACHED), free_word(mib, WEIR_SLOT_CACHED) | 1 },
		    0, 1);
	ASSERT_TRUE(process.take());
	EXPECT_EQ(mib, process.snapshot.live_bytes);
	EXPECT_EQ(mib, process.snapshot.pools[0].leased_bytes);
	EXPECT_EQ(mib, process.snapshot.pools[0].retained_bytes);
	EXPECT_EQ(mib, process.snapshot.pools[0].peak_leased_bytes);
	EXPECT_EQ(1U, process.snapshot.pools[0].leased_blocks);
	EXPECT_EQ(1U, process.snapshot.pools[0].retained_blocks);
	EXPECT_EQ(mib, process.snapshot.pools[1].retained_bytes);
}

TEST(Snapshot, CountsBlocksOfOneSizeAndTheSlabsThatTheyNeeded)
{
	ProcessWithPools process;
	weir_stats_pool small = pool_named("small", 256 * kib, 128 * kib);
	const uint64_t out = 33;

	small.block_bytes = 4 * kib;
	small.block_leases = 1000;
	small.blocks_out_address = 16 * mib * kib;
	process.map(small.blocks_out_address, &out, sizeof out);
	small.counts.classes[4] = { 5, 7 };
	process.put_pools({ no_pool, small });
	process.put(1,
		    { live_word(128 * kib, 128 * kib), live_word(128 * kib, 128 * kib),
		      free_word(128 * kib) },
		    0, 1);
	ASSERT_TRUE(process.take());
	const weir_snapshot_pool &pool = process.snapshot.pools[0];

	EXPECT_EQ(4 * kib, pool.block_bytes);
	EXPECT_EQ(33U, pool.leased_blocks);
	EXPECT_EQ(33 * 4 * kib, pool.leased_bytes);
	EXPECT_EQ(1U, pool.retained_blocks);
	EXPECT_EQ(128 * kib, pool.retained_bytes);
	EXPECT_EQ(256 * kib, pool.peak_leased_bytes);
	EXPECT_EQ(1000U, pool.leases);
	EXPECT_EQ(993U, pool.hits);
	EXPECT_EQ(7U, pool.misses);
	EXPECT_EQ(1000U, process.snapshot.requests);
	EXPECT_EQ(2U, process.snapshot.live_blocks);
}

TEST(Snapshot, CountsNoHitsBelowNone)
{
	ProcessWithPools process;
	weir_stats_pool small = pool_named("small");

	small.block_bytes = 4 * kib;
	small.block_leases = 3;
	small.counts.classes[4] = { 0, 7 };
	process.put_pools({ no_pool, small });
	ASSERT_TRUE(process.take());
	EXPECT_EQ(0U, process.snapshot.pools[0].hits);
	EXPECT_EQ(7U, process.snapshot.pools[0].leases);
}

TEST(Snapshot, ShowsThatThePoolsLimitIsTheProcesssWhereThatIsLess)
{
	ProcessWithPools process;
	weir_stats_pool pool = pool_named("any");

	pool.limit_bytes = UINT64_MAX;
	process.put_pools({ no_pool, pool });
	ASSERT_TRUE(process.take());
	EXPECT_EQ(512 * mib, process.snapshot.pools[0].limit_bytes);
}

TEST(Snapshot, ShowsPoolsThatAreDisposedOfWhileAnythingOfThemIsLeft)
{
	ProcessWithPools process;
	weir_stats_pool late = pool_named("late", mib), gone = pool_named("gone"),
			changing = pool_named("changing", mib);

	late.state = gone.state = WEIR_POOL_DISPOSED;
	changing.state = WEIR_POOL_DISPOSED + 1;
	late.counts.classes[3] = gone.counts.classes[3] = changing.counts.classes[3] = { 1, 0 };
	process.put_pools({ no_pool, gone, late, changing });
	ASSERT_TRUE(process.take());
	ASSERT_EQ(1U, process.snapshot.pool_count);
	EXPECT_STREQ("late", process.snapshot.pools[0].name);
	EXPECT_STREQ("disposed", weir_pool_state_name(process.snapshot.pools[0].state));
	EXPECT_EQ(3U, process.snapshot.requests);
}

TEST(Snapshot, NamesStatesOfPools)
{
	EXPECT_STREQ("open", weir_pool_state_name(WEIR_POOL_OPEN));
	EXPECT_STREQ("none", weir_pool_state_name(WEIR_POOL_NONE));
	EXPECT_STREQ("disposed", weir_pool_state_name(WEIR_POOL_DISPOSED));
	EXPECT_STREQ("unknown", weir_pool_state_name(77));
}

TEST(Snapshot, ReadsPoolsThatStandFurtherApartThanItKnows)
{
	ProcessWithPools process;

	process.put_pools({ no_pool, pool_named("one"), pool_named("other") },
			  sizeof(weir_stats_pool) + 128);
	ASSERT_TRUE(process.take());
	ASSERT_EQ(2U, process.snapshot.pool_count);
	EXPECT_STREQ("other", process.snapshot.pools[1].name);
}

TEST(Snapshot, ReadsNoPoolsThatStandTooClose)
{
	ProcessWithPools process;

	process.put_pools({ pool_named("one"), pool_named("one") });
	for (uint32_t stride : { 0U, 1U, (uint32_t)sizeof(weir_stats_pool) - 1 }) {
		process.shown->pool_stride_bytes = stride;
		ASSERT_TRUE(process.take());
		EXPECT_EQ(0U, process.snapshot.pool_count);
	}
}

TEST(Snapshot, ReadsNoMorePoolsThanThereCanBe)
{
	ProcessWithPools process;
	std::vector<weir_stats_pool> pools(300, pool_named("one"));

	process.put_pools(pools);
	process.shown->pools = UINT32_MAX;
	ASSERT_TRUE(process.take());
	EXPECT_EQ((uint32_t)WEIR_SNAPSHOT_POOLS, process.snapshot.pool_count);
	EXPECT_EQ((uint32_t)WEIR_POOLS_MAX - 1, process.snapshot.pools[254].place);
}

TEST(Snapshot, RefusesADirectoryThatCannotBeRead)
{
	ProcessWithPools process;

	process.put_pools({ no_pool, pool_named("one") });
	process.shown->pools = 3;
	EXPECT_FALSE(process.take());
	process.shown->pools_address = UINT64_MAX - 5;
	EXPECT_FALSE(process.take());
}

TEST(Snapshot, EndsNamesThatTheDirectoryDoesNot)
{
	ProcessWithPools process;
	weir_stats_pool pool = pool_named("");

	memset(pool.name, 'n', sizeof pool.name);
	process.put_pools({ no_pool, pool });
	ASSERT_TRUE(process.take());
	EXPECT_EQ(std::string(31, 'n'), process.snapshot.pools[0].name);
}

TEST(Snapshot, LeavesOutSlotsOfPoolsThatThereAreNot)
{
	ProcessWithPools process;

	process.put_pools({ no_pool, pool_named("one") });
	for (unsigned place : { 0U, 2U, 255U, 256U, 257U, 65535U }) {
		process.put(4, { live_word(mib, mib), free_word(mib) }, 0, (uint16_t)place);
		ASSERT_TRUE(process.take());
		EXPECT_EQ(0U, process.snapshot.pools[0].leased_blocks) << place;
		EXPECT_EQ(1U, process.snapshot.live_blocks) << place;
	}
}

TEST(Snapshot, ListsEachFieldOfAPoolOnceWithItsHelp)
{
	std::set<std::string> names;
	std::set<size_t> places;

	for (const weir_snapshot_field &field : weir_snapshot_pool_fields) {
		names.insert(field.name);
		places.insert(field.at);
		EXPECT_STRNE("", field.help);
	}
	EXPECT_EQ((size_t)WEIR_SNAPSHOT_POOL_FIELDS, names.size());
	EXPECT_EQ((size_t)WEIR_SNAPSHOT_POOL_FIELDS, places.size());
}

/* Of an engine that works */

struct Watched : Engine {
	explicit Watched(const EngineOptions &options = {}) : Engine(options) {}

	static bool read_own(void *, uint64_t address, void *to, size_t bytes)
	{
		memcpy(to, (const void *)(uintptr_t)address, bytes);
		return true;
	}

	const weir_snapshot &look()
	{
		Process process;

		process.shown->pool = stats;
		for (unsigned r = 0; r < WEIR_REGION_COUNT; r++)
			if (space.regions[r].slot_count > 0)
				process.shown->regions[r] = { (uintptr_t)space.regions[r].slots,
							      (uintptr_t)&space.regions[r].fresh };
		EXPECT_TRUE(weir_snapshot_take(&snapshot, process.shown.get(), read_own, nullptr));
		return snapshot;
	}

	/* The sums over the classes are those of the usage word. */
	void expect_sums()
	{
		uint64_t retained = 0, live_blocks = 0, retained_blocks = 0;

		look();
		for (const weir_snapshot_class &each : snapshot.classes) {
			retained += each.retained_bytes;
			live_blocks += each.live_blocks;
			retained_blocks += each.retained_blocks;
		}
		EXPECT_EQ(live_bytes(), snapshot.live_bytes);
		EXPECT_EQ(retained_bytes(), snapshot.retained_bytes);
		EXPECT_EQ(retained, snapshot.retained_bytes);
		EXPECT_EQ(live_blocks, snapshot.live_blocks);
		EXPECT_EQ(retained_blocks, snapshot.retained_blocks);
	}

	weir_snapshot snapshot;
};

TEST(Snapshot, AddsUpToWhatTheEngineHolds)
{
	EngineOptions options;

	options.cached = mib;
	Watched engine(options);
	std::vector<char *> blocks;

	engine.expect_sums();
	for (size_t bytes : { 64 * kib, 100 * kib, mib, mib, 3 * mib, 5 * mib, 600 * kib })
		blocks.push_back(engine.take(bytes));
	engine.expect_sums();
	for (size_t i = 0; i < blocks.size(); i += 2)
		engine.free(blocks[i]);
	engine.expect_sums();
	for (size_t bytes : { 40 * kib, 600 * kib, 700 * kib, 2 * mib + 1 })
		engine.take(bytes);
	engine.expect_sums();
	EXPECT_EQ(7U, engine.snapshot.live_blocks);
	engine.release();
	engine.expect_sums();
	EXPECT_EQ(0U, engine.snapshot.retained_bytes);
}

TEST(Snapshot, CountsAMissThenHits)
{
	Watched engine;

	for (int i = 0; i < 3; i++)
		engine.retain({ mib });
	const weir_snapshot &seen = engine.look();

	EXPECT_EQ(3U, seen.requests);
	EXPECT_EQ(2U, seen.hits);
	EXPECT_EQ(1U, seen.misses);
	EXPECT_EQ(2U, seen.classes[weir_class_of(4, mib)].hits);
}

/* JSON */

std::string to_json(const weir_snapshot &snapshot)
{
	std::vector<char> data(WEIR_SNAPSHOT_JSON_BYTES);
	weir_text text;

	weir_text_init(&text, data.data(), data.size());
	weir_snapshot_format_json(&text, &snapshot);
	EXPECT_TRUE(weir_text_fits(&text));
	return data.data();
}

TEST(Snapshot, WritesEveryFigureAsJson)
{
	Process process;

	process.put(4, { live_word(mib, mib), free_word(700 * kib) });
	process.shown->pool.usage.word = usage(mib, 700 * kib);
	process.shown->released[WEIR_TRIGGER_decay] = { 1, 2, 3, 4 };
	process.shown->signal = 10;
	process.shown->signal_owner = WEIR_SIGNAL_WEIR;
	ASSERT_TRUE(process.take());
	process.snapshot.pid = 4711;
	strcpy(process.snapshot.backend, "libc.so.6");
	json parsed = json::parse(to_json(process.snapshot));

	EXPECT_EQ(4711, parsed["pid"]);
	EXPECT_EQ("ready", parsed["state"]);
	EXPECT_EQ("libc.so.6", parsed["backend"]);
	EXPECT_EQ("weir", parsed["signal"]);
	EXPECT_EQ(10, parsed["signal_number"]);
	EXPECT_EQ("", parsed["socket"]);
	for (const weir_snapshot_field &field : weir_snapshot_fields)
		EXPECT_EQ(weir_snapshot_value(&process.snapshot, &field), parsed[field.name]);
	EXPECT_EQ(mib, parsed["live_bytes"]);
	EXPECT_EQ(700 * kib, parsed["retained_bytes"]);
	EXPECT_EQ((json{ { "bytes", 4096 }, { "blocks", 2 }, { "releases", 3 }, { "ns", 4 } }),
		  parsed["released"]["decay"]);
	EXPECT_EQ((size_t)WEIR_TRIGGER_COUNT, parsed["released"].size());
	ASSERT_EQ(2U, parsed["classes"].size());
	EXPECT_EQ(768 * kib, parsed["classes"][0]["size_bytes"]);
	EXPECT_EQ(700 * kib, parsed["classes"][0]["retained_bytes"]);
	EXPECT_EQ(1, parsed["classes"][1]["live_blocks"]);
}

TEST(Snapshot, WritesAnyTextAsJson)
{
	weir_snapshot snapshot = {};
	json parsed;

	strcpy(snapshot.program, "a\"b\\c\n\t\x01\x1f\x7f/\xc3\xa9\xff{[,");
	parsed = json::parse(to_json(snapshot));
	EXPECT_EQ(u8"a\"b\\c\n\t\x01\x1f\x7f/\u00c3\u00a9\u00ff{[,", parsed["program"]);
}

TEST(Snapshot, WritesJsonInOneLineThatFitsWhateverTheFigures)
{
	weir_snapshot snapshot;

	memset(&snapshot, 0xff, sizeof snapshot);
	snapshot.program[sizeof snapshot.program - 1] = '\0';
	snapshot.socket[sizeof snapshot.socket - 1] = '\0';
	snapshot.version[sizeof snapshot.version - 1] = '\0';
	snapshot.backend[sizeof snapshot.backend - 1] = '\0';
	snapshot.state = WEIR_STATE_READY;
	snapshot.signal_owner = WEIR_SIGNAL_WEIR;
	for (weir_snapshot_class &each : snapshot.classes)
		each.misses = each.live_blocks = each.retained_blocks = 0;
	snapshot.pool_count = WEIR_SNAPSHOT_POOLS;
	for (weir_snapshot_pool &pool : snapshot.pools)
		pool.name[sizeof pool.name - 1] = '\0';
	std::string text = to_json(snapshot);

	EXPECT_EQ(std::string::npos, text.find('\n'));
	EXPECT_EQ((size_t)WEIR_CLASS_COUNT, json::parse(text)["classes"].size());
	EXPECT_EQ((size_t)WEIR_SNAPSHOT_POOLS, json::parse(text)["pools"].size());
}

TEST(Snapshot, WritesPoolsAsJson)
{
	ProcessWithPools process;

	ASSERT_TRUE(process.take());
	EXPECT_EQ(json::array(), json::parse(to_json(process.snapshot))["pools"]);
	process.put_pools({ no_pool, pool_named("a\"b\n\xff", 3 * mib, mib), pool_named("two") });
	ASSERT_TRUE(process.take());
	json pools = json::parse(to_json(process.snapshot))["pools"];

	ASSERT_EQ(2U, pools.size());
	EXPECT_EQ("a\"b\n\u00ff", pools[0]["name"]);
	EXPECT_EQ(1, pools[0]["place"]);
	EXPECT_EQ("open", pools[0]["state"]);
	for (const weir_snapshot_field &field : weir_snapshot_pool_fields)
		EXPECT_EQ(weir_snapshot_value(&process.snapshot.pools[0], &field),
			  pools[0][field.name])
			<< field.name;
	EXPECT_EQ("two", pools[1]["name"]);
}

TEST(Snapshot, NamesStatesAndOwnersAndWhateverElseAPageHolds)
{
	EXPECT_STREQ("off", weir_state_name(WEIR_STATE_OFF));
	EXPECT_STREQ("idle", weir_state_name(WEIR_STATE_IDLE));
	EXPECT_STREQ("ready", weir_state_name(WEIR_STATE_READY));
	EXPECT_STREQ("unavailable", weir_state_name(WEIR_STATE_UNAVAILABLE));
	EXPECT_STREQ("off", weir_signal_owner_name(WEIR_SIGNAL_OFF));
	EXPECT_STREQ("weir", weir_signal_owner_name(WEIR_SIGNAL_WEIR));
	EXPECT_STREQ("program", weir_signal_owner_name(WEIR_SIGNAL_PROGRAM));
	Process process;

	process.shown->state = 4000000000U;
	process.shown->signal_owner = 17;
	ASSERT_TRUE(process.take());
	EXPECT_STREQ("unknown", weir_state_name(process.snapshot.state));
	EXPECT_STREQ("unknown", weir_signal_owner_name(process.snapshot.signal_owner));
}

} // namespace
