/* Four threads churn blocks of 64 KiB to 16 MiB. Every so often all of them
 * stop; the live bytes are known exactly then, and what is resident beyond them
 * is what the allocator keeps. */
#include "../bench.h"

#include <pthread.h>
#include <stdlib.h>

#define THREADS 4
#define SLOTS 8
#define STOPS 60
#define OPERATIONS_BETWEEN_STOPS 50
#define SIZE_MIN (64 * KIB)
#define SIZE_MAX_BYTES (16 * MIB)

struct churn {
	pthread_t thread;
	unsigned stops;
	struct bench_random random;
	char *blocks[SLOTS];
	size_t block_bytes[SLOTS]; /* in whole pages */
};

static pthread_barrier_t stopped;
static pthread_barrier_t going;

static void churn_blocks(struct churn *churn)
{
	for (unsigned i = 0; i < OPERATIONS_BETWEEN_STOPS; i++) {
		size_t victim = bench_random_next(&churn->random) % SLOTS;
		size_t size_bytes = bench_random_doubling(&churn->random, SIZE_MIN, SIZE_MAX_BYTES);
		free(churn->blocks[victim]);
		churn->blocks[victim] = bench_malloc(size_bytes);
		churn->block_bytes[victim] = (size_bytes + 4 * KIB - 1) & ~(4 * KIB - 1);
		bench_write_pages(churn->blocks[victim], size_bytes);
	}
}

/* Every other stop comes with few blocks live, so that much can be kept. */
static void free_blocks(struct churn *churn)
{
	for (size_t i = 0; i < SLOTS; i++) {
		free(churn->blocks[i]);
		churn->blocks[i] = NULL;
		churn->block_bytes[i] = 0;
	}
}

static void *run_churn(void *data)
{
	struct churn *churn = data;
	pthread_barrier_wait(&stopped);
	pthread_barrier_wait(&going);
	for (unsigned stop = 0; stop < churn->stops; stop++) {
		churn_blocks(churn);
		if (stop % 2 != 0)
			free_blocks(churn);
		pthread_barrier_wait(&stopped);
		pthread_barrier_wait(&going);
	}
	free_blocks(churn);
	return NULL;
}

static size_t live_bytes(const struct churn *churns)
{
	size_t sum = 0;
	for (size_t i = 0; i < THREADS; i++)
		for (size_t slot = 0; slot < SLOTS; slot++)
			sum += churns[i].block_bytes[slot];
	return sum;
}

/* Resident bytes beyond the live blocks, at the next stop. */
static size_t watch_stop(const struct churn *churns, size_t own_bytes)
{
	pthread_barrier_wait(&stopped);
	size_t expected_bytes = own_bytes + live_bytes(churns);
	size_t resident_bytes = bench_resident_bytes();
	pthread_barrier_wait(&going);
	return resident_bytes > expected_bytes ? resident_bytes - expected_bytes : 0;
}

static void run_limit(const struct bench_options *options)
{
	static struct bench_meter meter;
	static struct churn churns[THREADS];
	struct bench_row row = { .workload = "limit", .variant = "block" };
	unsigned stops = bench_scaled(options, STOPS, 8);

	pthread_barrier_init(&stopped, NULL, THREADS + 1);
	pthread_barrier_init(&going, NULL, THREADS + 1);
	for (size_t i = 0; i < THREADS; i++) {
		churns[i].stops = stops;
		churns[i].random.state = 0x9E3779B97F4A7C15ULL * (i + 1);
		if (pthread_create(&churns[i].thread, NULL, run_churn, &churns[i]) != 0)
			bench_die("pthread_create");
	}
	size_t own_bytes = watch_stop(churns, 0);
	bench_meter_start(&meter);
	for (unsigned stop = 0; stop < stops; stop++) {
		row.left_bytes = watch_stop(churns, own_bytes);
		if (row.left_bytes > row.kept_bytes)
			row.kept_bytes = row.left_bytes;
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(churns[i].thread, NULL);
	bench_meter_stop(&meter, (uint64_t)stops * THREADS * OPERATIONS_BETWEEN_STOPS);
	bench_print(&row, &meter);
}

const struct bench_workload bench_limit = { "limit", run_limit,
					    "four threads churn; what is kept, at stops" };
