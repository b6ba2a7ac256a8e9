/* Releases what stayed unused through a whole period. Layer 4.
 *
 * A class's surplus is the fewest blocks that its lists held at any moment of
 * the period: those were needed by nobody. At the end of a period (a tick) that
 * many become due, so a block goes between one and two periods after its last
 * use, and a class that is in full use loses nothing. The surplus of live blocks
 * ages the same way.
 *
 * There is no clock of its own: time comes in with the program's large calls,
 * and each such call releases 32 MiB of what is due, or one larger block. Any thread may
 * call; who finds the tick reached first makes it. */
#ifndef WEIR_DECAY_H
#define WEIR_DECAY_H

#include "pool.h"

struct weir_decay {
	uint64_t period_ms;	  /* atomic, relaxed; WEIR_DECAY_OFF for never */
	uint64_t next_ms;	  /* atomic, relaxed: the next tick */
	uint64_t due;		  /* atomic: the time of the tick while blocks are due, else 0 */
	uint64_t cursor;	  /* of weir_space_step: the next slot to look at */
	struct weir_tally so_far; /* atomic, relaxed: released since the tick */
};

void weir_decay_init(struct weir_decay *decay, uint64_t period_ms, uint64_t now_ms);

/* Another period, from now on: what is due stays due. */
void weir_decay_set_period(struct weir_decay *decay, uint64_t period_ms, uint64_t now_ms);

/* True when this call finished what the last tick made due, and there was any:
 * *tally is then all of it. */
bool weir_decay_step(struct weir_decay *decay, struct weir_pool *pool, uint64_t now_ms,
		     struct weir_tally *tally);

#endif
