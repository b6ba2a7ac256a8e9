/* Live units, and how many may be held beside them. Layer 4.
 *
 * Fresh pages are counted as live only once retained ones have gone for them, where
 * too many are held:
 *
 *   live + retained <= WEIR_FOOTPRINT, of all pools, as long as live alone is not above it
 *   live + retained <= peak of live + an eighth, or half of that peak and three
 *                      eighths of its limit, in each pool, where others can go at once
 *
 * More than were ever live at once are held only because free ones lie where they
 * do not fit; so the second line bounds what that may cost. Safe in a signal
 * handler. */
#ifndef WEIR_FOOTPRINT_H
#define WEIR_FOOTPRINT_H

#include "pool.h"

/* Whether that many fresh units may come without others having to go. */
bool weir_footprint_has_room(struct weir_pool *pool, uint64_t units);

/* Counts units that are to be faulted in as live. */
void weir_footprint_add(struct weir_pool *pool, uint64_t units, uint64_t now_ms);

#endif
