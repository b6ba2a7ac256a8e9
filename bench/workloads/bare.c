/* malloc, write one byte, free: what the calls and the first page cost. */
#include "../bench.h"

#include <stdlib.h>

#define SIZE_DEFAULT (1 * MIB)
#define BATCHES 7

static void run_bare(const struct bench_options *options)
{
	static struct bench_meter meter;
	size_t size_bytes = options->size_bytes != 0 ? options->size_bytes : SIZE_DEFAULT;
	unsigned count = bench_scaled(options, size_bytes <= 1 * MIB ? 20000 : 4000, 1);

	for (unsigned batch = 0; batch <= BATCHES; batch++) {
		bench_meter_start(&meter);
		for (unsigned i = 0; i < count; i++) {
			char *block = bench_malloc(size_bytes);
			block[0] = 1;
			free(block);
		}
		if (batch > 0) /* the first one warms up */
			bench_meter_stop(&meter, count);
	}
	struct bench_row row = { .workload = "bare", .variant = "block", .size_bytes = size_bytes };
	bench_print(&row, &meter);
}

const struct bench_workload bench_bare = { "bare", run_bare, "malloc, write one byte, free" };
