/* Blocks of one size, twice: as the allocator gives them, and with the starts
 * spread by hand over the lines of a page. Blocks that all start at one offset
 * of a page fall into the same few sets of the first-level cache. */
#ifndef WEIR_BENCH_COLOURED_H
#define WEIR_BENCH_COLOURED_H

#include <stddef.h>

#define COLOURED_BLOCKS_MAX 64

struct bench_blocks {
	void *start[COLOURED_BLOCKS_MAX]; /* what the workload uses */
	void *malloced[COLOURED_BLOCKS_MAX];
	size_t count;
	size_t size_bytes; /* of each, from its start */
};

/* One pass over the blocks, which ends the program when what it computes is
 * wrong. */
typedef void bench_blocks_pass(const struct bench_blocks *blocks);

/* Times passes over both kinds of blocks in turn, and prints a row of each. */
void bench_compare_colours(const char *workload, size_t count, size_t size_bytes,
			   bench_blocks_pass *fill, bench_blocks_pass *pass, unsigned passes);

#endif
