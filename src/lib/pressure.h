/* What to do about memory pressure. Layer 4; pure: time and figures come in.
 *
 * Works towards a reserve: an eighth of the container's memory that nobody uses. While
 * less is free, or somebody says that memory runs short, retained blocks go in steps:
 *
 *   SOME   only what was idle (engine.h) goes, and what is held grows no more
 *   HIGH   half of what is retained goes at each step, all of it once a quarter of the
 *          reserve is left: as little as is needed, but at once
 *
 * Each step lowers the ceiling, under which the pool retains from then on. After some
 * quiet it rises a little every second, never into the reserve: else what was given up
 * would be faulted in again at once, and so on.
 *
 * Bursts of the program's own are faster than any look: until the next one live blocks may
 * grow into what is free beside the reserve, and then at the cost of retained ones alone.
 *
 * Of several processes in a container each does all of this by itself. */
#ifndef WEIR_PRESSURE_H
#define WEIR_PRESSURE_H

#include "base.h"

enum weir_pressure { WEIR_PRESSURE_NONE, WEIR_PRESSURE_SOME, WEIR_PRESSURE_HIGH };

static inline enum weir_pressure weir_pressure_worse(enum weir_pressure a, enum weir_pressure b)
{
	return a > b ? a : b;
}

/* As it is now. */
struct weir_pressure_view {
	uint64_t total_bytes; /* of the container's limit; 0 for unknown, as is what is used then */
	uint64_t used_bytes;  /* of it, but for what the kernel can drop at once */
	size_t live_bytes;
	size_t retained_bytes;
	size_t limit_bytes; /* WEIR_LIMIT */
};

struct weir_pressure_control {
	size_t ceiling_bytes; /* or WEIR_NO_LIMIT */
	uint64_t next_some_ms;
	uint64_t next_high_ms;
	uint64_t next_rise_ms;
};

struct weir_pressure_step {
	size_t idle_bytes;    /* of idle blocks that are to go first; 0 for none */
	size_t ceiling_bytes; /* to be put in force then */
};

void weir_pressure_init(struct weir_pressure_control *control);

/* What to do now, `said` being the worst that was heard since the last call: false for
 * nothing. */
bool weir_pressure_decide(struct weir_pressure_control *control, enum weir_pressure said,
			  const struct weir_pressure_view *view, uint64_t now_ms,
			  struct weir_pressure_step *step);

/* How much may be live and retained until the next look, unless live alone is more;
 * WEIR_NO_LIMIT where no look is due. `view` is that of the last decision. */
size_t weir_pressure_footprint(const struct weir_pressure_control *control,
			       const struct weir_pressure_view *view);

/* When to look next, if nobody says anything before: UINT64_MAX where there is nothing to
 * give and nothing to recover. */
uint64_t weir_pressure_next_ms(const struct weir_pressure_control *control,
			       const struct weir_pressure_view *view, uint64_t now_ms);

#endif
