/* A small space and a pool over it, for the tests of the engine.
 *
 * Takes, frees and resizes as large.c does, but with the test's clock and with
 * every refusal handed back. consistent() is the accounting rule of pool.h and
 * slot.h, computed the slow way; call it whenever no thread is inside. Another engine beside a
 * first one is another pool in its space, and goes before it. */
#ifndef TEST_ENGINE_H
#define TEST_ENGINE_H

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

extern "C" {
#include "config.h"
#include "decay.h"
#include "extent.h"
#include "fake_os.h"
#include "live.h"
#include "magazine.h"
#include "move.h"
#include "pool.h"
#include "release.h"
#include "remap.h"
#include "resize.h"
}

constexpr size_t kib = WEIR_KIB;
constexpr size_t mib = WEIR_MIB;
constexpr size_t page = 4096;

struct EngineOptions {
	size_t limit = 64 * mib;
	size_t footprint = WEIR_NO_LIMIT;
	size_t class_blocks = WEIR_NO_LIMIT;
	size_t live_limit = WEIR_NO_LIMIT; /* with which live blocks are counted */
	size_t cached = 0;
	size_t pooled = WEIR_NO_LIMIT;
	bool hardened = false;
	std::vector<weir_class_limit> class_limits = {};
	size_t huge_stride = SIZE_MAX;
	unsigned region_shift = 28;
	size_t page_bytes = page;
};

/* A space whose regions have 2^region_shift bytes. */
inline bool make_space(weir_space *space, unsigned region_shift, size_t huge_stride = SIZE_MAX)
{
	weir_space_options options = {};

	options.memory_bytes = WEIR_GIB;
	options.address_limit_bytes = 4 * ((size_t)WEIR_REGION_COUNT << region_shift);
	options.huge_stride_bytes = huge_stride;
	return weir_space_init(space, &options);
}

/* Those of the process; a pool's own are its own. */
inline void reset_counters()
{
	memset(weir_stats_page.counters, 0, sizeof weir_stats_page.counters);
	memset(weir_stats_page.released, 0, sizeof weir_stats_page.released);
}

inline weir_class_limit range(size_t min_bytes, size_t max_bytes, size_t limit_bytes)
{
	weir_class_limit made = {};

	made.min_bytes = min_bytes;
	made.max_bytes = max_bytes;
	made.limit_bytes = limit_bytes;
	return made;
}

/* One word a page tells whose the block is. */

inline void stamp(char *block, size_t bytes, uint64_t owner)
{
	for (size_t at = 0; at + sizeof owner <= bytes; at += page)
		*(uint64_t *)(void *)(block + at) = owner + at;
}

inline bool stamped(const char *block, size_t bytes, uint64_t owner)
{
	for (size_t at = 0; at + sizeof owner <= bytes; at += page)
		if (*(const uint64_t *)(const void *)(block + at) != owner + at)
			return false;
	return true;
}

struct Engine {
	explicit Engine(const EngineOptions &options = {})
	    : space(own_space), pools(own_pools), place(0)
	{
		weir_pool_settings limits = limits_of(options);

		fake_os_reset();
		fake_os_set_page(options.page_bytes);
		reset_counters();
		EXPECT_TRUE(make_space(&space, options.region_shift, options.huge_stride));
		weir_pool_init(&pool, &space, &limits);
		add_to_pools();
		latest = this;
	}
	Engine(Engine &first, const EngineOptions &options)
	    : space(first.space), pools(first.pools), place((uint16_t)first.pools.count)
	{
		weir_pool_settings limits = limits_of(options);

		weir_pool_init(&pool, &space, &limits);
		add_to_pools();
	}
	~Engine()
	{
		if (place > 0)
			return;
		latest = nullptr;
		weir_space_destroy(&space);
		fake_os_reset();
	}
	Engine(const Engine &) = delete;
	Engine &operator=(const Engine &) = delete;

	static uint64_t now() { return weir_os_now_ms(); }

	/* Valid as long as the options are. */
	weir_pool_settings limits_of(const EngineOptions &options)
	{
		weir_pool_settings limits = {};

		limits.limit_bytes = options.limit;
		limits.footprint_bytes = options.footprint;
		limits.cached_bytes = options.cached;
		limits.class_blocks = options.class_blocks;
		limits.live_limit_bytes = options.live_limit;
		limits.counts_live = options.live_limit != WEIR_NO_LIMIT;
		limits.hardened = options.hardened;
		limits.class_limits = options.class_limits.data();
		limits.class_limit_count = (unsigned)options.class_limits.size();
		limits.pooled_bytes = options.pooled;
		limits.stats = &stats;
		limits.pools = &pools;
		limits.place = place;
		return limits;
	}

