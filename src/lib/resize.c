#include "resize.h"

#include "footprint.h"
#include "live.h"
#include "remap.h"

/* A tail that was there when the program got the block stays as its surplus, within
 * the limit: the next block wants it (redis reads each value into a buffer as long as
 * the last one, and trims it). One that may never have been touched goes back, which
 * costs nothing then, and it would count as retained for nothing. */
static bool keep_tail(struct weir_pool *pool, const struct weir_block *block, uint64_t units)
{
	return weir_slot_extent(block->word) >= weir_live_size(block) &&
	       weir_pool_keep(pool, units);
}

/* Returns the units that stay; all of them, where the kernel refuses. */
static uint64_t give_back_tail(struct weir_pool *pool, struct weir_block *block, uint64_t keep,
			       uint64_t total)
{
	int64_t surplus = (int64_t)weir_live_surplus(block);
	int64_t cut = (int64_t)(total - keep) - surplus;
	struct weir_tally tally = { 0, 0, 0 };

	if (!weir_live_trim_claimed(pool, block, keep, total, &tally)) {
		weir_pool_count(pool, -cut, cut);
		return total;
	}
	weir_pool_count(pool, -cut, -surplus);
	return keep;
}

static bool shrink(struct weir_pool *pool, struct weir_block *block, size_t bytes, uint64_t now_ms)
{
	uint64_t keep = weir_region_units(block->region, bytes);
	uint64_t cut = weir_live_size(block) - keep;
	uint64_t total = keep + cut + weir_live_surplus(block);

	if (!weir_live_claim(pool, block))
		return false;
	if (!keep_tail(pool, block, cut))
		total = give_back_tail(pool, block, keep, total);
	block->word = weir_slot_resized(block->word, bytes, total);
	weir_live_finish(pool, block, now_ms);
	return true;
}

static void count_growth(struct weir_pool *pool, uint64_t from_surplus, uint64_t fresh,
			 uint64_t now_ms)
{
	if (from_surplus > 0)
		weir_pool_count(pool, (int64_t)from_surplus, -(int64_t)from_surplus);
	weir_footprint_add(pool, fresh, now_ms);
}

static bool grow(struct weir_pool *pool, struct weir_block *block, size_t bytes, uint64_t now_ms)
{
	uint64_t extent = weir_slot_extent(block->word);
	uint64_t old_units = weir_live_size(block);
	uint64_t units = weir_region_units(block->region, bytes);
	uint64_t from_surplus = weir_min(weir_live_surplus(block), units - old_units);
	uint64_t missing = units - old_units - from_surplus;
	struct weir_range range = { block->region, block->index, units - missing };
	struct weir_filled filled = { extent, 0 };
	bool fills = weir_remap_gains(pool, missing);

	if (block->word & WEIR_SLOT_BUSY)
		return false;
	if (!fills && !(block->word & WEIR_SLOT_CACHED)) {
		if (!weir_live_swap(block, weir_slot_resized(block->word, bytes, extent)))
			return false;
		count_growth(pool, from_surplus, missing, now_ms);
		return true;
	}
	if (!weir_live_claim(pool, block))
		return false;
	if (fills)
		filled = weir_remap_fill(pool, range, units, now_ms);
	count_growth(pool, from_surplus, missing - filled.units, now_ms);
	block->word = weir_slot_resized(block->word, bytes, filled.extent);
	weir_live_finish(pool, block, now_ms);
	return true;
}

bool weir_resize_block(struct weir_pool *pool, struct weir_block *block, size_t bytes,
		       uint64_t now_ms)
{
	if (weir_region_units(block->region, bytes) < weir_live_size(block))
		return shrink(pool, block, bytes, now_ms);
	return grow(pool, block, bytes, now_ms);
}
