/* Releases what stayed unused through a whole period. Layer 4.
 *
 * A period has three parts; a tick ends each. A class's surplus is the fewest blocks
 * that its lists held at any moment of the last three: those were needed by nobody, and
 * become due. So a block goes between a period and four thirds of it after its last use,
 * and a class that is in full use loses nothing. Where nobody asked a class for anything
 * within a period, what comes back to it is no longer wanted: it goes within two thirds.
 * (A garbage collector frees seconds after the last request.) Blocks at hand age by ticks, too
 * (cache.h); the surplus of live blocks by whole periods: it goes within two.
 *
 * While demand grows, what it grew by is kept: as many units as are live now beyond those
 * of a period ago may be wanted next.
 *
 * Time comes in with the program's large calls, or from the helper thread; each call
 * releases 32 MiB of what is due, or one larger block. Any thread may call; who finds the
 * tick reached first makes it. */
#ifndef WEIR_DECAY_H
#define WEIR_DECAY_H

#include "pool.h"

struct weir_decay {
	weir_u64 period_ms;		      /* atomic, relaxed; WEIR_DECAY_OFF for never */
	weir_u64 next_ms;		      /* atomic, relaxed: the next tick */
	weir_u64 parts;			      /* atomic, relaxed: that have ended */
	weir_u64 past_live[WEIR_DECAY_PARTS]; /* atomic, relaxed: live units at the last ticks */
	weir_u64 keep_units;		      /* atomic, relaxed: what demand grew by */
	weir_u64 due;		  /* atomic: the time of the tick while blocks are due, else 0 */
	weir_u64 cursor;	  /* of weir_space_step: the next slot to look at */
	struct weir_tally so_far; /* atomic, relaxed: released since the tick */
};

void weir_decay_init(struct weir_decay *decay, uint64_t period_ms, uint64_t now_ms);

/* Another period, from now on: what is due stays due. */
void weir_decay_set_period(struct weir_decay *decay, uint64_t period_ms, uint64_t now_ms);

/* True when this call finished what the last tick made due, and there was any:
 * *tally is then all of it. */
bool weir_decay_step(struct weir_decay *decay, struct weir_pool *pool, uint64_t now_ms,
		     struct weir_tally *tally);

/* When the next step has something to do: at once while blocks are due, else at the next
 * tick; UINT64_MAX for never. */
uint64_t weir_decay_next_ms(const struct weir_decay *decay);

#endif
