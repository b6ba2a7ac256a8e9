/* The snapshot of this very process. Layer 6.
 *
 * Safe in a signal handler but for the backend's name. */
#ifndef WEIR_SELF_H
#define WEIR_SELF_H

#include "snapshot.h"

/* What never changes in the page, from the constructor. */
void weir_self_introduce(const char *program);

void weir_self_snapshot(struct weir_snapshot *snapshot);

#endif
