/* How long single calls take: two threads churn 64 KiB to 4 MiB, and every so
 * often free all that they hold, which is more than may be kept. Each malloc and
 * each free is clocked apart; the two clock readings, some 40 ns, are in the
 * figure. The blocks are touched outside of it, so that a page fault is nobody's
 * latency here. */
#include "../bench.h"
#include "../churn.h"

#include <pthread.h>
#include <stdlib.h>

#define THREADS 2
#define SLOTS 64
#define OPERATIONS 8000
#define OPERATIONS_BETWEEN_PEAKS 400

enum { MALLOC, FREE, CALLS };

struct clocked {
	pthread_t thread;
	unsigned operations;
	struct bench_churn churn;
	/* Every peak frees the blocks of all slots beside those of the operations. */
	uint64_t ns[CALLS][OPERATIONS + OPERATIONS / OPERATIONS_BETWEEN_PEAKS * SLOTS];
	size_t counts[CALLS];
};

static struct clocked clocked_threads[THREADS];

static void note(struct clocked *clocked, unsigned call, uint64_t start_ns)
{
	clocked->ns[call][clocked->counts[call]++] = bench_now_ns() - start_ns;
}

static void free_slot(struct clocked *clocked, size_t slot)
{
	char *block = clocked->churn.blocks[slot];
	if (block == NULL)
		return;
	bench_churn_set(&clocked->churn, slot, NULL, 0);
	uint64_t start_ns = bench_now_ns();
	free(block);
	note(clocked, FREE, start_ns);
}

static void fill_slot(struct clocked *clocked, size_t slot, size_t size_bytes)
{
	uint64_t start_ns = bench_now_ns();
	char *block = malloc(size_bytes);
	note(clocked, MALLOC, start_ns);
	if (block == NULL)
		bench_die("malloc");
	bench_write_pages(block, size_bytes);
	bench_churn_set(&clocked->churn, slot, block, size_bytes);
}

static void free_all(struct clocked *clocked)
{
	for (size_t slot = 0; slot < SLOTS; slot++)
		free_slot(clocked, slot);
}

static void *run_clocked(void *data)
{
	struct clocked *clocked = data;
	for (unsigned i = 0; i < clocked->operations; i++) {
		size_t slot = bench_churn_choose_slot(&clocked->churn);
		size_t size_bytes = bench_churn_choose_size(&clocked->churn);
		if (i % OPERATIONS_BETWEEN_PEAKS == OPERATIONS_BETWEEN_PEAKS - 1)
			free_all(clocked);
		free_slot(clocked, slot);
		fill_slot(clocked, slot, size_bytes);
	}
	free_all(clocked);
	return NULL;
}

static void run_threads(struct bench_meter *meter, unsigned operations)
{
	bench_meter_start(meter);
	for (size_t i = 0; i < THREADS; i++) {
		struct clocked *clocked = &clocked_threads[i];
		clocked->operations = operations;
		clocked->churn = (struct bench_churn){ .random = { BENCH_SEED * (i + 1) },
						       .choose = bench_random_doubling,
						       .size_min_bytes = 64 * KIB,
						       .size_max_bytes = 4 * MIB,
						       .slots = SLOTS };
		if (pthread_create(&clocked->thread, NULL, run_clocked, clocked) != 0)
			bench_die("pthread_create");
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(clocked_threads[i].thread, NULL);
	bench_meter_stop(meter, (uint64_t)THREADS * operations);
}

static int compare_times(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* The times of one call in all threads, in order. */
static size_t sorted_times(uint64_t *sorted, unsigned call)
{
	size_t count = 0;
	for (size_t i = 0; i < THREADS; i++)
		for (size_t k = 0; k < clocked_threads[i].counts[call]; k++)
			sorted[count++] = clocked_threads[i].ns[call][k];
	qsort(sorted, count, sizeof sorted[0], compare_times);
	return count;
}

static void print_call(const struct bench_meter *meter, unsigned call)
{
	static uint64_t sorted[THREADS * sizeof clocked_threads[0].ns[0] / sizeof(uint64_t)];
	static const struct {
		const char *variant[CALLS];
		double share;
	} rows[] = {
		{ { "malloc-p50", "free-p50" }, 0.5 },
		{ { "malloc-p99", "free-p99" }, 0.99 },
		{ { "malloc-p99.9", "free-p99.9" }, 0.999 },
		{ { "malloc-max", "free-max" }, 1 },
	};
	size_t count = sorted_times(sorted, call);

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bench_row row = { .workload = "latency", .variant = rows[i].variant[call] };
		size_t place = (size_t)(rows[i].share * (double)(count - 1));
		bench_print_ns(&row, meter, (double)sorted[place]);
	}
}

static void run_latency(const struct bench_options *options)
{
	static struct bench_meter meter;

	run_threads(&meter, bench_scaled(options, OPERATIONS, OPERATIONS_BETWEEN_PEAKS));
	print_call(&meter, MALLOC);
	print_call(&meter, FREE);
}

const struct bench_workload bench_latency = { "latency", run_latency,
					      "percentiles of malloc and free in two threads" };
