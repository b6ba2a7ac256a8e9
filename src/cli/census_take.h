/* Looks at a process and all that descend from it: whose its memory is, and what weir says. */
#ifndef WEIR_CLI_CENSUS_TAKE_H
#define WEIR_CLI_CENSUS_TAKE_H

#include "census.h"
#include "process.h"

struct census_sample {
	uint64_t ns; /* CLOCK_MONOTONIC */
	struct census memory;
	uint64_t live_bytes; /* of weir */
	uint64_t retained_bytes;
	uint32_t processes; /* that could be looked at */
	uint32_t without_weir;
	uint64_t without_weir_bytes; /* of memory, those of such processes */
};

/* `see` is called for each process that is under weir. */
typedef void census_see(void *context, const struct process *process);
void census_take(pid_t first, struct census_sample *sample, census_see *see, void *context);

#endif
