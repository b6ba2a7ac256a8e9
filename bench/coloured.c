#include "coloured.h"

#include "bench.h"

#include <stdlib.h>

#define LINE_BYTES ((size_t)64)
#define PAGE_BYTES (4 * KIB)
#define BATCHES 9

static void allocate_once(struct bench_blocks *blocks, size_t colour_bytes)
{
	size_t room_bytes = colour_bytes != 0 ? PAGE_BYTES : 0;
	for (size_t i = 0; i < blocks->count; i++) {
		char *block = bench_malloc(blocks->size_bytes + room_bytes);
		blocks->malloced[i] = block;
		blocks->start[i] = block + i * colour_bytes % PAGE_BYTES;
	}
}

static void free_blocks(struct bench_blocks *blocks)
{
	for (size_t i = 0; i < blocks->count; i++)
		free(blocks->malloced[i]);
}

/* Allocates, frees and allocates again, as a program does that has run for a
 * while: an allocator may place the first blocks of a size in another way. */
static void allocate_blocks(struct bench_blocks *blocks, size_t count, size_t size_bytes,
			    size_t colour_bytes)
{
	blocks->count = count;
	blocks->size_bytes = size_bytes;
	allocate_once(blocks, colour_bytes);
	free_blocks(blocks);
	allocate_once(blocks, colour_bytes);
}

static void measure_passes(struct bench_meter *meter, const struct bench_blocks *blocks,
			   bench_blocks_pass *pass, unsigned passes)
{
	bench_meter_start(meter);
	for (unsigned i = 0; i < passes; i++)
		pass(blocks);
	bench_meter_stop(meter, passes);
}

void bench_compare_colours(const char *workload, size_t count, size_t size_bytes,
			   bench_blocks_pass *fill, bench_blocks_pass *pass, unsigned passes)
{
	static struct bench_meter plain_meter, coloured_meter;
	static struct bench_blocks plain, coloured;

	allocate_blocks(&plain, count, size_bytes, 0);
	allocate_blocks(&coloured, count, size_bytes, LINE_BYTES);
	fill(&plain);
	fill(&coloured);
	for (unsigned batch = 0; batch < BATCHES; batch++) {
		measure_passes(&plain_meter, &plain, pass, passes);
		measure_passes(&coloured_meter, &coloured, pass, passes);
	}
	struct bench_row row = { .workload = workload, .variant = "block" };
	bench_print(&row, &plain_meter);
	row.variant = "coloured";
	bench_print(&row, &coloured_meter);
	free_blocks(&plain);
	free_blocks(&coloured);
}
