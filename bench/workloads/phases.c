/* A program that changes its mind: 64 MiB live in blocks of 1 MiB, replaced for a
 * while, then all of it in blocks of 4 MiB, then back. Pages kept in one size
 * have to serve the other, or the resident size doubles. One operation is one
 * such round of both phases. */
#include "../bench.h"

#include <stdlib.h>

#define LIVE_BYTES (64 * MIB)
#define SMALL_BYTES (1 * MIB)
#define LARGE_BYTES (4 * MIB)
#define BLOCKS_MAX (LIVE_BYTES / SMALL_BYTES)
#define PASSES 4 /* how often a phase replaces each block */
#define BATCHES 8

static char *blocks[BLOCKS_MAX];

static void run_phase(size_t size_bytes)
{
	size_t count = LIVE_BYTES / size_bytes;
	for (size_t i = 0; i < PASSES * count; i++) {
		free(blocks[i % count]);
		blocks[i % count] = bench_malloc(size_bytes);
		bench_write_whole(blocks[i % count], size_bytes);
	}
	for (size_t i = 0; i < count; i++) {
		free(blocks[i]);
		blocks[i] = NULL;
	}
}

static void run_both_phases(void)
{
	run_phase(SMALL_BYTES);
	run_phase(LARGE_BYTES);
}

static void run_phases(const struct bench_options *options)
{
	static struct bench_meter meter;
	unsigned batches = bench_scaled(options, BATCHES, 2);

	run_both_phases();
	for (unsigned batch = 0; batch < batches; batch++) {
		bench_meter_start(&meter);
		run_both_phases();
		bench_meter_stop(&meter, 1);
	}
	struct bench_row row = { .workload = "phases",
				 .variant = "block",
				 .peak_live_bytes = LIVE_BYTES };
	bench_print(&row, &meter);
}

const struct bench_workload bench_phases = { "phases", run_phases,
					     "all blocks 1 MiB, then all 4 MiB, then back" };
