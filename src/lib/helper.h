/* The helper thread: what has to go on while the program idles. Layer 7.
 *
 * It starts with what the pool retains, or with the first large request where a duty wants
 * that; never in a constructor, and in a forked child when that child does the same. All
 * signals are blocked in it. It sleeps for as long as no duty (duty.h) has anything to do:
 * requests then wake it when they retain something.
 *
 * Where a duty needs descriptors, they are in a table of the thread's own
 * (weir_os_own_descriptors), and it looks around once a second: nothing can wake it then. */
#ifndef WEIR_HELPER_H
#define WEIR_HELPER_H

#include "config.h"

/* From the constructor, where weir_config_wants_helper. */
void weir_helper_prepare(const struct weir_config *config);

/* A weir_engine_watch: starts the thread, or wakes it. */
uint64_t weir_helper_watch(uint64_t now_ms);

/* At the end of the program. */
void weir_helper_leave(void);

#endif
