#include "snapshot.h"

#include "backend.h"
#include "large.h"
#include "signal.h"
#include "weir.h"

struct class_counts {
	uint64_t retained_units;
	uint64_t retained_blocks;
	uint64_t live_blocks;
};

struct counts {
	struct class_counts classes[WEIR_CLASS_COUNT];
	uint64_t retained_blocks;
	uint64_t live_blocks;
};

static void count_slot(struct counts *counts, const struct weir_region *region, unsigned index,
		       uint64_t word)
{
	size_t size = weir_slot_reach(word);
	uint64_t extent = weir_slot_extent(word);
	bool live = (word & WEIR_SLOT_LIVE) != 0;
	struct class_counts *class =
		&counts->classes[weir_class_of(index, live ? size : weir_units_to_bytes(extent))];
	uint64_t used = live ? weir_region_units(region, size) : 0;

	if (live) {
		class->live_blocks++;
		counts->live_blocks++;
	} else if (extent > 0) {
		class->retained_blocks++;
		counts->retained_blocks++;
	}
	if (extent > used)
		class->retained_units += extent - used;
}

static void count_slots(struct counts *counts, const struct weir_space *space)
{
	for (unsigned r = 0; r < WEIR_REGION_COUNT; r++) {
		const struct weir_region *region = &space->regions[r];
		uint32_t fresh = weir_region_fresh(region);

		for (uint32_t i = 0; i < fresh; i++)
			count_slot(counts, region, r, weir_load_relaxed(&region->slots[i].word));
	}
}

/* JSON */

static void put_key(struct weir_text *text, const char *key)
{
	char last = text->used > 0 ? text->data[text->used - 1] : '{';

	if (last != '{' && last != '[')
		weir_text_char(text, ',');
	weir_text_char(text, '"');
	weir_text_string(text, key);
	weir_text_string(text, "\":");
}

static void put_number(struct weir_text *text, const char *key, uint64_t value)
{
	put_key(text, key);
	weir_text_decimal(text, value);
}

static void put_bytes(struct weir_text *text, const char *key, uint64_t units)
{
	put_number(text, key, weir_units_to_bytes(units));
}

/* Control characters and bytes beyond ASCII, which need not be UTF-8, become
 * escapes of the same number. */
static void put_string(struct weir_text *text, const char *key, const char *value)
{
	put_key(text, key);
	weir_text_char(text, '"');
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (c == '"' || c == '\\') {
			weir_text_char(text, '\\');
			weir_text_char(text, *value);
		} else if (c >= 0x20 && c < 0x7f) {
			weir_text_char(text, *value);
		} else {
			weir_text_string(text, "\\u00");
			weir_text_char(text, "0123456789abcdef"[c >> 4]);
			weir_text_char(text, "0123456789abcdef"[c & 15]);
		}
	}
	weir_text_char(text, '"');
}

static void put_released(struct weir_text *text)
{
	put_key(text, "released");
	weir_text_char(text, '{');
	for (unsigned t = 0; t < WEIR_TRIGGER_COUNT; t++) {
		const struct weir_released *released = &weir_stats.released[t];

		put_key(text, weir_trigger_name(t));
		weir_text_char(text, '{');
		put_bytes(text, "bytes", weir_load_relaxed(&released->units));
		put_number(text, "blocks", weir_load_relaxed(&released->blocks));
		put_number(text, "releases", weir_load_relaxed(&released->releases));
		put_number(text, "ns", weir_load_relaxed(&released->ns));
		weir_text_char(text, '}');
	}
	weir_text_char(text, '}');
}

static uint64_t class_hits(const struct weir_pool *pool, unsigned c)
{
	return weir_load_relaxed(&pool->classes[c].hits) + weir_cache_hits(&pool->cache, c);
}

static void put_class(struct weir_text *text, unsigned c, const struct weir_pool *pool,
		      const struct class_counts *counts)
{
	uint64_t hits = class_hits(pool, c);
	uint64_t misses = weir_load_relaxed(&pool->classes[c].misses);

	if (hits + misses + counts->live_blocks + counts->retained_blocks == 0)
		return;
	if (text->data[text->used - 1] == '}')
		weir_text_char(text, ',');
	weir_text_char(text, '{');
	put_number(text, "size_bytes", weir_class_bytes(c));
	put_number(text, "hits", hits);
	put_number(text, "misses", misses);
	put_bytes(text, "retained_bytes", counts->retained_units);
	put_number(text, "retained_blocks", counts->retained_blocks);
	put_number(text, "live_blocks", counts->live_blocks);
	weir_text_char(text, '}');
}

static void put_classes(struct weir_text *text, const struct weir_pool *pool,
			const struct counts *counts)
{
	put_key(text, "classes");
	weir_text_char(text, '[');
	for (unsigned c = 0; pool && c < WEIR_CLASS_COUNT; c++)
		put_class(text, c, pool, &counts->classes[c]);
	weir_text_char(text, ']');
}

static void put_usage(struct weir_text *text, struct weir_pool *pool, const struct counts *counts)
{
	static const struct weir_usage none;
	const struct weir_usage *usage = pool ? &pool->usage : &none;
	struct weir_held held = { 0, 0 };

	if (pool) {
		weir_pool_note_peaks(pool);
		held = weir_pool_held(pool);
	}
	put_bytes(text, "retained_bytes", held.retained_units);
	put_number(text, "retained_blocks", counts->retained_blocks);
	put_bytes(text, "live_bytes", held.live_units);
	put_number(text, "live_blocks", counts->live_blocks);
	put_bytes(text, "peak_live_bytes", weir_load_relaxed(&usage->peak_live_units));
	put_bytes(text, "peak_retained_bytes", weir_load_relaxed(&usage->peak_retained_units));
	put_bytes(text, "peak_footprint_bytes", weir_load_relaxed(&usage->peak_footprint_units));
}

static void put_requests(struct weir_text *text, const struct weir_pool *pool)
{
	uint64_t hits = 0, misses = 0;

	for (unsigned c = 0; pool && c < WEIR_CLASS_COUNT; c++) {
		hits += class_hits(pool, c);
		misses += weir_load_relaxed(&pool->classes[c].misses);
	}
	put_number(text, "requests", hits + misses);
	put_number(text, "hits", hits);
	put_number(text, "misses", misses);
}

void weir_snapshot_format(struct weir_text *text, const struct weir_config *config,
			  const char *program)
{
	struct weir_pool *pool = weir_large_pool();
	struct counts counts = { 0 };

	if (pool)
		count_slots(&counts, pool->space);
	weir_text_char(text, '{');
	put_string(text, "version", WEIR_VERSION);
	put_number(text, "pid", (uint64_t)weir_os_pid());
	put_string(text, "program", program);
	put_number(text, "limit_bytes", config->limit_bytes);
	put_usage(text, pool, &counts);
	put_requests(text, pool);
	for (unsigned i = 0; i < WEIR_COUNTER_COUNT; i++)
		put_number(text, weir_counter_name(i), weir_load_relaxed(&weir_stats.counters[i]));
	put_number(text, "mappings", pool ? weir_load_relaxed(&pool->space->pieces) : 0);
	put_string(text, "backend", weir_backend_name());
	put_string(text, "signal", weir_signal_owner(config->signal));
	put_released(text);
	put_classes(text, pool, &counts);
	weir_text_char(text, '}');
}
