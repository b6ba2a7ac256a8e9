/* A slot's word: who has the slot, and what may be resident in it. Layer 3.
 *
 * One 64-bit word a slot, outside the block, changed by compare-and-swap, holds
 * all that two threads could disagree about:
 *
 *   LIVE  the program has the block     size    bytes it asked for
 *   BUSY  one thread works on the       extent  units that may be resident;
 *         pages of a live block                 beyond it: zero, not resident
 *   AGED  surplus seen by decay once
 *
 *   from            to              by whom
 *   free            LIVE            the thread that took it off a list
 *   LIVE            free            free(); a second free finds no LIVE
 *   LIVE            LIVE|BUSY       a release or realloc claims the pages
 *   LIVE|BUSY       LIVE            that same thread
 *   LIVE|BUSY       free            realloc, once the pages have moved elsewhere
 *   LIVE|BUSY       BUSY            free(), which then leaves; nobody waits
 *   BUSY            free            the thread that has BUSY; it also puts the slot
 *
 * Pages and extent belong to whoever took the slot, cleared LIVE or set BUSY.
 * surplus = max(0, extent - size): resident, but not the program's. It counts
 * as retained, although the slot is live. */
#ifndef WEIR_SLOT_H
#define WEIR_SLOT_H

#include "atomic.h"
#include "base.h"

struct weir_slot {
	uint64_t word;	 /* atomic */
	uint32_t next;	 /* atomic, relaxed: index + 1 of the next slot on a list, 0 for none */
	uint32_t pieces; /* mappings that moves made here, an estimate; the pages' owner's */
};

#define WEIR_SLOT_LIVE ((uint64_t)1 << 63)
#define WEIR_SLOT_BUSY ((uint64_t)1 << 62)
#define WEIR_SLOT_AGED ((uint64_t)1 << 61)

#define WEIR_SLOT_SIZE_BITS 34
#define WEIR_SLOT_EXTENT_BITS 22

/* flags | size | extent */
static inline uint64_t weir_slot_word(uint64_t flags, size_t size_bytes, uint64_t extent_units)
{
	return flags | extent_units << WEIR_SLOT_SIZE_BITS | size_bytes;
}

static inline size_t weir_slot_size(uint64_t word)
{
	return (size_t)(word & (((uint64_t)1 << WEIR_SLOT_SIZE_BITS) - 1));
}

static inline uint64_t weir_slot_extent(uint64_t word)
{
	return word >> WEIR_SLOT_SIZE_BITS & (((uint64_t)1 << WEIR_SLOT_EXTENT_BITS) - 1);
}

#endif
