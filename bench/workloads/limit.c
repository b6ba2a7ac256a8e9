/* Four threads churn blocks of 64 KiB to 16 MiB. Every so often all of them
 * stop; the live bytes are known exactly then, and what is resident beyond them
 * is what the allocator keeps. */
#include "../bench.h"
#include "../churn.h"

#include <pthread.h>

#define THREADS 4
#define STOPS 60
#define OPERATIONS_BETWEEN_STOPS 50

struct churner {
	pthread_t thread;
	unsigned stops;
	struct bench_churn churn;
};

static pthread_barrier_t stopped;
static pthread_barrier_t going;

/* Every other stop comes with no blocks live, so that much can be kept. */
static void *run_churn(void *data)
{
	struct churner *churner = data;
	pthread_barrier_wait(&stopped);
	pthread_barrier_wait(&going);
	for (unsigned stop = 0; stop < churner->stops; stop++) {
		bench_churn_replace(&churner->churn, OPERATIONS_BETWEEN_STOPS);
		if (stop % 2 != 0)
			bench_churn_free(&churner->churn);
		pthread_barrier_wait(&stopped);
		pthread_barrier_wait(&going);
	}
	bench_churn_free(&churner->churn);
	return NULL;
}

static size_t live_bytes(const struct churner *churners)
{
	size_t sum = 0;
	for (size_t i = 0; i < THREADS; i++)
		sum += churners[i].churn.live_bytes;
	return sum;
}

/* Resident bytes beyond the live blocks, at the next stop. */
static size_t watch_stop(const struct churner *churners, size_t own_bytes)
{
	pthread_barrier_wait(&stopped);
	size_t beyond_bytes = bench_resident_above(own_bytes + live_bytes(churners));
	pthread_barrier_wait(&going);
	return beyond_bytes;
}

static void run_limit(const struct bench_options *options)
{
	static struct bench_meter meter;
	static struct churner churners[THREADS];
	struct bench_row row = { .workload = "limit", .variant = "block" };
	unsigned stops = bench_scaled(options, STOPS, 8);

	pthread_barrier_init(&stopped, NULL, THREADS + 1);
	pthread_barrier_init(&going, NULL, THREADS + 1);
	for (size_t i = 0; i < THREADS; i++) {
		churners[i].stops = stops;
		churners[i].churn = (struct bench_churn){ .random = { BENCH_SEED * (i + 1) },
							  .choose = bench_random_doubling,
							  .write = bench_write_pages,
							  .size_min_bytes = 64 * KIB,
							  .size_max_bytes = 16 * MIB,
							  .slots = 8 };
		if (pthread_create(&churners[i].thread, NULL, run_churn, &churners[i]) != 0)
			bench_die("pthread_create");
	}
	size_t own_bytes = watch_stop(churners, 0);
	bench_meter_start(&meter);
	for (unsigned stop = 0; stop < stops; stop++) {
		row.left_bytes = watch_stop(churners, own_bytes);
		if (row.left_bytes > row.kept_bytes)
			row.kept_bytes = row.left_bytes;
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(churners[i].thread, NULL);
	bench_meter_stop(&meter, (uint64_t)stops * THREADS * OPERATIONS_BETWEEN_STOPS);
	bench_print(&row, &meter);
}

const struct bench_workload bench_limit = { "limit", run_limit,
					    "four threads churn; what is kept, at stops" };
