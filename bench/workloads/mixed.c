/* Random sizes from 64 KiB to 16 MiB, 32 blocks live: each operation frees a
 * random one and allocates and writes another. `mixed` draws every size alike,
 * `mixed-log` every doubling alike, so that most blocks are small. The first
 * operations, which fill the allocator's caches, are not measured; what was live
 * in them counts for the peak, as it does in the peak of the resident size. */
#include "../bench.h"
#include "../churn.h"

#define BATCHES 8

static void measure(const char *name, bench_choose_size *choose, unsigned count)
{
	static struct bench_meter meter;
	struct bench_churn churn = { .random = { BENCH_SEED },
				     .choose = choose,
				     .write = bench_write_whole,
				     .size_min_bytes = 64 * KIB,
				     .size_max_bytes = 16 * MIB,
				     .slots = 32 };

	bench_churn_replace(&churn, count * BATCHES / 2);
	for (unsigned batch = 0; batch < BATCHES; batch++) {
		bench_meter_start(&meter);
		bench_churn_replace(&churn, count);
		bench_meter_stop(&meter, count);
	}
	struct bench_row row = { .workload = name,
				 .variant = "block",
				 .peak_live_bytes = churn.peak_live_bytes };
	bench_print(&row, &meter);
	bench_churn_free(&churn);
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
