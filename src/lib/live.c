#include "live.h"

#include "extent.h"
#include "remap.h"

static uint64_t size_units(const struct weir_block *block, uint64_t word)
{
	return weir_region_units(block->region, weir_slot_size(word));
}

static uint64_t surplus_units(const struct weir_block *block, uint64_t word)
{
	uint64_t size = size_units(block, word);
	uint64_t extent = weir_slot_extent(word);

	return extent > size ? extent - size : 0;
}

static uint64_t *word_of(const struct weir_block *block)
{
	return &block->region->slots[block->index].word;
}

/* A release that began while the block was in hand missed its surplus. */
static void trim_if_released(struct weir_pool *pool, struct weir_block *block, uint64_t now_ms)
{
	struct weir_tally tally = { 0, 0, 0 };

	if (surplus_units(block, block->word) == 0 || !weir_pool_release_began(pool, block))
		return;
	weir_live_trim_surplus(pool, block->region, block->index, false, now_ms, &tally);
	weir_pool_count_late(pool, &tally);
}

void weir_live_publish(struct weir_pool *pool, struct weir_block *block, size_t bytes,
		       uint64_t now_ms)
{
	block->word = weir_slot_word(WEIR_SLOT_LIVE, bytes, weir_slot_extent(block->word));
	if (surplus_units(block, block->word) == 0) {
		weir_store_release(word_of(block), block->word);
		return;
	}
	weir_store_seq_cst(word_of(block), block->word);
	trim_if_released(pool, block, now_ms);
}

/* Stores a new word where block->word still stands, aged or not. */
static bool swap_word(struct weir_block *block, uint64_t new_word)
{
	uint64_t seen = block->word;

	while (!weir_cas_seq_cst(word_of(block), &seen, new_word))
		if (seen != (block->word | WEIR_SLOT_AGED))
			return false;
	block->word = new_word;
	return true;
}

bool weir_live_claim(struct weir_pool *pool, struct weir_block *block)
{
	if (block->word & WEIR_SLOT_BUSY)
		return false;
	block->epoch = weir_load_seq_cst(&pool->epoch);
	return swap_word(block, block->word | WEIR_SLOT_BUSY);
}

void weir_live_finish(struct weir_pool *pool, struct weir_block *block, uint64_t now_ms)
{
	uint64_t claimed = weir_load_acquire(word_of(block));
	uint64_t final = weir_slot_word(WEIR_SLOT_LIVE, weir_slot_size(block->word),
					weir_slot_extent(block->word));

	while (claimed & WEIR_SLOT_LIVE)
		if (weir_cas_seq_cst(word_of(block), &claimed, final)) {
			block->word = final;
			trim_if_released(pool, block, now_ms);
			return;
		}
	block->word = final & ~WEIR_SLOT_LIVE;
	weir_pool_put(pool, block, now_ms);
}

/* Releases all beyond the first `keep` units of a claimed block. */
static bool trim_claimed(struct weir_pool *pool, struct weir_block *block, uint64_t keep,
			 uint64_t total, struct weir_tally *tally)
{
	uint64_t start_ns = weir_os_now_ns();

	if (block->region->huge)
		weir_extent_advise(pool->space, block->region, block->index,
				   weir_units_to_bytes(keep));
	if (!weir_extent_trim(pool->space, block->region, block->index, keep, total)) {
		weir_stats_count(WEIR_COUNT_release_failures, 1);
		return false;
	}
	tally->units += total - keep;
	tally->blocks++;
	tally->ns += weir_os_now_ns() - start_ns;
	return true;
}

static void set_word(struct weir_block *block, size_t size, uint64_t extent)
{
	block->word = weir_slot_word(WEIR_SLOT_LIVE | WEIR_SLOT_BUSY, size, extent);
}

/* The tail goes back at once, as the C library's realloc does: a block that was
 * made smaller tends to live long. */
