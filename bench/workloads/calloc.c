/* calloc, then write all of it, or one byte in 64 KiB, then free. What is kept
 * has to be cleared; what is fresh from the system is zero already. */
#include "../bench.h"

#include <stdlib.h>

#define SIZE_DEFAULT (16 * MIB)
#define SPARSE_STEP (64 * KIB)
#define BATCH_BYTES (64 * MIB)
#define BATCHES 7

static void write_sparsely(char *block, size_t size_bytes)
{
	for (size_t offset = 0; offset < size_bytes; offset += SPARSE_STEP)
		block[offset] = 1;
}

static void cycle_calloc(size_t size_bytes, unsigned count, bench_write *write)
{
	for (unsigned i = 0; i < count; i++) {
		char *block = bench_calloc(size_bytes);
		write(block, size_bytes);
		free(block);
	}
}

static void measure(const struct bench_options *options, const char *name, bench_write *write)
{
	static struct bench_meter meter;
	size_t size_bytes = options->size_bytes != 0 ? options->size_bytes : SIZE_DEFAULT;
	unsigned count = bench_scaled(options, (unsigned)(BATCH_BYTES / size_bytes), 1);

	cycle_calloc(size_bytes, 2, write);
	for (unsigned batch = 0; batch < BATCHES; batch++) {
		bench_meter_start(&meter);
		cycle_calloc(size_bytes, count, write);
		bench_meter_stop(&meter, count);
	}
	struct bench_row row = { .workload = name, .variant = "block", .size_bytes = size_bytes };
	bench_print(&row, &meter);
}

static void run_whole(const struct bench_options *options)
{
	measure(options, "calloc-whole", bench_write_whole);
}

static void run_sparse(const struct bench_options *options)
{
	measure(options, "calloc-sparse", write_sparsely);
}

const struct bench_workload bench_calloc_whole = { "calloc-whole", run_whole,
						   "calloc, write all, free" };
const struct bench_workload bench_calloc_sparse = { "calloc-sparse", run_sparse,
						    "calloc, write one byte in 64 KiB, free" };