	void add_to_pools()
	{
		pools.of[place] = &pool;
		pools.count = place + 1U;
	}

	/* Other limits; the second releases what is beyond them, too. */
	void set_limits(const EngineOptions &options)
	{
		weir_pool_settings limits = limits_of(options);

		weir_pool_set_limits(&pool, &limits);
	}
	weir_tally change_limits(const EngineOptions &options)
	{
		set_limits(options);
		return weir_release_excess(&pool, WEIR_TRIGGER_limit, now());
	}

	/* The program's calls. */

	char *take(size_t bytes, size_t align = 1)
	{
		unsigned region = weir_region_of(bytes, align);
		char *cached = align == 1 ? take_cached(bytes) : nullptr;

		if (cached)
			return cached;
		return region < WEIR_REGION_COUNT ? take_from(region, bytes) : nullptr;
	}

	/* The slot at hand, if there is any: where colours begin is large.c's. */
	char *take_cached(size_t bytes)
	{
		unsigned class_index = weir_pool_cache_class(&pool, bytes);
		unsigned group = weir_os_thread() % WEIR_CACHE_GROUPS;

		if (class_index == WEIR_NO_CLASS)
			return nullptr;
		char *block = weir_cache_take(&pool.cache.entries[group][class_index],
					      weir_cache_id(group, class_index), place, bytes,
					      &stats.cached_hits[group][class_index]);

		return (char *)weir_align_down((uintptr_t)block, page);
	}

	char *take_from(unsigned region, size_t bytes)
	{
		weir_block block = {};

		if (!weir_pool_take(&pool, region, bytes, now(), &block))
			return nullptr;
		block.word |= weir_colour_of(block.region, block.index);
		weir_remap_complete(&pool, &block, bytes, WEIR_CONTENTS_ANY, now());
		weir_live_publish(&pool, &block, bytes, now());
		return weir_region_address(block.region, block.index);
	}

	/* False for a block that is not live. */
	bool free(const char *address)
	{
		weir_block block = find(address);

		block.epoch = weir_load_seq_cst(&pool.epoch);
		do {
			if (!(block.word & WEIR_SLOT_LIVE))
				return false;
		} while (!weir_cas_seq_cst(word_of(block), &block.word,
					   block.word & WEIR_SLOT_CACHED
						   ? weir_cache_freed(block.word, place)
						   : block.word & ~WEIR_SLOT_LIVE));
		if (block.word & (WEIR_SLOT_BUSY | WEIR_SLOT_CACHED))
			return true;
		block.word &= ~WEIR_SLOT_LIVE;
		weir_pool_put(&pool, &block, now());
		return true;
	}

	bool resize(const char *address, size_t bytes)
	{
		weir_block block = find(address);

		return weir_resize_block(&pool, &block, bytes, now());
	}

	char *move(const char *address, size_t bytes)
	{
		weir_block block = find(address);

		return (char *)weir_move_block(&pool, &block, weir_region_of(bytes, 1), bytes,
					       now());
	}

	weir_tally release(weir_trigger trigger = WEIR_TRIGGER_signal)
	{
		if (magazines)
			weir_magazines_gather(magazines);
		return weir_release_all(&pool, trigger, now());
	}

	/* A block of each size, live together, then free: that many are retained. */
	void retain(const std::vector<size_t> &sizes)
	{
		std::vector<char *> blocks;

		for (size_t size : sizes)
			blocks.push_back(take(size));
		for (char *block : blocks)
			EXPECT_TRUE(free(block));
	}

	/* What is in a slot. */

	weir_block find(const char *address)
	{
		weir_block block = {};

		EXPECT_TRUE(weir_space_owns(&space, address));
		size_t offset = 1;

		EXPECT_TRUE(weir_space_find(&space, address, &block.region, &block.index, &offset));
		EXPECT_EQ(0U, offset);
		block.word = weir_load_acquire(word_of(block));
		return block;
	}

	static uint64_t *word_of(const weir_block &block)
	{
		return &block.region->slots[block.index].word;
	}

	bool live(const char *address) { return find(address).word & WEIR_SLOT_LIVE; }
	size_t extent(const char *address)
	{
		return weir_units_to_bytes(weir_slot_extent(find(address).word));
	}

	/* Bytes that are the program's, and those that are not. */

