/* All processes under weir that this user may see. */
#ifndef WEIR_CLI_PROCESSES_H
#define WEIR_CLI_PROCESSES_H

#include "process.h"

/* Returns false to go no further. */
typedef bool processes_take(void *context, const struct process *process);

/* Hands one after the other to `take`, by ascending process id; those that may not be read
 * and those that are gone meanwhile are left out. False when memory is short or `take` said
 * so. */
bool processes_each(processes_take *take, void *context);

/* How many there are that have the library but may not be read. */
size_t processes_count_hidden(void);

#endif
