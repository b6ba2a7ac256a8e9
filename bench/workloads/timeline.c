/* The resident size over time: a load for a second, all blocks freed, a pause,
 * the request to give back, a pause, and another load. One operation is one block
 * replaced in the first load. */
#include "../ask_release.h"
#include "../bench.h"
#include "../churn.h"
#include "../sampler.h"

#include <unistd.h>

#define LOAD_MS 1000
#define PAUSE_MS 500
#define OPERATIONS_BETWEEN_LOOKS 4

static void load(struct bench_churn *churn, struct bench_meter *meter, unsigned load_ms)
{
	uint64_t end_ns = bench_now_ns() + load_ms * UINT64_C(1000000);
	uint64_t operations = 0;

	bench_sampler_enter("load");
	bench_meter_start(meter);
	while (bench_now_ns() < end_ns) {
		bench_churn_replace(churn, OPERATIONS_BETWEEN_LOOKS);
		operations += OPERATIONS_BETWEEN_LOOKS;
	}
	bench_meter_stop(meter, operations);
}

static void pause_in(const char *phase, unsigned pause_ms)
{
	bench_sampler_enter(phase);
	usleep(pause_ms * 1000);
}

static void run_timeline(const struct bench_options *options)
{
	static struct bench_meter meter, second_load;
	struct bench_churn churn = { .random = { BENCH_SEED },
				     .choose = bench_random_doubling,
				     .write = bench_write_whole,
				     .size_min_bytes = 64 * KIB,
				     .size_max_bytes = 16 * MIB,
				     .slots = 32 };
	struct bench_release release = bench_choose_release();
	struct bench_row row = { .workload = "timeline", .variant = release.variant };
	unsigned pause_ms = bench_scaled(options, PAUSE_MS, 1);

	bench_sampler_start("load");
	size_t own_bytes = bench_resident_bytes();
	load(&churn, &meter, bench_scaled(options, LOAD_MS, 1));
	bench_churn_free(&churn);
	pause_in("freed", pause_ms);
	row.kept_bytes = bench_resident_above(own_bytes);
	bench_sampler_enter("released");
	release.ask();
	pause_in("released", pause_ms);
	row.left_bytes = bench_resident_above(own_bytes);
	load(&churn, &second_load, pause_ms);
	bench_churn_free(&churn);
	pause_in("freed", pause_ms);
	bench_sampler_stop();
	row.peak_live_bytes = churn.peak_live_bytes;
	row.mean_rss_bytes = bench_sampler_mean_bytes();
	bench_print(&row, &meter);
	bench_sampler_print("timeline");
}

const struct bench_workload bench_timeline = { "timeline", run_timeline,
					       "load, free all, release: resident size over time" };
