/* Live blocks: hand out, claim, trim the surplus. Layer 4.
 *
 * The word of a live block may change under the caller: the program may free the
 * block while a release trims its surplus. Whoever works on the pages of a live
 * block claims it first (BUSY) and finishes after; a free in between leaves the
 * rest to him (slot.h). Nobody waits for anybody: where a claim fails, the
 * caller does without. */
#ifndef WEIR_LIVE_H
#define WEIR_LIVE_H

#include "pool.h"

/* In units, by block->word. */

static inline uint64_t weir_live_size(const struct weir_block *block)
{
	return weir_region_units(block->region, weir_slot_reach(block->word));
}

static inline uint64_t weir_live_surplus(const struct weir_block *block)
{
	uint64_t size = weir_live_size(block);
	uint64_t extent = weir_slot_extent(block->word);

	return extent > size ? extent - size : 0;
}

/* Makes a slot that was taken for `bytes` live: from here on its word is shared. */
void weir_live_publish(struct weir_pool *pool, struct weir_block *block, size_t bytes,
		       uint64_t now_ms);

/* Stores a new word where block->word still stands, aged or not. */
bool weir_live_swap(struct weir_block *block, uint64_t new_word);

/* Sets BUSY on a live block whose word is still block->word; it is cached no more. Returns whose
 * it is, or NULL where that failed: `pool`, unless the block that had this word came to another
 * pool meanwhile; so for a block that the program has, `pool`. */
struct weir_pool *weir_live_claim(struct weir_pool *pool, struct weir_block *block);

/* Clears BUSY and stores size and extent of block->word. If the program freed the
 * block meanwhile, puts it. */
void weir_live_finish(struct weir_pool *pool, struct weir_block *block, uint64_t now_ms);

/* The same for a claimed block of whose `total` units only the first `keep` are to
 * stay; the rest counts as retained, until it is released. */
void weir_live_finish_cut(struct weir_pool *pool, struct weir_block *block, uint64_t keep,
			  uint64_t total, uint64_t now_ms, struct weir_tally *tally);

/* Releases all beyond the first `keep` of the `total` units of a claimed block; the
 * caller counts. False when the kernel refuses. */
bool weir_live_trim_claimed(struct weir_pool *pool, struct weir_block *block, uint64_t keep,
			    uint64_t total, struct weir_tally *tally);

/* Releases what a slot holds that is on no list and not the program's: the surplus of
 * a live one, a cached block; where the pool is the first, of whatever pool. With `aged_only`,
 * only surplus, only of the pool's own, and only when a former call with it saw the same; marks
 * it otherwise. */
void weir_live_trim(struct weir_pool *pool, struct weir_region *region, uint32_t index,
		    bool aged_only, uint64_t now_ms, struct weir_tally *tally);

/* Claims some live block of the pool's own with surplus that may be moved elsewhere in steps of
 * `step` units: its pages from *first_units on. Looks at a bounded number of slots, from where the
 * last search ended. */
bool weir_live_claim_surplus(struct weir_pool *pool, uint64_t step, uint64_t now_ms,
			     struct weir_block *block, uint64_t *first_units);

#endif
