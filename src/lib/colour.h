/* Where in its slot a block begins. Layer 3.
 *
 * Slots begin where a page does, so blocks that did too would all have their first
 * bytes in one set of the first-level cache, and their second ones in the next: a
 * walk over 64 rows, or over the planes of an image, would find only as many of them
 * as a set has ways. So a block begins at one of 32 places, 128 bytes apart: two
 * cache lines, which the adjacent-line prefetcher fetches together. A block keeps
 * its colour when its pages move. */
#ifndef WEIR_COLOUR_H
#define WEIR_COLOUR_H

#include "space.h"

/* Of a slot, for its word. */
static inline uint64_t weir_colour_in(unsigned stride_shift, uint32_t index)
{
	uint64_t colour = (index + 5 * stride_shift) % WEIR_COLOURS;

	return colour << WEIR_SLOT_COLOUR_SHIFT;
}

static inline uint64_t weir_colour_of(const struct weir_region *region, uint32_t index)
{
	return weir_colour_in(region->stride_shift, index);
}

/* From the slot's begin to the block's. */
static inline size_t weir_colour_bytes(uint64_t word)
{
	return weir_slot_colour(word) * WEIR_COLOUR_ALIGN;
}

#endif
