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
#define TABLE_REGION (TABLE_STRIDE_SHIFT - WEIR_MIN_STRIDE_SHIFT)

/* While fresh pages may come, blocks of classes that were in use this long ago are
 * left to those: who robs them makes the next miss. */
#define IN_USE_MS 100

/* What is filled, and with what. */
struct filling {
	struct weir_pool *pool;
	struct weir_range to; /* goes on as it fills */
	uint64_t size_units;
	uint64_t used_before_ms; /* classes that may be robbed */
	bool tables_only;	 /* no parts of tables */
	bool spares;		 /* neither surplus nor the table stride's blocks are taken */
	uint64_t now_ms;
	struct weir_filled filled;
};

/* A retained block, or a live one of which only the surplus may be taken. */
struct source {
	struct weir_block block;
	uint64_t first_units; /* the pages from here on may be taken */
	bool live;
};

bool weir_remap_gains(struct weir_pool *pool, uint64_t units)
{
	return units >= WEIR_CHUNK_UNITS && !pool->hardened &&
	       weir_usage_retained(weir_pool_own_usage(pool)) >= WEIR_CHUNK_UNITS &&
	       weir_extent_may_move(pool->space);
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
static bool take_retained(const struct filling *filling, uint64_t units, uint64_t step,
			  struct weir_block *block)
{
	return weir_pool_take_idle(filling->pool, step, filling->used_before_ms, block) ||
	       (step == TABLE_UNITS && !filling->spares &&
		weir_pool_take_fitting(filling->pool, TABLE_REGION, weir_min(units, TABLE_UNITS),
				       block));
}

static bool find_source(const struct filling *filling, uint64_t units, uint64_t step,
			struct source *source)
{
	source->first_units = 0;
	source->live = !take_retained(filling, units, step, &source->block);
	if (!source->live)
		return true;
	return !filling->spares && weir_live_claim_surplus(filling->pool, step, filling->now_ms,
							   &source->block, &source->first_units);
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
		weir_pool_count(pool, (int64_t)(taken - over), (int64_t)over - (int64_t)taken);
		put_source(pool, source, tail.at_units, tail.at_units, now_ms);
	} else { /* nothing may be kept beyond a hole */
		if (weir_extent_trim(pool->space, to.region, to.index, size_units, reach)) {
			taken -= over;
			over = 0;
		}
		weir_pool_count(pool, (int64_t)(taken - over), (int64_t)over);
		put_source(pool, source, tail.at_units, extent, now_ms);
	}
	weir_stats_count(WEIR_COUNT_remapped_bytes, weir_units_to_bytes(taken));
	return taken;
}

/* Filling */

/* Up to `wanted` units in whole steps, out of one source. Returns how many. */
static uint64_t fill_step(struct filling *filling, uint64_t wanted, uint64_t step)
{
	struct source source;

	if (!find_source(filling, wanted, step, &source))
		return 0;
	return take_tail(filling->pool, filling->to, &source, wanted, step, filling->size_units,
			 filling->now_ms);
}

static uint64_t fill_tables(struct filling *filling)
{
	uint64_t wanted = filling->size_units - filling->to.at_units;

	if (!begins_table(filling->to) || wanted < WEIR_CHUNK_UNITS)
		return 0;
	return fill_step(filling, wanted, TABLE_UNITS);
}

/* Up to where the next table begins. */
static uint64_t fill_chunks(struct filling *filling, uint64_t chunk)
{
	uint64_t end = weir_align_up(filling->size_units, chunk);
	uint64_t table_end = weir_align_up(filling->to.at_units + 1, TABLE_UNITS);

	return fill_step(filling, weir_min(end, table_end) - filling->to.at_units, chunk);
}

/* From the end of the extent until nothing more is to be had. */
static void fill(struct filling *filling)
{
	uint64_t chunk = has_tables(filling->to.region) ? TABLE_UNITS / 2 : WEIR_CHUNK_UNITS;
	uint64_t step = filling->tables_only ? TABLE_UNITS : chunk;
	struct weir_filled *filled = &filling->filled;
	uint64_t taken;

	for (;;) {
		filling->to.at_units = weir_align_up(filled->extent, step);
		if (filling->to.at_units >= filling->size_units)
			break;
		taken = fill_tables(filling);
		if (taken == 0 && !filling->tables_only)
			taken = fill_chunks(filling, chunk);
		if (taken == 0)
			break;
		filled->extent = filling->to.at_units + taken;
		filled->units +=
			weir_min(filled->extent, filling->size_units) - filling->to.at_units;
	}
	if (filled->units > 0)
		weir_stats_count(WEIR_COUNT_remaps, 1);
}

/* Contents that are kept are worth any page; other blocks spare the others' while
 * fresh ones may come. */
static struct filling plan(struct weir_pool *pool, struct weir_range to, uint64_t size_units,
			   enum weir_contents contents, uint64_t now_ms)
{
	bool room = weir_footprint_has_room(pool, size_units - to.at_units);
	bool sparing = room && contents == WEIR_CONTENTS_ANY;

	return (struct filling){
		.pool = pool,
		.to = to,
		.size_units = size_units,
		.used_before_ms = !sparing	       ? UINT64_MAX
				  : now_ms > IN_USE_MS ? now_ms - IN_USE_MS
						       : 0,
		.tables_only = sparing && has_tables(to.region),
		.spares = sparing,
		.now_ms = now_ms,
		.filled = { to.at_units, 0 },
	};
}

struct weir_filled weir_remap_fill(struct weir_pool *pool, struct weir_range to,
				   uint64_t size_units, uint64_t now_ms)
{
	struct filling filling = plan(pool, to, size_units, WEIR_CONTENTS_KEPT, now_ms);

	fill(&filling);
	return filling.filled;
}

/* Gives a block's last table, whose contents nobody needs, a slot of its own, free
 * for others: a fuller one can take its place. Returns the units that stay. */
static uint64_t set_last_aside(struct weir_pool *pool, const struct weir_block *block,
			       uint64_t now_ms)
{
	uint64_t extent = weir_slot_extent(block->word);
	uint64_t kept = weir_align_down(extent, TABLE_UNITS);
	struct weir_range last = { block->region, block->index, kept };
	struct weir_range place = { &pool->space->regions[TABLE_REGION], 0, 0 };
	struct weir_block aside;

	if (!weir_pool_take_slot(pool, place.region, &aside))
		return extent;
	aside.epoch = block->epoch; /* of the pages that come */
	place.index = aside.index;
	if (weir_extent_move(pool->space, place, last, TABLE_UNITS) < TABLE_UNITS) {
		weir_pool_put_uncounted(pool, &aside, extent - kept);
		return extent;
	}
	aside.word = weir_slot_word(0, weir_units_to_bytes(extent - kept), extent - kept);
	weir_pool_put_late(pool, &aside, now_ms);
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
	struct filling filling;

	if (to.at_units >= units)
		return;
	if (weir_remap_gains(pool, units - to.at_units)) {
		filling = plan(pool, to, units, contents, now_ms);
		if (contents == WEIR_CONTENTS_ANY && !filling.spares &&
		    lacks_part_of_table(block, units))
			filling.filled.extent = to.at_units = set_last_aside(pool, block, now_ms);
		fill(&filling);
		filled = filling.filled;
	}
	block->word = weir_slot_word(block->word & WEIR_SLOT_COLOUR_MASK, 0, filled.extent);
	weir_footprint_add(pool, units - to.at_units - filled.units, now_ms);
}
