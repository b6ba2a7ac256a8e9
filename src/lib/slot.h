/* A slot's word: who has the slot, and what may be resident in it. Layer 3.
 *
 * One 64-bit word a slot, outside the block, changed by compare-and-swap, holds
 * all that two threads could disagree about:
 *
 *   LIVE    the program has the block      colour  where in the slot the block begins
 *   BUSY    one thread works on the        extent  units that may be resident;
 *           pages of a live block                  beyond it: zero, not resident
 *   AGED    unused, seen by decay once     reach   bytes from the slot's begin to the
 *   CACHED  at hand (cache.h)                      end of the block
 *   CLEAN   given to calloc as fresh pages                (free and CACHED: the pool's place)
 *
 *   from            to              by whom
 *   free            LIVE            the thread that took it off a list
 *   LIVE            free            free(); a second free finds no LIVE
 *   LIVE            LIVE|BUSY       a release or realloc claims the pages
 *   LIVE|BUSY       LIVE            that same thread
 *   LIVE|BUSY       free            realloc, once the pages have moved elsewhere
 *   LIVE|BUSY       BUSY            free(), which then leaves; nobody waits
 *   BUSY            free            the thread that has BUSY; it also puts the slot
 *   free            CACHED          the thread that has it in hand
 *   CACHED          LIVE|CACHED     malloc()
 *   LIVE|CACHED     CACHED          free()
 *   CACHED          free            whoever needs the pages; it has the slot in hand
 *   LIVE|CACHED     LIVE, or BUSY   whoever needs the room, or the pages
 *
 * Pages and extent belong to whoever took the slot, cleared LIVE, set BUSY or
 * cleared CACHED alone. surplus = max(0, extent - reach): resident, but not the
 * program's. It counts as retained, although the slot is live; while it is CACHED
 * all of the extent does. */
#ifndef WEIR_SLOT_H
#define WEIR_SLOT_H

#include "atomic.h"
#include "base.h"
#include "weir.h"

/* The structure is weir.h's. Its word is atomic; `next` is atomic, relaxed: on a list,
 * index + 1 of the next slot, 0 for none; while CACHED the cache entry that has it;
 * `pieces` is the pages' owner's; `pool`, atomic, relaxed, is the place of the pool that has the
 * slot (pool.h): whoever has the slot in hand, or its block, knows it for good. */

#define WEIR_SLOT_LIVE ((uint64_t)1 << 63)
#define WEIR_SLOT_BUSY ((uint64_t)1 << 62)
#define WEIR_SLOT_AGED ((uint64_t)1 << 61)
#define WEIR_SLOT_CACHED ((uint64_t)1 << 60)
#define WEIR_SLOT_CLEAN ((uint64_t)1 << 59)

/* Strides and so reaches and extents are 4 GiB at most. */
#define WEIR_SLOT_REACH_BITS 33
#define WEIR_SLOT_REACH_MASK (((uint64_t)1 << WEIR_SLOT_REACH_BITS) - 1)
#define WEIR_SLOT_EXTENT_BITS 21
#define WEIR_SLOT_COLOUR_BITS 5
#define WEIR_SLOT_EXTENT_MASK ((((uint64_t)1 << WEIR_SLOT_EXTENT_BITS) - 1) << WEIR_SLOT_REACH_BITS)
#define WEIR_SLOT_COLOUR_SHIFT (WEIR_SLOT_REACH_BITS + WEIR_SLOT_EXTENT_BITS)
#define WEIR_SLOT_COLOUR_MASK \
	((((uint64_t)1 << WEIR_SLOT_COLOUR_BITS) - 1) << WEIR_SLOT_COLOUR_SHIFT)

/* flags | colour | extent | reach */
static inline uint64_t weir_slot_word(uint64_t flags, size_t reach_bytes, uint64_t extent_units)
{
	return flags | extent_units << WEIR_SLOT_REACH_BITS | reach_bytes;
}

static inline size_t weir_slot_reach(uint64_t word)
{
	return (size_t)(word & WEIR_SLOT_REACH_MASK);
}

static inline uint64_t weir_slot_extent(uint64_t word)
{
	return word >> WEIR_SLOT_REACH_BITS & (((uint64_t)1 << WEIR_SLOT_EXTENT_BITS) - 1);
}

static inline unsigned weir_slot_colour(uint64_t word)
{
	return (unsigned)((word & WEIR_SLOT_COLOUR_MASK) >> WEIR_SLOT_COLOUR_SHIFT);
}

/* A live block's word with another reach and extent: its colour and CLEAN stay. */
static inline uint64_t weir_slot_resized(uint64_t word, size_t reach_bytes, uint64_t extent_units)
{
	uint64_t kept = word & (WEIR_SLOT_COLOUR_MASK | WEIR_SLOT_CLEAN);

	return weir_slot_word(WEIR_SLOT_LIVE | kept, reach_bytes, extent_units);
}

#endif
