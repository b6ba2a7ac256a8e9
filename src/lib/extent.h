/* The pages of one slot: release its tail, or move pages elsewhere. Layer 4.
 *
 * The caller has the slot in hand (slot.h) and keeps its word; these functions
 * touch pages and the count of pieces only. A move splits mappings, at its
 * destination; a slot that is released whole gets one fresh mapping, which joins
 * its neighbours again. Safe in a signal handler. */
#ifndef WEIR_EXTENT_H
#define WEIR_EXTENT_H

#include "space.h"

/* Pages move in chunks of 256 KiB, from and to multiples of it: fewer are copied
 * or faulted in as cheaply, and blocks that pass pages on and on do not end in a
 * mapping for each page. */
#define WEIR_CHUNK_UNITS ((uint64_t)64)

/* Releases the pages of units [keep, extent) of a slot. False when the kernel
 * refuses: the pages are then as before, and resident. */
bool weir_extent_trim(struct weir_space *space, struct weir_region *region, uint32_t index,
		      uint64_t keep_units, uint64_t extent_units);

/* What of units [from, to) of a slot is resident, by a look at some of them. */
struct weir_resident {
	uint64_t end_units; /* beyond it nothing is */
	unsigned share;	    /* of all pages of the range, in WEIR_SHARE_ALL */
};
#define WEIR_SHARE_ALL 256
struct weir_resident weir_extent_look(const struct weir_region *region, uint32_t index,
				      uint64_t from_units, uint64_t to_units);

/* Lets the whole huge pages of a block's `bytes` be huge, and nothing else in its
 * slot: the last one would be resident beyond the block. For regions that use
 * huge pages, before the block is touched. */
void weir_extent_advise(struct weir_space *space, struct weir_region *region, uint32_t index,
			size_t bytes);

/* Where units of a slot begin. */
struct weir_range {
	struct weir_region *region;
	uint32_t index;
	uint64_t at_units;
};

/* Whether to try a move at all: not where moves lose their source, and seldom where the last ones
 * were all refused. Asked before anything is done for the sake of one. */
bool weir_extent_may_move(struct weir_space *space);

/* Moves the pages of `units` units, all three in whole chunks; what was at `to` is dropped, what
 * stays at `from` reads as zero. Returns how many moved, from the start of the range: less when the
 * kernel refuses, 0 when moves have made too many mappings already. */
uint64_t weir_extent_move(struct weir_space *space, struct weir_range to, struct weir_range from,
			  uint64_t units);

#endif
