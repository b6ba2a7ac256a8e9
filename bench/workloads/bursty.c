/* A server with bursts: it churns 64 KiB to 16 MiB, frees everything, and idles
 * for 200 ms, again and again. One operation is one block replaced; what the
 * idle process holds, and its mean resident size over time, are the price. */
#include "../bench.h"
#include "../churn.h"
#include "../sampler.h"

#include <unistd.h>

#define BURSTS 4
#define OPERATIONS_IN_BURST 300
#define IDLE_US 200000

static void burst(struct bench_churn *churn, unsigned operations)
{
	bench_sampler_enter("load");
	bench_churn_replace(churn, operations);
	bench_churn_free(churn);
}

static void run_bursty(const struct bench_options *options)
{
	static struct bench_meter meter;
	struct bench_churn churn = { .random = { BENCH_SEED },
				     .choose = bench_random_doubling,
				     .write = bench_write_whole,
				     .size_min_bytes = 64 * KIB,
				     .size_max_bytes = 16 * MIB,
				     .slots = 24 };
	struct bench_row row = { .workload = "bursty", .variant = "block" };
	unsigned bursts = bench_scaled(options, BURSTS, 3);
	unsigned operations = bench_scaled(options, OPERATIONS_IN_BURST, 1);

	bench_sampler_start("load");
	size_t own_bytes = bench_resident_bytes();
	for (unsigned i = 0; i < bursts; i++) {
		bench_meter_start(&meter);
		burst(&churn, operations);
		bench_meter_stop(&meter, operations);
		bench_sampler_enter("idle");
		usleep(IDLE_US);
		row.left_bytes = bench_resident_above(own_bytes);
		if (row.left_bytes > row.kept_bytes)
			row.kept_bytes = row.left_bytes;
	}
	bench_sampler_stop();
	row.peak_live_bytes = churn.peak_live_bytes;
	row.mean_rss_bytes = bench_sampler_mean_bytes();
	bench_print(&row, &meter);
	bench_sampler_print("bursty");
}

const struct bench_workload bench_bursty = { "bursty", run_bursty,
					     "load, idle for 200 ms, load: a server" };
