/* What weir holds and has done, as one JSON object. Layer 6.
 *
 * Counts of blocks by class come from a walk over the slots, at the time of the
 * call; other threads may go on, and each figure is then true for itself. Safe
 * in a signal handler but for the backend's name. */
#ifndef WEIR_SNAPSHOT_H
#define WEIR_SNAPSHOT_H

#include "config.h"
#include "text.h"

/* Enough for every class in use; see weir_snapshot_format. */
#define WEIR_SNAPSHOT_BYTES ((size_t)32 * 1024)

/* One line without a newline. `program` is the short name of the program. */
void weir_snapshot_format(struct weir_text *text, const struct weir_config *config,
			  const char *program);

#endif
