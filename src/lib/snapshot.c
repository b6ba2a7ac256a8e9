#include "snapshot.h"

#include "cache.h"
#include "slot.h"
#include "usage.h"

#include <string.h>

/* In all: a process may have made its counts up. Those of 256 GiB, in slots of 64 KiB. */
#define SLOTS_MAX ((uint64_t)1 << 22)

#define SLOTS_AT_ONCE 512

#define FIELD(field, text, counter) \
	{ \
		.name = #field, .help = (text), .at = offsetof(struct weir_snapshot, field), \
		.is_counter = (counter) \
	}
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
	uint64_t credit; /* live units that the usage word has as retained */
};

static void add_slot(struct walk *walk, unsigned region, uint64_t word)
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
			add_slot(walk, region, slots[k].word);
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

static void add_requests(struct weir_snapshot *snapshot, const struct weir_pool_counts *stats)
{
	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++) {
		struct weir_snapshot_class *class = &snapshot->classes[c];

		class->size_bytes = weir_class_bytes(c);
		class->hits =
			weir_load_relaxed(&stats->classes[c].hits) + weir_cache_hits(stats, c);
		class->misses = weir_load_relaxed(&stats->classes[c].misses);
		snapshot->hits += class->hits;
		snapshot->misses += class->misses;
	}
	snapshot->requests = snapshot->hits + snapshot->misses;
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
	struct walk walk = { snapshot, page, copy, context, SLOTS_MAX, 0 };
	uint64_t word = weir_load_acquire(&page->pool.usage.word);

	memset(snapshot, 0, sizeof *snapshot);
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
	add_requests(snapshot, &page->pool);
	add_released(snapshot, page->released);
	if (!add_slots(&walk))
		return false;
	add_usage(snapshot, &page->pool.usage, word, walk.credit);
	return true;
}

bool weir_snapshot_class_is_used(const struct weir_snapshot_class *class_counts)
{
	return class_counts->hits + class_counts->misses + class_counts->live_blocks +
		       class_counts->retained_blocks >
	       0;
}