	size_t live_bytes() { return weir_units_to_bytes(weir_pool_held(&pool).live_units); }
	size_t retained_bytes()
	{
		return weir_units_to_bytes(weir_pool_held(&pool).retained_units);
	}

	/* What counts under the limit: live blocks of the cache, too. */
	size_t charged_bytes() const
	{
		return weir_units_to_bytes(weir_usage_retained(weir_pool_usage(&pool)));
	}
	size_t own_retained_bytes()
	{
		return weir_units_to_bytes(weir_usage_retained(weir_pool_own_usage(&pool)));
	}
	size_t released_bytes(weir_trigger trigger) const
	{
		return weir_units_to_bytes(weir_stats_page.released[trigger].units);
	}

	weir_class &class_for(size_t bytes)
	{
		return pool.classes[weir_class_of(weir_region_of(bytes, 1), bytes)];
	}

	weir_stats_class &counts_for(size_t bytes)
	{
		return stats.classes[weir_class_of(weir_region_of(bytes, 1), bytes)];
	}

	/* Mappings that lie in the reservation. */
	size_t mappings() const;

	/* Whether every count agrees with the slots. */
	testing::AssertionResult consistent();

	/* Whether no page beyond an extent holds anything. */
	testing::AssertionResult zero_beyond_extents();

	weir_space own_space = {};
	weir_space &space;
	weir_pools own_pools = {};
	weir_pools &pools;
	uint16_t place;
	weir_pool_counts stats = {};
	weir_pool pool = {};
	weir_magazines *magazines = nullptr; /* which a release empties first */

	inline static std::atomic<Engine *> latest{ nullptr }; /* for handlers of signals */
};

struct EngineSums {
	uint64_t live = 0;
	uint64_t retained = 0;
	uint64_t pieces = 0;
	uint64_t cached = 0;
	uint64_t credit = 0;
	uint64_t waiting = 0;
	std::map<unsigned, uint64_t> class_blocks;
	std::map<unsigned, uint64_t> range_units;
};

/* Counts how often each slot is on the list; false when the list has a loop. */
inline bool walk_list(const weir_region &region, const weir_list &list, std::vector<unsigned> *seen,
		      std::vector<uint32_t> *indexes)
{
	uint64_t first = list.head & (((uint64_t)1 << WEIR_LIST_INDEX_BITS) - 1);

	for (; first != 0; first = region.slots[first - 1].next) {
		if (first > seen->size() || ++(*seen)[first - 1] > 1)
			return false;
		indexes->push_back((uint32_t)first - 1);
	}
	return true;
}

inline uint64_t slot_surplus(const weir_region &region, uint64_t word)
{
	uint64_t size = weir_region_units(&region, weir_slot_reach(word));
	uint64_t extent = weir_slot_extent(word);

	return extent > size ? extent - size : 0;
}

inline void sum_block(const weir_pool &pool, unsigned class_index, uint64_t extent,
		      EngineSums *sums)
{
	sums->class_blocks[class_index]++;
	if (pool.quotas.of_class[class_index] != WEIR_QUOTA_NONE)
		sums->range_units[pool.quotas.of_class[class_index]] += extent;
}

inline testing::AssertionResult sum_lists(weir_pool &pool, unsigned r, std::vector<unsigned> *seen,
					  EngineSums *sums)
{
	weir_region &region = pool.space->regions[r];

	for (unsigned c = r * WEIR_CLASSES_PER_REGION; c < (r + 1) * WEIR_CLASSES_PER_REGION; c++)
		for (weir_list &list : pool.classes[c].lists) {
			std::vector<uint32_t> indexes;

			if (!walk_list(region, list, seen, &indexes))
				return testing::AssertionFailure()
				       << "class " << c << " lists a slot twice";
			for (uint32_t i : indexes) {
				uint64_t extent = weir_slot_extent(region.slots[i].word);

				if (extent == 0 ||
				    weir_class_of(r, weir_units_to_bytes(extent)) != c)
					return testing::AssertionFailure()
					       << "class " << c << " lists an extent of " << extent;
				sum_block(pool, c, extent, sums);
			}
		}
	return testing::AssertionSuccess();
}

