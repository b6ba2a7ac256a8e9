/* malloc, write, free; and, batch by batch in between, one static buffer
 * written the same way, which is what the cycle would cost if the allocator
 * cost nothing. `cycle` writes all of the block, which takes the memory bus as
 * long under any allocator; `touch` writes one byte a page. */
#include "../bench.h"

#include <stdlib.h>

#define SIZE_DEFAULT (16 * MIB)
#define SIZE_MAX_BYTES (256 * MIB)
#define BATCH_BYTES (64 * MIB)
#define BATCHES 7

static char static_buffer[SIZE_MAX_BYTES] __attribute__((aligned(4096)));

static void cycle_block(bench_write *write, size_t size_bytes, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char *block = bench_malloc(size_bytes);
		write(block, size_bytes);
		free(block);
	}
}

static void write_static(bench_write *write, size_t size_bytes, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		write(static_buffer, size_bytes);
}

static void measure(const struct bench_options *options, const char *name, bench_write *write)
{
	static struct bench_meter blocks, statics;
	size_t wanted_bytes = options->size_bytes != 0 ? options->size_bytes : SIZE_DEFAULT;
	size_t size_bytes = wanted_bytes < SIZE_MAX_BYTES ? wanted_bytes : SIZE_MAX_BYTES;
	unsigned count = bench_scaled(options, (unsigned)(BATCH_BYTES / size_bytes), 1);
	unsigned batches = bench_scaled(options, BATCHES, 3);

	cycle_block(write, size_bytes, 2);
	write_static(write, size_bytes, 1);
	for (unsigned i = 0; i < batches; i++) {
		bench_meter_start(&blocks);
		cycle_block(write, size_bytes, count);
		bench_meter_stop(&blocks, count);
		bench_meter_start(&statics);
		write_static(write, size_bytes, count);
		bench_meter_stop(&statics, count);
	}
	struct bench_row row = { .workload = name,
				 .variant = "block",
				 .size_bytes = size_bytes,
				 .own_resident_bytes = size_bytes };
	bench_print(&row, &blocks);
	row.variant = "static";
	bench_print(&row, &statics);
}

static void run_cycle(const struct bench_options *options)
{
	measure(options, "cycle", bench_write_whole);
}

static void run_touch(const struct bench_options *options)
{
	measure(options, "touch", bench_write_pages);
}

const struct bench_workload bench_cycle = {
	"cycle", run_cycle, "malloc, write all, free; beside writing one static buffer"
};
const struct bench_workload bench_touch = { "touch", run_touch,
					    "the same, one byte a page written" };
