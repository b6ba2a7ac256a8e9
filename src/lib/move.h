/* Moves a live block to a slot of a larger stride: pages instead of bytes. Layer 4.
 *
 * It goes to an empty slot, and what it grows by comes from retained blocks
 * (remap.h). Laying its pages over those of a retained slot would drop them, and
 * keeping both would retain every growing buffer twice (docs/DESIGN.md). */
#ifndef WEIR_MOVE_H
#define WEIR_MOVE_H

#include "pool.h"

/* Moves a live block, in hand by nobody, into a slot of a larger region, and
 * makes it `bytes` long. Returns the new address; NULL when the block is too
 * small to gain, another thread works on it, no slot is to be had or the kernel
 * refuses to move: the block has not changed then. */
void *weir_move_block(struct weir_pool *pool, struct weir_block *from, unsigned region_index,
		      size_t bytes, uint64_t now_ms);

#endif
