#include "move.h"

#include "live.h"
#include "remap.h"

#include <string.h>

/* Gives `to` the bytes of `from`: pages as far as the kernel moves them, a copy of
 * the rest. False when it moves none. */
static bool move_contents(struct weir_pool *pool, const struct weir_block *to,
			  const struct weir_block *from, uint64_t units)
{
	struct weir_range source = { from->region, from->index, 0 };
	struct weir_range target = { to->region, to->index, 0 };
	size_t usable =
		weir_units_to_bytes(weir_region_units(from->region, weir_slot_reach(from->word)));
	uint64_t chunks = weir_align_up(units, WEIR_CHUNK_UNITS);
	uint64_t moved = weir_extent_move(pool->space, target, source, chunks);
	size_t done = weir_units_to_bytes(moved);

	if (moved > 0 && done < usable)
		memcpy(weir_region_address(to->region, to->index) + done,
		       weir_region_address(from->region, from->index) + done, usable - done);
	return moved > 0;
}

void *weir_move_block(struct weir_pool *pool, struct weir_block *from, unsigned region_index,
		      size_t bytes, uint64_t now_ms)
{
	struct weir_region *region = &pool->space->regions[region_index];
	uint64_t size = weir_region_units(from->region, weir_slot_reach(from->word));
	uint64_t extent = weir_slot_extent(from->word);
	uint64_t units = extent > size ? extent : size;
	struct weir_block to;

	if (units < WEIR_CHUNK_UNITS || !weir_extent_may_move(pool->space) ||
	    !weir_live_claim(pool, from))
		return NULL;
	if (!weir_pool_take_slot(pool, region, &to)) {
		weir_live_finish(pool, from, now_ms);
		return NULL;
	}
	if (!move_contents(pool, &to, from, units)) {
		weir_region_put_empty(region, to.index);
		weir_live_finish(pool, from, now_ms);
		return NULL;
	}
	weir_pool_count(pool, (int64_t)(units - size), -(int64_t)(units - size));
	weir_pool_put_uncounted(pool, from, units);
	to.word = weir_slot_word(from->word & WEIR_SLOT_COLOUR_MASK, 0, units);
	weir_remap_complete(pool, &to, bytes, WEIR_CONTENTS_KEPT, now_ms);
	weir_live_publish(pool, &to, bytes, now_ms);
	return weir_region_address(region, to.index);
}
