/* Writes 1 GiB in blocks of 16 MiB, frees all but four of them, and asks for
 * the rest back: by SIGUSR1 where something handles it, or else by malloc_trim
 * where that belongs to the allocator. One operation is one such release. */
#include "../ask_release.h"
#include "../bench.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES (16 * MIB)
#define BLOCKS 64
#define LIVE_BLOCKS 4

static void run_release(const struct bench_options *options)
{
	static struct bench_meter meter;
	static char *blocks[BLOCKS];
	struct bench_row row = { .workload = "release", .size_bytes = BLOCK_BYTES };
	unsigned count = bench_scaled(options, BLOCKS, 2 * LIVE_BLOCKS);
	size_t expected_bytes = bench_resident_bytes() + LIVE_BLOCKS * BLOCK_BYTES;
	struct bench_release release = bench_choose_release();

	for (unsigned i = 0; i < count; i++) {
		blocks[i] = bench_malloc(BLOCK_BYTES);
		memset(blocks[i], 1, BLOCK_BYTES);
	}
	for (unsigned i = LIVE_BLOCKS; i < count; i++)
		free(blocks[i]);
	row.variant = release.variant;
	row.kept_bytes = bench_resident_above(expected_bytes);
	bench_meter_start(&meter);
	release.ask();
	bench_meter_stop(&meter, 1);
	row.left_bytes = bench_resident_above(expected_bytes);
	bench_print(&row, &meter);
}

const struct bench_workload bench_release = { "release", run_release,
					      "give back 1 GiB of freed blocks" };
