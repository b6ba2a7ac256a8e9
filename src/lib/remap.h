/* Pages for a slot out of retained blocks, by mremap. Layer 4.
 *
 * Retained pages are what all classes share: a block that lacks pages takes the
 * tails of the blocks that were idle longest, and then what live ones have beyond
 * their size, which costs a tenth of faulting new ones in. A source's extent stays
 * a prefix. */
#ifndef WEIR_REMAP_H
#define WEIR_REMAP_H

#include "extent.h"
#include "pool.h"

/* Whether `units` are worth a move, there may be as many to take, and moves work here. */
bool weir_remap_gains(struct weir_pool *pool, uint64_t units);

struct weir_filled {
	uint64_t extent; /* of the slot then, at least the start of the range */
	uint64_t units;	 /* of the block, now under it: less than the extent where holes are */
};

/* Puts retained pages under a slot whose pages the caller owns, from the start of
 * the range to the end of the block, which is `size_units` long. They count as
 * live from then on, but for those beyond the block: its surplus. The rest of the
 * block is the caller's to count. */
struct weir_filled weir_remap_fill(struct weir_pool *pool, struct weir_range to,
				   uint64_t size_units, uint64_t now_ms);

/* Gives a block in hand what it lacks of `bytes`: retained pages where that gains,
 * and fresh ones, to be faulted, for the rest. All of it counts as live then. */
enum weir_contents { WEIR_CONTENTS_ANY, WEIR_CONTENTS_KEPT };
void weir_remap_complete(struct weir_pool *pool, struct weir_block *block, size_t bytes,
			 enum weir_contents contents, uint64_t now_ms);

#endif
