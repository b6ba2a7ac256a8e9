#include "live.h"

#include "extent.h"

/* Slots that one search for surplus looks at: about a microsecond. */
#define SURPLUS_SEARCH 256

static uint64_t *word_of(const struct weir_block *block)
{
	return &block->region->slots[block->index].word;
}

/* A release that began while the block was in hand missed its surplus. */
static void trim_if_released(struct weir_pool *pool, struct weir_block *block, uint64_t now_ms)
{
	struct weir_tally tally = { 0, 0, 0 };

	if (weir_live_surplus(block) == 0 || !weir_pool_release_began(pool, block))
		return;
	weir_live_trim(pool, block->region, block->index, false, now_ms, &tally);
	weir_pool_count_late(pool, &tally);
}

void weir_live_publish(struct weir_pool *pool, struct weir_block *block, size_t bytes,
		       uint64_t now_ms)
{
	block->word = weir_slot_resized(block->word, bytes, weir_slot_extent(block->word));
	if (weir_live_surplus(block) == 0) {
		weir_store_release(word_of(block), block->word);
		return;
	}
	weir_store_seq_cst(word_of(block), block->word);
	trim_if_released(pool, block, now_ms);
}

bool weir_live_swap(struct weir_block *block, uint64_t new_word)
{
	uint64_t seen = block->word;

	while (!weir_cas_seq_cst(word_of(block), &seen, new_word))
		if (seen != (block->word | WEIR_SLOT_AGED))
			return false;
	block->word = new_word;
	return true;
}

/* The epoch of another pool says nothing here: as if a release had begun meanwhile. */
#define EPOCH_UNKNOWN UINT64_MAX

struct weir_pool *weir_live_claim(struct weir_pool *pool, struct weir_block *block)
{
	uint64_t word = block->word;
	struct weir_pool *owner;

	if (word & WEIR_SLOT_BUSY)
		return NULL;
	block->epoch = weir_load_seq_cst(&pool->epoch);
	if (!weir_live_swap(block, (word & ~WEIR_SLOT_CACHED) | WEIR_SLOT_BUSY))
		return NULL;
	owner = weir_pool_of(pool, block->region, block->index);
	if (owner != pool)
		block->epoch = EPOCH_UNKNOWN;
	if (word & WEIR_SLOT_CACHED)
		weir_pool_count_uncached(owner, block->region, word);
	return owner;
}

void weir_live_finish(struct weir_pool *pool, struct weir_block *block, uint64_t now_ms)
{
	uint64_t claimed = weir_load_acquire(word_of(block));
	uint64_t final = weir_slot_resized(block->word, weir_slot_reach(block->word),
					   weir_slot_extent(block->word));

	while (claimed & WEIR_SLOT_LIVE)
		if (weir_cas_seq_cst(word_of(block), &claimed, final)) {
			block->word = final;
			trim_if_released(pool, block, now_ms);
			return;
		}
	block->word = final & ~WEIR_SLOT_LIVE;
	weir_pool_put_late(pool, block, now_ms);
}

bool weir_live_trim_claimed(struct weir_pool *pool, struct weir_block *block, uint64_t keep,
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

void weir_live_finish_cut(struct weir_pool *pool, struct weir_block *block, uint64_t keep,
			  uint64_t total, uint64_t now_ms, struct weir_tally *tally)
{
	if (keep < total && weir_live_trim_claimed(pool, block, keep, total, tally))
		weir_pool_count(pool, 0, -(int64_t)(total - keep));
	else if (keep < total)
		keep = total;
	block->word = weir_slot_resized(block->word, weir_slot_reach(block->word), keep);
	weir_live_finish(pool, block, now_ms);
}

/* On no list: surplus, or a cached block. */
static bool has_idle_pages(const struct weir_block *block)
{
	if (block->word & WEIR_SLOT_LIVE)
		return !(block->word & WEIR_SLOT_BUSY) && weir_live_surplus(block) > 0;
	return (block->word & WEIR_SLOT_CACHED) != 0;
}

void weir_live_trim(struct weir_pool *pool, struct weir_region *region, uint32_t index,
		    bool aged_only, uint64_t now_ms, struct weir_tally *tally)
{
	struct weir_block block = { region, index, 0, 0 };
	uint64_t word = weir_load_seq_cst(word_of(&block));
	struct weir_pool *owner = weir_pool_of(pool, region, index);

	block.word = word;
	if (!has_idle_pages(&block) || (aged_only && !(word & WEIR_SLOT_LIVE)) ||
	    (owner != pool && (aged_only || pool->first != pool)))
		return;
	if (aged_only && !(word & WEIR_SLOT_AGED)) {
		weir_cas_acq_rel(word_of(&block), &word, word | WEIR_SLOT_AGED);
		return;
	}
	if (!(word & WEIR_SLOT_LIVE)) {
		weir_pool_drop_cached(owner, &block, tally);
		return;
	}
	owner = weir_live_claim(owner, &block);
	if (owner)
		weir_live_finish_cut(owner, &block, weir_live_size(&block), weir_slot_extent(word),
				     now_ms, tally);
}

/* What of a live block lies beyond its size, from where a whole step begins. */
static bool has_surplus(const struct weir_block *block, uint64_t step, uint64_t *first_units)
{
	*first_units = weir_align_up(weir_live_size(block), step);
	return (block->word & WEIR_SLOT_LIVE) && !(block->word & WEIR_SLOT_BUSY) &&
	       weir_slot_extent(block->word) >= *first_units + WEIR_CHUNK_UNITS &&
	       step <= weir_region_slot_bytes(block->region) >> WEIR_UNIT_SHIFT;
}

bool weir_live_claim_surplus(struct weir_pool *pool, uint64_t step, uint64_t now_ms,
			     struct weir_block *block, uint64_t *first_units)
{
	struct weir_pool *owner;

	for (unsigned i = 0; i < SURPLUS_SEARCH; i++) {
		if (!weir_space_step(pool->space, &pool->surplus_cursor, &block->region,
				     &block->index)) {
			weir_store_relaxed(&pool->surplus_cursor, (uint64_t)0);
			continue;
		}
		block->word = weir_load_acquire(word_of(block));
		if (weir_pool_of(pool, block->region, block->index) != pool ||
		    !has_surplus(block, step, first_units))
			continue;
		owner = weir_live_claim(pool, block);
		if (owner == pool)
			return true;
		if (owner)
			weir_live_finish(owner, block, now_ms);
	}
	return false;
}
