/* Live blocks: hand out, resize in place, trim the surplus. Layer 4.
 *
 * The word of a live block may change under the caller: the program may free the
 * block while a release trims its surplus. Whoever works on the pages of a live
 * block claims it first (BUSY) and finishes after; a free in between leaves the
 * rest to him (slot.h). Nobody waits for anybody: where a claim fails, the
 * caller does without. */
#ifndef WEIR_LIVE_H
#define WEIR_LIVE_H

#include "pool.h"

/* Makes a slot that was taken for `bytes` live: from here on its word is shared. */
void weir_live_publish(struct weir_pool *pool, struct weir_block *block, size_t bytes,
		       uint64_t now_ms);

/* Sets BUSY on a live block whose word is still block->word. */
bool weir_live_claim(struct weir_pool *pool, struct weir_block *block);

/* Clears BUSY and stores size and extent of block->word. If the program freed the
 * block meanwhile, puts it. */
void weir_live_finish(struct weir_pool *pool, struct weir_block *block, uint64_t now_ms);

/* Resizes a live block inside its slot; bytes is at most the stride. What it grows
 * by comes from retained blocks, where that is worth a move. False when another
 * thread works on it: the block is then unchanged. */
bool weir_live_resize(struct weir_pool *pool, struct weir_block *block, size_t bytes,
		      uint64_t now_ms);

/* Releases what a live slot holds beyond the program's bytes. With `aged_only`,
 * only when a former call with it saw the same surplus; marks it otherwise. */
void weir_live_trim_surplus(struct weir_pool *pool, struct weir_region *region, uint32_t index,
			    bool aged_only, uint64_t now_ms, struct weir_tally *tally);

#endif
