#include "resize.h"

#include "footprint.h"
#include "live.h"
#include "remap.h"

/* The tail goes back at once, as the C library's realloc does: a block that was
 * made smaller tends to live long. */
static bool shrink(struct weir_pool *pool, struct weir_block *block, size_t bytes, uint64_t now_ms)
{
	uint64_t keep = weir_region_units(block->region, bytes);
	uint64_t cut = weir_live_size(block) - keep;
	uint64_t surplus = weir_live_surplus(block);
	uint64_t total = keep + cut + surplus;
	struct weir_tally tally = { 0, 0, 0 };

	if (!weir_live_claim(pool, block))
		return false;
	if (weir_live_trim_claimed(pool, block, keep, total, &tally)) {
		weir_usage_add(&pool->usage, -(int64_t)cut, -(int64_t)surplus);
		total = keep;
	} else {
		weir_usage_add(&pool->usage, -(int64_t)cut, (int64_t)cut);
	}
	block->word = weir_slot_word(WEIR_SLOT_LIVE, bytes, total);
	weir_live_finish(pool, block, now_ms);
	return true;
}

static void count_growth(struct weir_pool *pool, uint64_t from_surplus, uint64_t fresh,
			 uint64_t now_ms)
{
	if (from_surplus > 0)
		weir_usage_add(&pool->usage, (int64_t)from_surplus, -(int64_t)from_surplus);
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
	struct weir_filled filled;

	if (block->word & WEIR_SLOT_BUSY)
		return false;
	if (!weir_remap_gains(pool, missing)) {
		if (!weir_live_swap(block, weir_slot_word(WEIR_SLOT_LIVE, bytes, extent)))
			return false;
		count_growth(pool, from_surplus, missing, now_ms);
		return true;
	}
	if (!weir_live_claim(pool, block))
		return false;
	filled = weir_remap_fill(pool, range, units, now_ms);
	count_growth(pool, from_surplus, missing - filled.units, now_ms);
	block->word = weir_slot_word(WEIR_SLOT_LIVE, bytes, filled.extent);
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
