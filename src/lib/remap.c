#include "remap.h"

#include "footprint.h"
#include "live.h"

/* A table is what one page table maps: 2 MiB with 4 KiB pages. It moves for the
 * price of a few pages, if both places are where a table begins; half-filled ones
 * as well. So slots that hold tables exchange whole ones, and never parts, which
 * would leave them in mappings that each move on their own (mixed: 5 us for each
 * request, 35 us in chunks). */
#define TABLE_UNITS (WEIR_HUGE_PAGE_BYTES >> WEIR_UNIT_SHIFT)
#define TABLE_STRIDE_SHIFT 21

/* A retained block, or a live one of which only the surplus may be taken. */
struct source {
	struct weir_block block;
	uint64_t first_units; /* the pages from here on may be taken */
	bool live;
};

bool weir_remap_gains(const struct weir_pool *pool, uint64_t units)
{
	return units >= WEIR_CHUNK_UNITS &&
	       weir_usage_retained(weir_pool_usage(pool)) >= WEIR_CHUNK_UNITS;
}

static bool has_tables(const struct weir_region *region)
{
	return region->stride_shift >= TABLE_STRIDE_SHIFT;
}

static bool begins_table(struct weir_range range)
{
	return has_tables(range.region) && range.at_units % TABLE_UNITS == 0;
}

/* Sources */

/* A retained block for `units` units in steps of `step`. */
static bool take_retained(struct weir_pool *pool, uint64_t units, uint64_t step,
			  struct weir_block *block)
{
	return weir_pool_take_idle(pool, step, block) ||
	       (step == TABLE_UNITS &&
		weir_pool_take_fitting(pool, TABLE_STRIDE_SHIFT - WEIR_MIN_STRIDE_SHIFT,
				       weir_min(units, TABLE_UNITS), block));
}

static bool find_source(struct weir_pool *pool, uint64_t units, uint64_t step,
			struct source *source)
{
	source->first_units = 0;
	source->live = !take_retained(pool, units, step, &source->block);
	if (!source->live)
		return true;
	return !weir_footprint_has_room(pool, units) &&
	       weir_live_claim_surplus(pool, step, &source->block, &source->first_units);
}

/* The first `keep` of the source's `total` units are still its own. */
static void put_source(struct weir_pool *pool, struct source *source, uint64_t keep, uint64_t total,
		       uint64_t now_ms)
{
	struct weir_tally tally = { 0, 0, 0 };

	if (source->live)
		weir_live_finish_cut(pool, &source->block, keep, total, now_ms, &tally);
	else
		weir_pool_put_back(pool, &source->block, keep, total);
}

/* Moves up to `units` units of the source's tail, in whole steps, and puts the
 * source back with what it still has. Of the pages moved, those beyond `size_units`
 * of the block stay retained, as its surplus. Returns the pages moved, in units;
 * the last step may be short of some, as the source's extent is. */
static uint64_t take_tail(struct weir_pool *pool, struct weir_range to, struct source *source,
			  uint64_t units, uint64_t step, uint64_t size_units, uint64_t now_ms)
{
	uint64_t extent = weir_slot_extent(source->block.word);
	uint64_t end = weir_align_up(extent, step);
	uint64_t cut = weir_min(weir_align_up(units, step), end - source->first_units);
	struct weir_range tail = { source->block.region, source->block.index, end - cut };
	uint64_t there = extent - tail.at_units;
	uint64_t moved = weir_extent_move(pool->space, to, tail, cut);
	uint64_t taken = weir_min(moved, there);
	uint64_t reach = to.at_units + taken;
	uint64_t over = reach > size_units ? reach - size_units : 0;

	if (moved == 0) {
		put_source(pool, source, extent, extent, now_ms);
	} else if (taken == there) {
		weir_usage_add(&pool->usage, (int64_t)(taken - over),
			       (int64_t)over - (int64_t)taken);
		put_source(pool, source, tail.at_units, tail.at_units, now_ms);
	} else { /* nothing may be kept beyond a hole */
		if (weir_extent_trim(pool->space, to.region, to.index, size_units, reach)) {
			taken -= over;
			over = 0;
		}
		weir_usage_add(&pool->usage, (int64_t)(taken - over), (int64_t)over);
		put_source(pool, source, tail.at_units, extent, now_ms);
	}
	weir_stats_count(WEIR_COUNT_remapped_bytes, weir_units_to_bytes(taken));
	return taken;
}

/* Filling */

/* Up to where the next table begins, where a part of one is to be filled. */
static uint64_t fill_chunks(struct weir_pool *pool, struct weir_range to, uint64_t size_units,
			    uint64_t now_ms)
{
	uint64_t wanted = weir_align_up(size_units, WEIR_CHUNK_UNITS) - to.at_units;
	struct source source;

	wanted = weir_min(wanted, TABLE_UNITS - to.at_units % TABLE_UNITS);
	if (!find_source(pool, wanted, WEIR_CHUNK_UNITS, &source))
		return 0;
	return take_tail(pool, to, &source, wanted, WEIR_CHUNK_UNITS, size_units, now_ms);
}

