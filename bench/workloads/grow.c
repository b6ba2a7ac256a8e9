/* realloc by half again from 64 KiB to 128 MiB, writing what was added: a
 * growing byte array. One operation is the whole growth. In between, one static
 * buffer is written in the same steps, which is what is left when growing costs
 * nothing. `grow-touch` writes one byte a page instead of everything. */
#include "../bench.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_MIN (64 * KIB)
#define SIZE_MAX_BYTES (128 * MIB)
#define WARM_UPS 3
#define BATCHES 7

typedef char *grow_block(char *block, size_t size_bytes);

static char static_buffer[SIZE_MAX_BYTES] __attribute__((aligned(4096)));

static char *grow_by_realloc(char *block, size_t size_bytes)
{
	block = realloc(block, size_bytes);
	if (block == NULL)
		bench_die("realloc");
	return block;
}

static char *grow_static(char *block, size_t size_bytes)
{
	(void)block;
	(void)size_bytes;
	return static_buffer;
}

static char *grow_once(grow_block *grow, bench_write *write)
{
	char *block = NULL;
	size_t written_bytes = 0;

	for (size_t size_bytes = SIZE_MIN; written_bytes < SIZE_MAX_BYTES;
	     size_bytes += size_bytes / 2) {
		size_t wanted_bytes = size_bytes < SIZE_MAX_BYTES ? size_bytes : SIZE_MAX_BYTES;
		block = grow(block, wanted_bytes);
		write(block + written_bytes, wanted_bytes - written_bytes);
		written_bytes = wanted_bytes;
	}
	return block;
}

static void measure(const struct bench_options *options, const char *name, bench_write *write)
{
	static struct bench_meter blocks, statics;
	unsigned batches = bench_scaled(options, BATCHES, 3);

	for (unsigned i = 0; i < WARM_UPS; i++)
		free(grow_once(grow_by_realloc, write));
	grow_once(grow_static, write);
	for (unsigned batch = 0; batch < batches; batch++) {
		bench_meter_start(&blocks);
		free(grow_once(grow_by_realloc, write));
		bench_meter_stop(&blocks, 1);
		bench_meter_start(&statics);
		grow_once(grow_static, write);
		bench_meter_stop(&statics, 1);
	}
	struct bench_row row = { .workload = name,
				 .variant = "block",
				 .own_resident_bytes = SIZE_MAX_BYTES };
	bench_print(&row, &blocks);
	row.variant = "static";
	bench_print(&row, &statics);
}

static void run_grow(const struct bench_options *options)
{
	measure(options, "grow", bench_write_whole);
}

static void run_grow_touch(const struct bench_options *options)
{
	measure(options, "grow-touch", bench_write_pages);
}

const struct bench_workload bench_grow = {
	"grow", run_grow, "realloc by half again to 128 MiB, writing what was added"
};
const struct bench_workload bench_grow_touch = { "grow-touch", run_grow_touch,
						 "the same, one byte a page written" };
