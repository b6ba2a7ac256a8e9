#include "snapshot.h"

#include "cache.h"
#include "slot.h"
#include "usage.h"

#include <string.h>

/* In all: a process may have made its counts up. Those of 256 GiB, in slots of 64 KiB. */
#define SLOTS_MAX ((uint64_t)1 << 22)

#define SLOTS_AT_ONCE 512

#define FIELD_OF(type, field, text, counter) \
	{ \
		.name = #field, .help = (text), .at = offsetof(struct type, field), \
		.is_counter = (counter) \
	}
#define FIELD(field, text, counter) FIELD_OF(weir_snapshot, field, text, counter)
#define POOL_FIELD(field, text, counter) FIELD_OF(weir_snapshot_pool, field, text, counter)
#define COUNTER_FIELD(counter, text) \
	{ .name = #counter, \
	  .help = (text), \
	  .at = offsetof(struct weir_snapshot, counters) + \
		WEIR_COUNT_##counter * sizeof(uint64_t), \
	  .is_counter = true },

const struct weir_snapshot_field weir_snapshot_fields[WEIR_SNAPSHOT_FIELDS] = {
	FIELD(limit_bytes, "most bytes retained, WEIR_LIMIT", false),
	FIELD(ceiling_bytes, "most bytes retained now, less than the limit under memory pressure",
	      false),
	FIELD(memory_bytes, "memory of the container or machine, of which settings may be shares",
	      false),
	FIELD(retained_bytes, "bytes kept for later requests", false),
	FIELD(retained_blocks, "blocks kept for later requests", false),
	FIELD(live_bytes, "bytes of large blocks that the program has", false),
	FIELD(live_blocks, "large blocks that the program has", false),
	FIELD(peak_live_bytes, "most bytes live at once", false),
	FIELD(peak_retained_bytes, "most bytes retained at once", false),
	FIELD(peak_footprint_bytes, "most bytes live and retained at once", false),
	FIELD(requests, "large requests that weir served", true),
	FIELD(hits, "requests that a retained block served", true),
	FIELD(misses, "requests that none did", true),
	WEIR_STATS_COUNTERS(COUNTER_FIELD)
		FIELD(mappings, "memory mappings made by page moves", false),
};

const struct weir_snapshot_field weir_snapshot_pool_fields[WEIR_SNAPSHOT_POOL_FIELDS] = {
	POOL_FIELD(limit_bytes, "most bytes that a pool keeps, WEIR_LIMIT where that is less",
		   false),
	POOL_FIELD(leased_bytes, "bytes leased from a pool", false),
	POOL_FIELD(leased_blocks, "blocks leased from a pool", false),
	POOL_FIELD(retained_bytes, "bytes that a pool keeps for later leases", false),
	POOL_FIELD(retained_blocks, "blocks, or slabs of them, that a pool keeps", false),
	POOL_FIELD(peak_leased_bytes, "most bytes leased from a pool at once", false),
	POOL_FIELD(peak_retained_bytes, "most bytes kept by a pool at once", false),
	POOL_FIELD(leases, "leases from a pool", true),
	POOL_FIELD(hits, "leases from a pool that a block it kept served", true),
	POOL_FIELD(misses, "leases from a pool that none did", true),
	POOL_FIELD(oversize, "leases from a pool of more than it pools", true),
	POOL_FIELD(block_bytes, "what each lease from a pool gets, 0 for any size", false),
};

const char *weir_state_name(enum weir_state state)
{
	static const char *const names[] = {
		[WEIR_STATE_OFF] = "off",
		[WEIR_STATE_IDLE] = "idle",
		[WEIR_STATE_READY] = "ready",
		[WEIR_STATE_UNAVAILABLE] = "unavailable",
	};

	return state <= WEIR_STATE_UNAVAILABLE ? names[state] : "unknown";
}

const char *weir_signal_owner_name(enum weir_signal_owner owner)
{
	static const char *const names[] = {
		[WEIR_SIGNAL_OFF] = "off",
		[WEIR_SIGNAL_WEIR] = "weir",
		[WEIR_SIGNAL_PROGRAM] = "program",
	};

	return owner <= WEIR_SIGNAL_PROGRAM ? names[owner] : "unknown";
}