static uint64_t fill_tables(struct weir_pool *pool, struct weir_range to, uint64_t size_units,
			    uint64_t now_ms)
{
	uint64_t wanted = size_units - to.at_units;
	struct source source;

	if (wanted < WEIR_CHUNK_UNITS)
		return 0;
	if (find_source(pool, wanted, TABLE_UNITS, &source))
		return take_tail(pool, to, &source, wanted, TABLE_UNITS, size_units, now_ms);
	return 0;
}

/* Where the pages under a block need not be as they are, parts of tables are left to
 * be faulted, as long as fresh pages may come: they serve longer. */
static bool takes_parts(const struct weir_pool *pool, const struct weir_region *region,
			enum weir_contents contents)
{
	return contents == WEIR_CONTENTS_KEPT || !has_tables(region) ||
	       !weir_footprint_has_room(pool, WEIR_CHUNK_UNITS);
}

/* From the end of the extent until nothing more is to be had. */
static struct weir_filled fill(struct weir_pool *pool, struct weir_range to, uint64_t size_units,
			       enum weir_contents contents, uint64_t now_ms)
{
	struct weir_filled filled = { to.at_units, 0 };
	bool parts = takes_parts(pool, to.region, contents);
	uint64_t taken;

	for (;;) {
		to.at_units = weir_align_up(filled.extent, parts ? WEIR_CHUNK_UNITS : TABLE_UNITS);
		taken = 0;
		if (to.at_units < size_units && begins_table(to))
			taken = fill_tables(pool, to, size_units, now_ms);
		if (to.at_units < size_units && taken == 0 && parts)
			taken = fill_chunks(pool, to, size_units, now_ms);
		if (taken == 0)
			break;
		filled.extent = to.at_units + taken;
		filled.units += weir_min(filled.extent, size_units) - to.at_units;
	}
	if (filled.units > 0)
		weir_stats_count(WEIR_COUNT_remaps, 1);
	return filled;
}

struct weir_filled weir_remap_fill(struct weir_pool *pool, struct weir_range to,
				   uint64_t size_units, uint64_t now_ms)
{
	return fill(pool, to, size_units, WEIR_CONTENTS_KEPT, now_ms);
}

/* Gives a block's last table, whose contents nobody needs, a slot of its own, free
 * for others: a fuller one can take its place. Returns the units that stay. */
static uint64_t set_last_aside(struct weir_pool *pool, const struct weir_block *block,
			       uint64_t now_ms)
{
	uint64_t extent = weir_slot_extent(block->word);
	uint64_t kept = weir_align_down(extent, TABLE_UNITS);
	struct weir_range last = { block->region, block->index, kept };
	struct weir_range place = {
		&pool->space->regions[TABLE_STRIDE_SHIFT - WEIR_MIN_STRIDE_SHIFT], 0, 0
	};
	struct weir_block aside = { .region = place.region, .epoch = block->epoch };

	if (!weir_region_take_empty(aside.region, &aside.index))
		return extent;
	place.index = aside.index;
	if (weir_extent_move(pool->space, place, last, TABLE_UNITS) < TABLE_UNITS) {
		weir_pool_put_uncounted(pool, &aside, extent - kept);
		return extent;
	}
	aside.word = weir_slot_word(0, weir_units_to_bytes(extent - kept), extent - kept);
	weir_pool_put(pool, &aside, now_ms);
	return kept;
}

/* Whether a block in hand lacks more of its last table than is worth a fault. */
static bool lacks_part_of_table(const struct weir_block *block, uint64_t units)
{
	uint64_t extent = weir_slot_extent(block->word);
	uint64_t table_end = weir_align_up(extent, TABLE_UNITS);

	return has_tables(block->region) && weir_min(table_end, units) > extent + WEIR_CHUNK_UNITS;
}

void weir_remap_complete(struct weir_pool *pool, struct weir_block *block, size_t bytes,
			 enum weir_contents contents, uint64_t now_ms)
{
	uint64_t units = weir_region_units(block->region, bytes);
	struct weir_range to = { block->region, block->index, weir_slot_extent(block->word) };
	struct weir_filled filled = { to.at_units, 0 };

	if (to.at_units >= units)
		return;
	if (weir_remap_gains(pool, units - to.at_units)) {
		if (contents == WEIR_CONTENTS_ANY && lacks_part_of_table(block, units))
			to.at_units = set_last_aside(pool, block, now_ms);
		filled = fill(pool, to, units, contents, now_ms);
	}
	block->word = weir_slot_word(0, 0, filled.extent);
	weir_footprint_add(pool, units - to.at_units - filled.units, now_ms);
}
