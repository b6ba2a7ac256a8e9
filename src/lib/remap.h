/* Pages for a slot out of retained blocks, by mremap. Layer 4.
 *
 * Retained pages are what all classes share: a block that grows takes the tails
 * of those that were idle longest, which costs a tenth of faulting new ones in.
 * A victim's extent stays a prefix. */
#ifndef WEIR_REMAP_H
#define WEIR_REMAP_H

#include "extent.h"
#include "pool.h"

/* Whether `units` are worth a move and there may be as many to take. */
bool weir_remap_gains(const struct weir_pool *pool, uint64_t units);

/* Puts retained pages under a slot whose pages the caller owns, whole chunks from
 * the start of the range to the end of the block, which is `size_units` long. They
 * count as retained no more, but for those beyond the block: its surplus. The
 * caller counts the block's growth as live. Returns the slot's extent then, at
 * least the start of the range. */
uint64_t weir_remap_fill(struct weir_pool *pool, struct weir_range to, uint64_t size_units);

#endif