/* A slot that waits counts as if it were on the list of its class. */
inline testing::AssertionResult sum_waiting(weir_pool &pool, unsigned r,
					    std::vector<unsigned> *seen, EngineSums *sums)
{
	for (uint64_t entry : pool.quarantine.places) {
		uint32_t i = (uint32_t)entry - 1;

		if (entry == 0 || entry >> 32 != r)
			continue;
		if (i >= seen->size() || ++(*seen)[i] > 1)
			return testing::AssertionFailure() << "slot " << i << " waits twice";
		uint64_t extent = weir_slot_extent(pool.space->regions[r].slots[i].word);

		sums->waiting += extent;
		if (extent > 0)
			sum_block(pool, weir_class_of(r, weir_units_to_bytes(extent)), extent,
				  sums);
	}
	return testing::AssertionSuccess();
}

/* Those of the pool, and empty ones, which are nobody's. */
inline testing::AssertionResult sum_slots(const weir_pool &pool, const weir_region &region,
					  const std::vector<unsigned> &seen, EngineSums *sums)
{
	for (uint32_t i = 0; i < seen.size(); i++) {
		uint64_t word = region.slots[i].word;

		sums->pieces += region.slots[i].pieces;
		if (word != 0 && region.slots[i].pool != pool.place)
			continue;
		bool is_live = word & WEIR_SLOT_LIVE, is_cached = word & WEIR_SLOT_CACHED;

		if (word & WEIR_SLOT_BUSY)
			return testing::AssertionFailure() << "slot " << i << " stays BUSY";
		if (seen[i] != (is_live || is_cached ? 0 : 1))
			return testing::AssertionFailure()
			       << (is_live ? "live" : "free") << " slot " << i << " of stride "
			       << weir_region_slot_bytes(&region) << " is on " << seen[i]
			       << " lists";
		if (!is_live && weir_slot_reach(word) != (is_cached ? pool.place : 0))
			return testing::AssertionFailure() << "free slot " << i << " has a size";
		if (is_cached) {
			sums->retained += weir_slot_extent(word);
			sums->cached += weir_slot_extent(word);
			sums->credit +=
				is_live ? weir_region_units(&region, weir_slot_reach(word)) : 0;
		} else if (is_live) {
			sums->live += weir_region_units(&region, weir_slot_reach(word));
			sums->retained += slot_surplus(region, word);
		} else {
			sums->retained += weir_slot_extent(word);
		}
	}
	return testing::AssertionSuccess();
}

/* A cached slot is of one entry, which leads to it, and long enough for its block. */
inline testing::AssertionResult check_cached(const weir_pool &pool, const weir_slot &slot)
{
	size_t reach = slot.word & WEIR_SLOT_LIVE ? weir_slot_reach(slot.word) : 0;
	unsigned entry = slot.next - 1;

	if (slot.next == 0 || entry >= WEIR_CACHE_GROUPS * WEIR_CACHE_CLASSES ||
	    (&pool.cache.entries[0][0])[entry].slot != &slot)
		return testing::AssertionFailure() << "a cached slot has no entry";
	if (weir_units_to_bytes(weir_slot_extent(slot.word)) < reach)
		return testing::AssertionFailure()
		       << "a cached block of " << reach << " bytes exceeds its extent";
	return testing::AssertionSuccess();
}

inline testing::AssertionResult check_cache(const weir_pool &pool)
{
	for (const weir_region &region : pool.space->regions)
		for (uint32_t i = 0; i < weir_region_fresh(&region); i++)
			if ((region.slots[i].word & WEIR_SLOT_CACHED) &&
			    region.slots[i].pool == pool.place) {
				testing::AssertionResult result =
					check_cached(pool, region.slots[i]);

				if (!result)
					return result;
			}
	return testing::AssertionSuccess();
}

