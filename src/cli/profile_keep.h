/* What freed bytes later requests find, under many limits at once: a model of weir in which
 * retained pages serve whatever is asked for next (weir moves them between blocks), and what was
 * freed last is used first. Pure; one for each process, which sum into one result. */
#ifndef WEIR_CLI_PROFILE_KEEP_H
#define WEIR_CLI_PROFILE_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 1 MiB, 1.5, 2, 3, 4 ... 96 GiB. */
#define PROFILE_LIMITS 34
uint64_t profile_limit_bytes(unsigned i);

/* How long bytes had been free when they were used again: up to profile_age_ms(i); the last one
 * is for longer. */
#define PROFILE_AGES 14
uint64_t profile_age_ms(unsigned i); /* UINT64_MAX for the last */

struct profile_kept {
	uint64_t asked_bytes;
	uint64_t found_bytes[PROFILE_LIMITS]; /* without a decay */
	uint64_t aged_bytes[PROFILE_AGES];    /* found under the limit in force */
};

/* Runs of bytes that were freed at about one time; from the eldest, `first`, on, in a circle. */
#define PROFILE_FREED 4096
struct profile_freed {
	uint64_t ns;
	uint64_t bytes;
};

struct profile_keep {
	uint64_t limit_bytes;	 /* in force */
	uint64_t retained_bytes; /* under it: the sum of the runs */
	uint64_t retained[PROFILE_LIMITS];
	struct profile_freed *runs;
	size_t first;
	size_t count;
};

/* False when memory is short. */
bool profile_keep_begin(struct profile_keep *keep, uint64_t limit_bytes);
void profile_keep_end(struct profile_keep *keep);

void profile_keep_take(struct profile_keep *keep, uint64_t ns, uint64_t bytes,
		       struct profile_kept *kept);
void profile_keep_put(struct profile_keep *keep, uint64_t ns, uint64_t bytes);

#endif