const char *weir_pool_state_name(uint32_t state)
{
	static const char *const names[] = {
		[WEIR_POOL_NONE] = "none",
		[WEIR_POOL_OPEN] = "open",
		[WEIR_POOL_DISPOSED] = "disposed",
	};

	return state <= WEIR_POOL_DISPOSED ? names[state] : "unknown";
}

/* Decoding. */

static uint64_t bytes_of(const uint64_t *units)
{
	return weir_load_relaxed(units) << WEIR_UNIT_SHIFT;
}

static void copy_text(char *to, size_t size, const char *from)
{
	memcpy(to, from, size - 1);
	to[size - 1] = '\0';
}

/* A walk over the slots of a process. */
struct walk {
	struct weir_snapshot *snapshot;
	const struct weir_stats_page *page;
	weir_read_memory *copy;
	void *context;
	uint64_t slots_left;
	uint16_t pool_at[WEIR_POOLS_MAX]; /* by place: index + 1 in the snapshot's pools, or 0 */
	/* Live units that a usage word has as retained: the process's, and those of its pools. */
	uint64_t credit;
	uint64_t pool_credit[WEIR_SNAPSHOT_POOLS];
};

static void add_slot_of_pool(struct walk *walk, uint16_t place, uint64_t word, uint64_t used)
{
	unsigned at = place < WEIR_POOLS_MAX ? walk->pool_at[place] : 0;
	struct weir_snapshot_pool *pool;

	if (at == 0)
		return;
	pool = &walk->snapshot->pools[at - 1];
	pool->leased_blocks += pool->block_bytes == 0 && (word & WEIR_SLOT_LIVE) != 0;
	pool->retained_blocks += (word & WEIR_SLOT_LIVE) == 0 && weir_slot_extent(word) > 0;
	if (weir_cache_is_live(word))
		walk->pool_credit[at - 1] += used;
}

static void add_slot(struct walk *walk, unsigned region, uint64_t word, uint16_t place)
{
	struct weir_snapshot *snapshot = walk->snapshot;
	size_t reach = weir_slot_reach(word);
	uint64_t extent = weir_slot_extent(word);
	bool live = (word & WEIR_SLOT_LIVE) != 0;
	size_t size = live ? reach : weir_units_to_bytes(extent);
	uint64_t used = live ? weir_align_up(reach, walk->page->page_bytes) >> WEIR_UNIT_SHIFT : 0;
	struct weir_snapshot_class *class;

	if (size > weir_region_stride(region))
		return;
	class = &snapshot->classes[weir_class_of(region, size)];
	if (live) {
		class->live_blocks++;
		snapshot->live_blocks++;
	} else if (extent > 0) {
		class->retained_blocks++;
		snapshot->retained_blocks++;
	}
	if (extent > used)
		class->retained_bytes += weir_units_to_bytes(extent - used);
	if (weir_cache_is_live(word))
		walk->credit += used;
	add_slot_of_pool(walk, place, word, used);
}

static bool add_region(struct walk *walk, unsigned region)
{
	const struct weir_stats_region *where = &walk->page->regions[region];
	struct weir_slot slots[SLOTS_AT_ONCE];
	uint32_t fresh, count;

	if (where->slots_address == 0)
		return true;
	if (!walk->copy(walk->context, where->fresh_address, &fresh, sizeof fresh) ||
	    fresh > walk->slots_left)
		return false;
	walk->slots_left -= fresh;
	for (uint32_t i = 0; i < fresh; i += count) {
		count = fresh - i < SLOTS_AT_ONCE ? fresh - i : SLOTS_AT_ONCE;
		if (!walk->copy(walk->context, where->slots_address + i * sizeof *slots, slots,
				count * sizeof *slots))
			return false;
		for (uint32_t k = 0; k < count; k++) {
			add_slot(walk, region, slots[k].word, slots[k].pool);
			walk->snapshot->mappings += slots[k].pieces;
		}
	}
	return true;
}

static bool add_slots(struct walk *walk)
{
	if (walk->snapshot->state != WEIR_STATE_READY)
		return true;
	for (unsigned r = 0; r < WEIR_REGION_COUNT; r++)
		if (!add_region(walk, r))
			return false;
	return true;
}

/* Requests of a pool, added to its classes and, as a sum, returned. */
struct requests {
	uint64_t hits;
	uint64_t misses;
};

