/* The first touch of cold memory: each operation allocates a new block and
 * writes one byte a page. All blocks stay live until the end, so that none is
 * one that the allocator has kept; 512 MiB in all. */
#include "../bench.h"

#include <stdlib.h>

#define SIZE_DEFAULT (16 * MIB)
#define TOTAL_BYTES (512 * MIB)
#define BATCHES 8
#define BLOCKS_MAX 512

static void touch_new_blocks(char **blocks, unsigned count, size_t size_bytes)
{
	for (unsigned i = 0; i < count; i++) {
		blocks[i] = bench_malloc(size_bytes);
		bench_write_pages(blocks[i], size_bytes);
	}
}

static void run_first_touch(const struct bench_options *options)
{
	static struct bench_meter meter;
	static char *blocks[BLOCKS_MAX];
	size_t wanted_bytes = options->size_bytes != 0 ? options->size_bytes : SIZE_DEFAULT;
	size_t least_bytes = TOTAL_BYTES / BLOCKS_MAX;
	size_t size_bytes = wanted_bytes > least_bytes ? wanted_bytes : least_bytes;
	unsigned count = bench_scaled(options, (unsigned)(TOTAL_BYTES / size_bytes / BATCHES), 1);

	for (unsigned batch = 0; batch < BATCHES; batch++) {
		bench_meter_start(&meter);
		touch_new_blocks(blocks + batch * count, count, size_bytes);
		bench_meter_stop(&meter, count);
	}
	struct bench_row row = { .workload = "first-touch",
				 .variant = "block",
				 .size_bytes = size_bytes,
				 .peak_live_bytes = BATCHES * count * size_bytes };
	bench_print(&row, &meter);
	for (unsigned i = 0; i < BATCHES * count; i++)
		free(blocks[i]);
}

const struct bench_workload bench_first_touch = {
	"first-touch", run_first_touch, "a new block, one byte a page written; none freed"
};
