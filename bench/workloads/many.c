/* Processes that have many of something at once: 100,000 large blocks, 1,000
 * threads, 64 GiB of addresses. Where an allocator or the machine refuses, no row
 * is printed. One operation is one block: allocated, one byte written, freed. */
#include "../bench.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCHES 3

/* Allocates, touches and frees `count` blocks, all live at once; false where one
 * of them is refused. */
static bool cycle_blocks(char **blocks, size_t count, size_t size_bytes)
{
	size_t allocated = 0;
	while (allocated < count && (blocks[allocated] = malloc(size_bytes)) != NULL)
		blocks[allocated++][0] = 1;
	for (size_t i = 0; i < allocated; i++)
		free(blocks[i]);
	return allocated == count;
}

static void measure_blocks(const char *name, size_t count, size_t size_bytes)
{
	static struct bench_meter meter;
	char **blocks = bench_malloc(count * sizeof(char *));
	bool served = true;

	for (unsigned batch = 0; batch < BATCHES && served; batch++) {
		bench_meter_start(&meter);
		served = cycle_blocks(blocks, count, size_bytes);
		bench_meter_stop(&meter, count);
	}
	struct bench_row row = { .workload = name,
				 .variant = "block",
				 .peak_live_bytes = count * 4 * KIB };
	if (served)
		bench_print(&row, &meter);
	else
		fprintf(stderr, "weir-bench: %s: refused\n", name);
	free(blocks);
}

static void run_many_blocks(const struct bench_options *options)
{
	measure_blocks("many-blocks", bench_scaled(options, 100000, 1), 64 * KIB);
}

static void run_many_addresses(const struct bench_options *options)
{
	measure_blocks("many-addresses", bench_scaled(options, 64, 1), 1 * GIB);
}

#define THREADS 1000
#define THREAD_BLOCK_BYTES (1 * MIB)
#define STACK_BYTES ((size_t)PTHREAD_STACK_MIN + 64 * KIB)

struct crowd {
	pthread_barrier_t all_here; /* each has its block */
	pthread_t threads[THREADS];
};

static void *hold_block(void *data)
{
	struct crowd *crowd = data;
	char *block = bench_malloc(THREAD_BLOCK_BYTES);
	block[0] = 1;
	pthread_barrier_wait(&crowd->all_here);
	free(block);
	return NULL;
}

static void gather(struct crowd *crowd, const pthread_attr_t *attributes, unsigned count)
{
	pthread_barrier_init(&crowd->all_here, NULL, count);
	for (unsigned i = 0; i < count; i++)
		if (pthread_create(&crowd->threads[i], attributes, hold_block, crowd) != 0)
			bench_die("pthread_create");
	for (unsigned i = 0; i < count; i++)
		pthread_join(crowd->threads[i], NULL);
	pthread_barrier_destroy(&crowd->all_here);
}

static void run_many_threads(const struct bench_options *options)
{
	static struct bench_meter meter;
	static struct crowd crowd;
	unsigned count = bench_scaled(options, THREADS, 1);
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	for (unsigned batch = 0; batch < BATCHES; batch++) {
		bench_meter_start(&meter);
		gather(&crowd, &attributes, count);
		bench_meter_stop(&meter, count);
	}
	struct bench_row row = { .workload = "many-threads",
				 .variant = "block",
				 .peak_live_bytes = count * 4 * KIB };
	bench_print(&row, &meter);
}

const struct bench_workload bench_many_blocks = { "many-blocks", run_many_blocks,
						  "100,000 blocks of 64 KiB at once" };
const struct bench_workload bench_many_threads = { "many-threads", run_many_threads,
						   "1,000 threads at once, each with a block" };
const struct bench_workload bench_many_addresses = { "many-addresses", run_many_addresses,
						     "64 GiB in blocks, hardly touched" };
