/* Random replacement: a fixed number of slots, of which each step frees a
 * random one and fills it with a new block of a random size. The sequence
 * depends on the seed alone, so that every allocator serves the same one. */
#ifndef WEIR_BENCH_CHURN_H
#define WEIR_BENCH_CHURN_H

#include "bench.h"

#define CHURN_SLOTS_MAX 64

typedef size_t bench_choose_size(struct bench_random *random, size_t min, size_t max);

/* Set the first six; the rest begins at zero. One thread's. */
struct bench_churn {
	struct bench_random random;
	bench_choose_size *choose;
	bench_write *write;
	size_t size_min_bytes;
	size_t size_max_bytes;
	size_t slots;
	char *blocks[CHURN_SLOTS_MAX];
	size_t block_bytes[CHURN_SLOTS_MAX]; /* requested, in whole pages */
	size_t live_bytes;		     /* = sum of block_bytes */
	size_t peak_live_bytes;
};

/* The next slot to be replaced, and the next block for it. */
size_t bench_churn_choose_slot(struct bench_churn *churn);
size_t bench_churn_choose_size(struct bench_churn *churn);
/* Notes that `slot` holds `block`, or nothing. */
void bench_churn_set(struct bench_churn *churn, size_t slot, char *block, size_t size_bytes);

void bench_churn_replace(struct bench_churn *churn, unsigned count);
void bench_churn_free(struct bench_churn *churn);

#endif
