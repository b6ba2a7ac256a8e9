/* Small requests only, 16 B to 32 KiB, every doubling alike, 4096 live: what
 * it costs that they pass through. `small` writes the first word alone, so that
 * the calls are nearly all there is; `small-written` writes the whole block, as
 * programs do. */
#include "../bench.h"

#include <stdlib.h>
#include <string.h>

#define LIVE_BLOCKS 4096
#define SIZE_MIN ((size_t)16)
#define SIZE_MAX_BYTES (32 * KIB)
#define BATCHES 15

typedef void replace_blocks(struct bench_random *random, unsigned count);

static void *live[LIVE_BLOCKS];

static void replace_touching(struct bench_random *random, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		size_t size_bytes = bench_random_doubling(random, SIZE_MIN, SIZE_MAX_BYTES);
		size_t victim = random->state % LIVE_BLOCKS;
		free(live[victim]);
		uint64_t *block = bench_malloc(size_bytes);
		*block = i;
		live[victim] = block;
	}
}

static void replace_writing(struct bench_random *random, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		size_t size_bytes = bench_random_doubling(random, SIZE_MIN, SIZE_MAX_BYTES);
		size_t victim = random->state % LIVE_BLOCKS;
		free(live[victim]);
		live[victim] = bench_malloc(size_bytes);
		memset(live[victim], (int)i, size_bytes);
	}
}

static void measure(const char *name, replace_blocks *replace, unsigned count)
{
	static struct bench_meter meter;
	struct bench_random random = { BENCH_SEED };

	replace(&random, 4 * count);
	for (unsigned batch = 0; batch < BATCHES; batch++) {
		bench_meter_start(&meter);
		replace(&random, count);
		bench_meter_stop(&meter, count);
	}
	struct bench_row row = { .workload = name, .variant = "block" };
	bench_print(&row, &meter);
}

static void run_small(const struct bench_options *options)
{
	measure("small", replace_touching, bench_scaled(options, 60000, 1));
}

static void run_small_written(const struct bench_options *options)
{
	measure("small-written", replace_writing, bench_scaled(options, 40000, 1));
}

const struct bench_workload bench_small = {
	"small", run_small, "random sizes 16 B-32 KiB, 4096 live, first word written"
};
const struct bench_workload bench_small_written = { "small-written", run_small_written,
						    "the same, all of it written" };
