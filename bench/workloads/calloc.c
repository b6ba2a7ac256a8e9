/* calloc, then write all of it, or one byte in 64 KiB, then free. What is kept
 * has to be cleared; what is fresh from the system is zero already. After each
 * batch one more block is allocated and written, to see what is resident then
 * beyond the written pages and what the process had before its first block: the
 * allocator's tables, and pages that it cleared although the program never
 * touched them. */
#include "../bench.h"

#include <stdlib.h>

#define SIZE_DEFAULT (16 * MIB)
#define SPARSE_STEP (64 * KIB)
#define PAGE_BYTES (4 * KIB)
#define BATCHES 7

struct use {
	const char *name;
	bench_write *write;
	size_t step_bytes; /* a page is written in each */
	size_t batch_bytes;
};

static void write_sparsely(char *block, size_t size_bytes)
{
	for (size_t offset = 0; offset < size_bytes; offset += SPARSE_STEP)
		block[offset] = 1;
}

static void cycle_calloc(const struct use *use, size_t size_bytes, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char *block = bench_calloc(size_bytes);
		use->write(block, size_bytes);
		free(block);
	}
}

/* `own_bytes` is what the process had before. */
static size_t resident_beyond_written(const struct use *use, size_t size_bytes, size_t own_bytes)
{
	size_t written_bytes = size_bytes / use->step_bytes * PAGE_BYTES;
	char *block = bench_calloc(size_bytes);
	use->write(block, size_bytes);
	size_t beyond_bytes = bench_resident_above(own_bytes + written_bytes);
	free(block);
	return beyond_bytes;
}

static void measure(const struct bench_options *options, const struct use *use)
{
	static struct bench_meter meter;
	size_t size_bytes = options->size_bytes != 0 ? options->size_bytes : SIZE_DEFAULT;
	unsigned count = bench_scaled(options, (unsigned)(use->batch_bytes / size_bytes), 1);
	struct bench_row row = { .workload = use->name,
				 .variant = "block",
				 .size_bytes = size_bytes };
	size_t own_bytes = bench_resident_bytes();

	cycle_calloc(use, size_bytes, 2);
	for (unsigned batch = 0; batch < BATCHES; batch++) {
		bench_meter_start(&meter);
		cycle_calloc(use, size_bytes, count);
		bench_meter_stop(&meter, count);
		row.left_bytes = resident_beyond_written(use, size_bytes, own_bytes);
		if (row.left_bytes > row.kept_bytes)
			row.kept_bytes = row.left_bytes;
	}
	bench_print(&row, &meter);
}

static void run_whole(const struct bench_options *options)
{
	measure(options, &(struct use){ "calloc-whole", bench_write_whole, PAGE_BYTES, 64 * MIB });
}

static void run_sparse(const struct bench_options *options)
{
	measure(options, &(struct use){ "calloc-sparse", write_sparsely, SPARSE_STEP, 512 * MIB });
}

const struct bench_workload bench_calloc_whole = { "calloc-whole", run_whole,
						   "calloc, write all, free" };
const struct bench_workload bench_calloc_sparse = { "calloc-sparse", run_sparse,
						    "calloc, write one byte in 64 KiB, free" };
