/* Gives back everything that is retained. Layer 4.
 *
 * Safe in a signal handler and for any number of threads at once: each takes
 * what it finds, and no more blocks of a class than there were when it came, so
 * that it ends while others go on freeing. Releases every block that is on a list or on its way
 * there, in every class, and the surplus of live blocks; blocks freed later are retained again.
 * Of the first pool: all that is retained in any (pool.h). Keeps errno. */
#ifndef WEIR_RELEASE_H
#define WEIR_RELEASE_H

#include "pool.h"

/* Returns what this call released, and counts it under the trigger. */
struct weir_tally weir_release_all(struct weir_pool *pool, enum weir_trigger trigger,
				   uint64_t now_ms);

/* What of it to release: as much as there is beyond `keep_units`, of all the classes that
 * are retained, but only blocks of the classes from `first` up to `end`; those that were idle
 * longest go first. */
struct weir_release_scope {
	uint64_t keep_units;
	unsigned first;
	unsigned end;
};
struct weir_tally weir_release_some(struct weir_pool *pool, enum weir_trigger trigger,
				    const struct weir_release_scope *scope, uint64_t now_ms);

/* Releases what is beyond the pool's limits, after they were changed: but for what other
 * threads have in hand. */
struct weir_tally weir_release_excess(struct weir_pool *pool, enum weir_trigger trigger,
				      uint64_t now_ms);

/* Empties the pool's cache, to which nothing is added any more, but for blocks that are taken and
 * freed all the time. */
void weir_release_cache(struct weir_pool *pool, uint64_t now_ms, struct weir_tally *tally);

/* The same until nothing is beyond them, for up to a second in which others have blocks in hand:
 * adds up what was released. Not for signal handlers. */
void weir_release_settle(struct weir_pool *pool, enum weir_trigger trigger, struct weir_tally *all);

/* One line on stderr: what was released, why and how long it took. */
void weir_release_say(enum weir_trigger trigger, const struct weir_tally *tally);

#endif
