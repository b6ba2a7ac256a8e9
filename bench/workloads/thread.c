/* What a thread of the allocator's costs a program that has none of its own: large and small
 * churn beside it, and what it uses while the program sleeps. The first block is one that is
 * worth a helper thread. Rows: an operation of each churn; a second asleep with blocks
 * retained, until they are released, and one with none. A program that has stayed alone
 * does not sleep. Under weir alone. */
#include "../bench.h"
#include "../churn.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCHES 15
#define SMALL_LIVE 4096
#define RETAINED_BLOCKS 64
#define RETAINED_SECONDS 15 /* more than the four thirds of WEIR_DECAY=10s */
#define EMPTY_SECONDS 10

typedef void replace(void *state, unsigned count);

struct small {
	struct bench_random random;
	void *blocks[SMALL_LIVE];
};

static void replace_large(void *churn, unsigned count)
{
	bench_churn_replace(churn, count);
}

static void replace_small(void *state, unsigned count)
{
	struct small *small = state;

	for (unsigned i = 0; i < count; i++) {
		size_t size_bytes = bench_random_doubling(&small->random, 16, 32 * KIB);
		size_t victim = small->random.state % SMALL_LIVE;
		free(small->blocks[victim]);
		small->blocks[victim] = bench_malloc(size_bytes);
		memset(small->blocks[victim], 1, 8);
	}
}

static void measure(const char *variant, replace *churn, void *state, unsigned count)
{
	struct bench_meter meter = { 0 };
	struct bench_row row = { .workload = "thread", .variant = variant };

	churn(state, 4 * count);
	for (unsigned batch = 0; batch < BATCHES; batch++) {
		bench_meter_start(&meter);
		churn(state, count);
		bench_meter_stop(&meter, count);
	}
	bench_print(&row, &meter);
}

static void measure_large(unsigned count)
{
	struct bench_churn churn = { .random = { BENCH_SEED },
				     .choose = bench_random_doubling,
				     .write = bench_write_pages,
				     .size_min_bytes = 64 * KIB,
				     .size_max_bytes = 4 * MIB,
				     .slots = 32 };
	measure("large", replace_large, &churn, count);
	bench_churn_free(&churn);
}

static void measure_small(unsigned count)
{
	static struct small small = { .random = { BENCH_SEED } };
	measure("small", replace_small, &small, count);
}

static void retain(void)
{
	static char *blocks[RETAINED_BLOCKS];

	for (unsigned i = 0; i < RETAINED_BLOCKS; i++) {
		blocks[i] = bench_malloc(MIB);
		memset(blocks[i], 1, MIB);
	}
	for (unsigned i = 0; i < RETAINED_BLOCKS; i++)
		free(blocks[i]);
}

/* How often a thread of this process has begun to wait. */
static uint64_t waits(void)
{
	struct rusage used;
	getrusage(RUSAGE_SELF, &used);
	return (uint64_t)used.ru_nvcsw;
}

/* One operation is a second; the sleeper's own wake-up is not counted. */
static void measure_asleep(const char *variant, unsigned seconds)
{
	struct bench_meter meter = { 0 };
	struct bench_row row = { .workload = "thread", .variant = variant };
	uint64_t before = waits();

	bench_meter_start(&meter);
	sleep(seconds);
	bench_meter_stop(&meter, seconds);
	row.wakeups = waits() - before - 1;
	row.left_bytes = bench_resident_bytes();
	bench_print(&row, &meter);
}

/* A directory has one link for each directory in it, and two. */
static bool is_alone(void)
{
	struct stat task;
	if (stat("/proc/self/task", &task) != 0)
		bench_die("/proc/self/task");
	return task.st_nlink == 2 + 1;
}

static void run_thread(const struct bench_options *options)
{
	retain();
	measure_large(bench_scaled(options, 4000, 1));
	measure_small(bench_scaled(options, 60000, 1));
	if (is_alone())
		return;
	retain();
	measure_asleep("releasing", RETAINED_SECONDS);
	measure_asleep("asleep", EMPTY_SECONDS);
}

const struct bench_workload bench_thread = { "thread", run_thread,
					     "churn and sleep beside weir's helper thread" };