static struct requests add_classes(struct weir_snapshot *snapshot,
				   const struct weir_pool_counts *counts)
{
	struct requests sum = { 0, 0 };

	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++) {
		struct weir_snapshot_class *class = &snapshot->classes[c];
		uint64_t hits = weir_cache_all_hits(counts, c);
		uint64_t misses = weir_load_relaxed(&counts->classes[c].misses);

		class->size_bytes = weir_class_bytes(c);
		class->hits += hits;
		class->misses += misses;
		sum.hits += hits;
		sum.misses += misses;
	}
	return sum;
}

static void add_requests(struct weir_snapshot *snapshot, const struct requests *requests)
{
	snapshot->hits += requests->hits;
	snapshot->misses += requests->misses;
	snapshot->requests = snapshot->hits + snapshot->misses;
}

/* Pools. */

/* A pool that was disposed of is gone with the last of its blocks. What is between two states
 * is being made or disposed of. */
static bool is_shown(const struct weir_stats_pool *entry)
{
	return entry->state == WEIR_POOL_OPEN ||
	       (entry->state == WEIR_POOL_DISPOSED && entry->counts.usage.word != 0);
}

/* Where blocks are of one size a lease out of a slab that was there is a hit. */
static struct requests leases_of(const struct weir_stats_pool *entry, const struct requests *slots)
{
	uint64_t misses = slots->misses;

	if (entry->block_bytes == 0)
		return *slots;
	return (struct requests){ entry->block_leases - weir_min(entry->block_leases, misses),
				  misses };
}

/* Of blocks of one size. */
static uint64_t blocks_out(const struct walk *walk, const struct weir_stats_pool *entry)
{
	uint64_t out = 0;

	if (entry->block_bytes == 0 || entry->blocks_out_address == 0 ||
	    !walk->copy(walk->context, entry->blocks_out_address, &out, sizeof out))
		return 0;
	return out;
}

static void show_pool(struct walk *walk, uint32_t place, const struct weir_stats_pool *entry,
		      const struct requests *leases)
{
	struct weir_snapshot *snapshot = walk->snapshot;
	struct weir_snapshot_pool *pool = &snapshot->pools[snapshot->pool_count];
	const struct weir_usage *usage = &entry->counts.usage;

	memset(pool, 0, sizeof *pool);
	copy_text(pool->name, sizeof pool->name, entry->name);
	pool->place = place;
	pool->state = entry->state;
	pool->limit_bytes = weir_min(entry->limit_bytes, snapshot->limit_bytes);
	pool->leased_bytes = weir_usage_live(usage->word) << WEIR_UNIT_SHIFT;
	pool->retained_bytes = weir_usage_retained(usage->word) << WEIR_UNIT_SHIFT;
	pool->peak_leased_bytes = bytes_of(&usage->peak_live_units);
	pool->peak_retained_bytes = bytes_of(&usage->peak_retained_units);
	pool->leases = leases->hits + leases->misses;
	pool->hits = leases->hits;
	pool->misses = leases->misses;
	pool->oversize = entry->oversize;
	pool->block_bytes = entry->block_bytes;
	pool->leased_blocks = blocks_out(walk, entry);
	walk->pool_at[place] = (uint16_t)++snapshot->pool_count;
}

static void add_pool(struct walk *walk, uint32_t place, const struct weir_stats_pool *entry)
{
	struct requests slots = add_classes(walk->snapshot, &entry->counts);
	struct requests leases = leases_of(entry, &slots);

	add_requests(walk->snapshot, &leases);
	if (is_shown(entry))
		show_pool(walk, place, entry, &leases);
}

/* The first place is nobody's. */
static bool add_pools(struct walk *walk)
{
	const struct weir_stats_page *page = walk->page;
	uint64_t address = weir_load_acquire(&page->pools_address);
	uint32_t count = (uint32_t)weir_min(weir_load_acquire(&page->pools), WEIR_POOLS_MAX);
	struct weir_stats_pool entry;

	if (address == 0 || page->pool_stride_bytes < sizeof entry)
		return true;
	for (uint32_t place = 1; place < count; place++) {
		if (!walk->copy(walk->context, address + (uint64_t)place * page->pool_stride_bytes,
				&entry, sizeof entry))
			return false;
		if (entry.state != WEIR_POOL_NONE)
			add_pool(walk, place, &entry);
	}
	return true;
}