static bool shrink(struct weir_pool *pool, struct weir_block *block, size_t bytes, uint64_t now_ms)
{
	uint64_t old_units = size_units(block, block->word);
	uint64_t surplus = surplus_units(block, block->word);
	uint64_t keep = weir_region_units(block->region, bytes);
	uint64_t total = old_units + surplus;
	struct weir_tally tally = { 0, 0, 0 };

	if (!weir_live_claim(pool, block))
		return false;
	if (trim_claimed(pool, block, keep, total, &tally)) {
		weir_usage_add(&pool->usage, (int64_t)keep - (int64_t)old_units, -(int64_t)surplus);
		set_word(block, bytes, keep);
	} else {
		weir_usage_add(&pool->usage, (int64_t)keep - (int64_t)old_units,
			       (int64_t)old_units - (int64_t)keep);
		set_word(block, bytes, total);
	}
	weir_live_finish(pool, block, now_ms);
	return true;
}

/* Of the units that a block grows by, those that no page of its own covers. */
static uint64_t missing_units(uint64_t old_units, uint64_t extent, uint64_t new_units)
{
	uint64_t covered = extent > old_units ? extent : old_units;

	return new_units > covered ? new_units - covered : 0;
}

static bool grow_filled(struct weir_pool *pool, struct weir_block *block, size_t bytes,
			uint64_t missing, uint64_t now_ms)
{
	uint64_t old_units = size_units(block, block->word);
	uint64_t surplus = surplus_units(block, block->word);
	uint64_t new_units = weir_region_units(block->region, bytes);
	struct weir_range range = { block->region, block->index, new_units - missing };

	if (!weir_live_claim(pool, block))
		return false;
	weir_usage_add(&pool->usage, (int64_t)(new_units - old_units), -(int64_t)surplus);
	set_word(block, bytes, weir_remap_fill(pool, range, new_units));
	weir_live_finish(pool, block, now_ms);
	return true;
}

bool weir_live_resize(struct weir_pool *pool, struct weir_block *block, size_t bytes,
		      uint64_t now_ms)
{
	uint64_t old_units = size_units(block, block->word);
	uint64_t new_units = weir_region_units(block->region, bytes);
	uint64_t old_word = block->word;
	uint64_t missing = missing_units(old_units, weir_slot_extent(old_word), new_units);

	if (new_units < old_units)
		return shrink(pool, block, bytes, now_ms);
	if (weir_remap_gains(pool, missing))
		return grow_filled(pool, block, bytes, missing, now_ms);
	if (old_word & WEIR_SLOT_BUSY)
		return false;
	if (!swap_word(block, weir_slot_word(WEIR_SLOT_LIVE, bytes, weir_slot_extent(old_word))))
		return false;
	weir_usage_add(&pool->usage, (int64_t)(new_units - old_units),
		       (int64_t)surplus_units(block, block->word) -
			       (int64_t)surplus_units(block, old_word));
	return true;
}

void weir_live_trim_surplus(struct weir_pool *pool, struct weir_region *region, uint32_t index,
			    bool aged_only, uint64_t now_ms, struct weir_tally *tally)
{
	struct weir_block block = { region, index, 0, 0 };
	uint64_t surplus, word;

	word = weir_load_seq_cst(word_of(&block));
	block.word = word;
	surplus = surplus_units(&block, word);
	if (!(word & WEIR_SLOT_LIVE) || (word & WEIR_SLOT_BUSY) || surplus == 0)
		return;
	if (aged_only && !(word & WEIR_SLOT_AGED)) {
		weir_cas_acq_rel(word_of(&block), &word, word | WEIR_SLOT_AGED);
		return;
	}
	if (!weir_live_claim(pool, &block))
		return;
	if (trim_claimed(pool, &block, size_units(&block, word), weir_slot_extent(word), tally)) {
		weir_usage_add(&pool->usage, 0, -(int64_t)surplus);
		set_word(&block, weir_slot_size(word), size_units(&block, word));
	}
	weir_live_finish(pool, &block, now_ms);
}
