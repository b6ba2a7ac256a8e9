/* Freed slots that wait before they are listed (WEIR_HARDEN). Layer 4.
 *
 * A ring in the order of the frees: whoever frees a block passes it in and gets the one
 * that has stood at its place, if any. What waits is counted as if it were on its list,
 * and may be resident; it is bounded by the number of places, and in bytes by whoever
 * takes the oldest out again.
 *
 *   units = the extents of all slots that wait
 *
 * Who may race whom: everybody, any signal handler too. A slot that waits is the ring's;
 * who exchanges it out of its place has it in hand. */
#ifndef WEIR_QUARANTINE_H
#define WEIR_QUARANTINE_H

#include "space.h"

#define WEIR_QUARANTINE_PLACES 256U

struct weir_quarantine {
	WEIR_CACHE_ALIGNED weir_u64 next;	 /* atomic, relaxed: passed in so far */
	weir_u64 units;				 /* atomic, relaxed */
	weir_u64 places[WEIR_QUARANTINE_PLACES]; /* atomic: region << 32 | index + 1; 0 for none */
};

struct weir_waiting {
	struct weir_region *region;
	uint32_t index;
};

/* The slot in hand waits from now on; true with the one that has to leave for it. */
bool weir_quarantine_pass(struct weir_quarantine *quarantine, struct weir_space *space,
			  const struct weir_waiting *slot, struct weir_waiting *leaves);

/* Takes out the slot that has waited longest, of those that have pages and are not of
 * `own_class`. False when there is none. */
bool weir_quarantine_take(struct weir_quarantine *quarantine, struct weir_space *space,
			  unsigned own_class, struct weir_waiting *slot);

#endif
