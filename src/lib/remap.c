#include "remap.h"

static uint64_t chunks_up(uint64_t units)
{
	return weir_align_up(units, WEIR_CHUNK_UNITS);
}

bool weir_remap_gains(const struct weir_pool *pool, uint64_t units)
{
	return units >= WEIR_CHUNK_UNITS &&
	       weir_usage_retained(weir_pool_usage(pool)) >= WEIR_CHUNK_UNITS;
}

/* Moves up to `units` units of the victim's tail, whole chunks, and puts the
 * victim back with what it still has. Of the pages moved, those beyond `size_units`
 * of the block stay retained, as its surplus. Returns the pages moved, in units;
 * the last chunk may be short of some, as the victim's extent is. */
static uint64_t take_tail(struct weir_pool *pool, struct weir_range to, struct weir_block *victim,
			  uint64_t units, uint64_t size_units)
{
	uint64_t extent = weir_slot_extent(victim->word);
	uint64_t end = chunks_up(extent);
	uint64_t cut = units < end ? units : end;
	struct weir_range tail = { victim->region, victim->index, end - cut };
	uint64_t there = extent - tail.at_units;
	uint64_t moved = weir_extent_move(pool->space, to, tail, cut);
	uint64_t taken = moved < there ? moved : there;
	uint64_t reach = to.at_units + taken;
	uint64_t over = reach > size_units ? reach - size_units : 0;

	if (moved == 0) {
		weir_pool_put_back(pool, victim, extent, extent);
	} else if (taken == there) {
		weir_usage_add(&pool->usage, 0, (int64_t)over - (int64_t)taken);
		weir_pool_put_back(pool, victim, tail.at_units, tail.at_units);
	} else { /* nothing may be kept beyond a hole */
		if (weir_extent_trim(pool->space, to.region, to.index, size_units, reach)) {
			taken -= over;
			over = 0;
		}
		weir_usage_add(&pool->usage, 0, (int64_t)over);
		weir_pool_put_back(pool, victim, tail.at_units, extent);
	}
	return taken;
}

uint64_t weir_remap_fill(struct weir_pool *pool, struct weir_range to, uint64_t size_units)
{
	uint64_t end = chunks_up(size_units);
	uint64_t extent = to.at_units;
	uint64_t taken;
	struct weir_block victim;

	to.at_units = chunks_up(to.at_units);
	while (to.at_units < end && weir_pool_take_idle(pool, WEIR_CHUNK_UNITS, &victim)) {
		taken = take_tail(pool, to, &victim, end - to.at_units, size_units);
		if (taken == 0)
			break;
		extent = to.at_units + taken;
		to.at_units = chunks_up(extent);
	}
	return extent;
}