/* Once the slots are counted. */
static void settle_pool(struct weir_snapshot_pool *pool, uint64_t credit)
{
	uint64_t credit_bytes = weir_min(credit << WEIR_UNIT_SHIFT, pool->retained_bytes);

	pool->leased_bytes += credit_bytes;
	pool->retained_bytes -= credit_bytes;
	pool->peak_leased_bytes = weir_max(pool->peak_leased_bytes, pool->leased_bytes);
	pool->peak_retained_bytes = weir_max(pool->peak_retained_bytes, pool->retained_bytes);
	if (pool->block_bytes > 0)
		pool->leased_bytes = pool->leased_blocks * pool->block_bytes;
}

static void add_released(struct weir_snapshot *snapshot, const struct weir_released *released)
{
	for (unsigned t = 0; t < WEIR_TRIGGER_COUNT; t++) {
		snapshot->released[t].bytes = bytes_of(&released[t].units);
		snapshot->released[t].blocks = weir_load_relaxed(&released[t].blocks);
		snapshot->released[t].releases = weir_load_relaxed(&released[t].releases);
		snapshot->released[t].ns = weir_load_relaxed(&released[t].ns);
	}
}

static void add_usage(struct weir_snapshot *snapshot, const struct weir_usage *usage, uint64_t word,
		      uint64_t credit)
{
	credit = weir_min(credit, weir_usage_retained(word));
	snapshot->live_bytes = (weir_usage_live(word) + credit) << WEIR_UNIT_SHIFT;
	snapshot->retained_bytes = (weir_usage_retained(word) - credit) << WEIR_UNIT_SHIFT;
	snapshot->peak_live_bytes =
		weir_max(bytes_of(&usage->peak_live_units), snapshot->live_bytes);
	snapshot->peak_retained_bytes =
		weir_max(bytes_of(&usage->peak_retained_units), snapshot->retained_bytes);
	snapshot->peak_footprint_bytes = weir_max(bytes_of(&usage->peak_footprint_units),
						  snapshot->live_bytes + snapshot->retained_bytes);
}

static void add_texts(struct weir_snapshot *snapshot, const struct weir_stats_page *page)
{
	copy_text(snapshot->version, sizeof snapshot->version, page->weir_version);
	copy_text(snapshot->program, sizeof snapshot->program, page->program);
	copy_text(snapshot->socket, sizeof snapshot->socket, page->socket);
}

bool weir_snapshot_take(struct weir_snapshot *snapshot, const struct weir_stats_page *page,
			weir_read_memory *copy, void *context)
{
	struct walk walk = { .snapshot = snapshot,
			     .page = page,
			     .copy = copy,
			     .context = context,
			     .slots_left = SLOTS_MAX };
	struct requests requests;
	uint64_t word = weir_load_acquire(&page->pool.usage.word);

	memset(snapshot, 0, offsetof(struct weir_snapshot, pools));
	if (page->version != WEIR_STATS_VERSION || page->size < sizeof *page ||
	    !weir_is_power_of_two(page->page_bytes))
		return false;
	add_texts(snapshot, page);
	snapshot->state = (enum weir_state)weir_load_acquire(&page->state);
	snapshot->signal = (int)page->signal;
	snapshot->signal_owner = (enum weir_signal_owner)weir_load_relaxed(&page->signal_owner);
	snapshot->limit_bytes = weir_load_relaxed(&page->limit_bytes);
	snapshot->ceiling_bytes = weir_load_relaxed(&page->ceiling_bytes);
	snapshot->memory_bytes = weir_load_relaxed(&page->memory_bytes);
	for (unsigned i = 0; i < WEIR_COUNTER_COUNT; i++)
		snapshot->counters[i] = weir_load_relaxed(&page->counters[i]);
	requests = add_classes(snapshot, &page->pool);
	add_requests(snapshot, &requests);
	add_released(snapshot, page->released);
	if (!add_pools(&walk) || !add_slots(&walk))
		return false;
	add_usage(snapshot, &page->pool.usage, word, walk.credit);
	for (uint32_t i = 0; i < snapshot->pool_count; i++)
		settle_pool(&snapshot->pools[i], walk.pool_credit[i]);
	return true;
}

bool weir_snapshot_class_is_used(const struct weir_snapshot_class *class_counts)
{
	return class_counts->hits + class_counts->misses + class_counts->live_blocks +
		       class_counts->retained_blocks >
	       0;
}