/* Limits may be passed by what the kernel would not release, and by nothing else. */
inline testing::AssertionResult compare_sums(weir_pool &pool, EngineSums &sums)
{
	bool refused = weir_stats_page.counters[WEIR_COUNT_release_failures] > 0;
	uint64_t word = weir_pool_own_usage(&pool);
	uint64_t retained = weir_usage_retained(weir_pool_usage(&pool));

	if (weir_usage_live(word) != sums.live || weir_usage_retained(word) != sums.retained)
		return testing::AssertionFailure()
		       << "usage says " << weir_usage_live(word) << " live, "
		       << weir_usage_retained(word) << " retained units; the slots " << sums.live
		       << ", " << sums.retained;
	if (pool.cache.units != sums.cached)
		return testing::AssertionFailure() << "the cache counts " << pool.cache.units
						   << " units, its slots have " << sums.cached;
	if (pool.quarantine.units != sums.waiting)
		return testing::AssertionFailure()
		       << "the quarantine counts " << pool.quarantine.units
		       << " units, its slots have " << sums.waiting;
	if (weir_cache_credit(&pool.cache, pool.space) != sums.credit)
		return testing::AssertionFailure()
		       << "the entries have " << weir_cache_credit(&pool.cache, pool.space)
		       << " live units, the cached slots " << sums.credit;
	if (pool.space->pieces != sums.pieces)
		return testing::AssertionFailure() << "the slots have " << sums.pieces
						   << " pieces, counted are " << pool.space->pieces;
	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++)
		if (pool.classes[c].blocks != sums.class_blocks[c] ||
		    (!refused && pool.classes[c].blocks > pool.class_blocks))
			return testing::AssertionFailure()
			       << "class " << c << " counts " << pool.classes[c].blocks
			       << " blocks, its lists hold " << sums.class_blocks[c];
	for (auto &range : sums.range_units)
		if (pool.quotas.ranges[range.first].used_units != range.second ||
		    (!refused && range.second > pool.quotas.ranges[range.first].limit_units))
			return testing::AssertionFailure()
			       << "range " << range.first << " counts "
			       << pool.quotas.ranges[range.first].used_units
			       << " units, its lists hold " << range.second;
	if (!refused && retained > pool.limit_units)
		return testing::AssertionFailure()
		       << retained << " units are retained, " << pool.limit_units << " are allowed";
	return testing::AssertionSuccess();
}

inline testing::AssertionResult check_counts(weir_pool &pool)
{
	EngineSums sums;

	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++)
		if (pool.quotas.of_class[c] != WEIR_QUOTA_NONE)
			sums.range_units[pool.quotas.of_class[c]] += 0;
	for (unsigned r = 0; r < WEIR_REGION_COUNT; r++) {
		weir_region &region = pool.space->regions[r];
		std::vector<unsigned> seen(weir_region_fresh(&region));
		std::vector<uint32_t> indexes;
		testing::AssertionResult result = sum_lists(pool, r, &seen, &sums);

		if (result && !walk_list(region, region.empty, &seen, &indexes))
			result = testing::AssertionFailure() << "an empty slot is listed twice";
		if (result)
			result = sum_waiting(pool, r, &seen, &sums);
		if (result)
			result = sum_slots(pool, region, seen, &sums);
		if (!result)
			return result;
	}
	testing::AssertionResult cache = check_cache(pool);

	return cache ? compare_sums(pool, sums) : cache;
}

inline testing::AssertionResult Engine::consistent()
{
	return check_counts(pool);
}

inline testing::AssertionResult check_zeroes(weir_space &space)
{
	for (weir_region &region : space.regions)
		for (uint32_t i = 0; i < weir_region_fresh(&region); i++) {
			uint64_t word = region.slots[i].word;
			size_t extent = weir_units_to_bytes(weir_slot_extent(word));
			size_t size = weir_align_up(weir_slot_reach(word), weir_os_page_bytes());
			size_t stride = weir_region_slot_bytes(&region);
			char *address = weir_region_address(&region, i);
			static const char zeroes[page] = {};
			size_t at = weir_max(extent, size);

			if (at < stride && fake_os_resident(address + at, stride - at) == 0)
				continue;
			for (; at < stride; at += page)
				if (fake_os_resident(address + at, page) > 0 &&
				    memcmp(address + at, zeroes, page) != 0)
					return testing::AssertionFailure()
					       << "slot " << i << " of stride " << stride
					       << " with extent " << extent
					       << " holds something at " << at;
		}
	return testing::AssertionSuccess();
}

inline testing::AssertionResult Engine::zero_beyond_extents()
{
	return check_zeroes(space);
}

inline size_t Engine::mappings() const
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long start, end;
	char line[512];
	size_t count = 0;

	while (maps && fgets(line, sizeof line, maps))
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 && start < space.base + space.span &&
		    end > space.base)
			count++;
	if (maps)
		fclose(maps);
	return count;
}

/* Contents that tell where and whose they are. */
inline void fill(char *block, size_t bytes, unsigned seed)
{
	for (size_t at = 0; at < bytes; at++)
		block[at] = (char)(seed * 31 + at * 7 + (at >> 12));
}

inline testing::AssertionResult holds(const char *block, size_t bytes, unsigned seed)
{
	for (size_t at = 0; at < bytes; at++)
		if (block[at] != (char)(seed * 31 + at * 7 + (at >> 12)))
			return testing::AssertionFailure()
			       << "byte " << at << " of " << bytes << " is not the program's";
	return testing::AssertionSuccess();
}

#endif
