/* What the helper thread does beside others (helper.h). Layer 6.
 *
 * All functions are called by that thread, but for begin_anew. */
#ifndef WEIR_DUTY_H
#define WEIR_DUTY_H

#include "config.h"

#include <poll.h>

struct weir_duty {
	bool (*is_wanted)(const struct weir_config *config);
	bool starts_at_once;	/* with the first large request, not once something is retained */
	bool needs_descriptors; /* of a table of the thread's own */
	/* NULL, or called before anything else. */
	void (*begin)(void);
	/* Writes up to `most` descriptors to wait for; returns how many. Lowers *until_ms to when
	 * `act` is wanted at the latest. */
	unsigned (*expect)(struct pollfd *waits, unsigned most, uint64_t now_ms,
			   uint64_t *until_ms);
	/* After each wait, with what `expect` wrote. NULL for nothing to do then. */
	void (*act)(const struct pollfd *waits, uint64_t now_ms);
	/* NULL, or called when the process ends with this thread. */
	void (*end)(void);
	/* NULL, or called in a forked child, by the thread that forked. */
	void (*begin_anew)(void);
};

#define WEIR_DUTY_WAITS_MAX 32

extern WEIR_HIDDEN const struct weir_duty weir_background_duty; /* background.c */
extern WEIR_HIDDEN const struct weir_duty weir_container_duty;	/* container.c */
extern WEIR_HIDDEN const struct weir_duty weir_relief_duty;	/* relief.c */
extern WEIR_HIDDEN const struct weir_duty weir_server_duty;	/* server.c */

#endif
