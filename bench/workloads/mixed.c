/* Random sizes from 64 KiB to 16 MiB, 32 blocks live: each operation frees a
 * random one and allocates and writes another. `mixed` draws every size alike,
 * `mixed-log` every doubling alike, so that most blocks are small. The first
 * operations, which fill the allocator's caches, are not measured. */
#include "../bench.h"

#include <stdlib.h>
#include <string.h>

#define LIVE_BLOCKS 32
#define SIZE_MIN (64 * KIB)
#define SIZE_MAX_BYTES (16 * MIB)
#define BATCHES 8

typedef size_t choose_size(struct bench_random *random, size_t min, size_t max);

struct mixed {
	struct bench_random random;
	choose_size *choose;
	char *blocks[LIVE_BLOCKS];
};

static void replace_blocks(struct mixed *mixed, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		size_t victim = bench_random_next(&mixed->random) % LIVE_BLOCKS;
		size_t size_bytes = mixed->choose(&mixed->random, SIZE_MIN, SIZE_MAX_BYTES);
		free(mixed->blocks[victim]);
		mixed->blocks[victim] = bench_malloc(size_bytes);
		memset(mixed->blocks[victim], (int)i, size_bytes);
	}
}

static void measure(const char *name, choose_size *choose, unsigned count)
{
	static struct bench_meter meter;
	struct mixed mixed = { .random = { 0x9E3779B97F4A7C15ULL }, .choose = choose };

	replace_blocks(&mixed, count * BATCHES / 2);
	for (unsigned batch = 0; batch < BATCHES; batch++) {
		bench_meter_start(&meter);
		replace_blocks(&mixed, count);
		bench_meter_stop(&meter, count);
	}
	struct bench_row row = { .workload = name, .variant = "block" };
	bench_print(&row, &meter);
	for (size_t i = 0; i < LIVE_BLOCKS; i++)
		free(mixed.blocks[i]);
}

static void run_mixed(const struct bench_options *options)
{
	measure("mixed", bench_random_uniform, bench_scaled(options, 50, 1));
}

static void run_mixed_log(const struct bench_options *options)
{
	measure("mixed-log", bench_random_doubling, bench_scaled(options, 120, 1));
}

const struct bench_workload bench_mixed = { "mixed", run_mixed,
					    "random sizes 64 KiB-16 MiB, 32 live" };
const struct bench_workload bench_mixed_log = { "mixed-log", run_mixed_log,
						"the same, every doubling alike" };
