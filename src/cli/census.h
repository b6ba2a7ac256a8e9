/* Whose the resident memory of a process is, by its mappings: /proc/PID/smaps, as text.
 *
 * Pages that several processes share count for each by its part (Pss), so that processes can
 * be summed. Pure. */
#ifndef WEIR_CLI_CENSUS_H
#define WEIR_CLI_CENSUS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum census_kind {
	CENSUS_WEIR,   /* in its reservation: live, retained and its tables */
	CENSUS_HEAP,   /* the C library's: [heap], and arenas of 64 MiB */
	CENSUS_DIRECT, /* other anonymous memory: what the program maps itself, what the C library
			* maps for it, other allocators, stacks of threads */
	CENSUS_STACK,  /* of the first thread */
	CENSUS_SHARED, /* shared memory */
	CENSUS_FILES,
	CENSUS_KINDS
};

struct census {
	uint64_t bytes[CENSUS_KINDS];
};

/* Addresses; empty for none. */
struct census_range {
	uint64_t begin;
	uint64_t end;
};

/* Adds what the text says; a mapping that cannot be read is left out. */
void census_add(struct census *census, FILE *smaps, const struct census_range *weir);

uint64_t census_sum(const struct census *census);

/* What is neither files nor shared: what allocators could serve. */
uint64_t census_private(const struct census *census);

const char *census_name(enum census_kind kind);	 /* for programs: "heap" */
const char *census_label(enum census_kind kind); /* for people */

#endif
