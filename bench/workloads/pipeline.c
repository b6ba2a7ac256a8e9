/* Two threads and a ring: one allocates and writes random sizes from 64 KiB to
 * 4 MiB, the other reads and frees them. */
#include "../bench.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#define RING_SLOTS 8
#define SIZE_MIN (64 * KIB)
#define SIZE_MAX_BYTES (4 * MIB)
#define BATCHES 7

struct ring {
	struct {
		char *block;
		size_t size_bytes;
	} slots[RING_SLOTS];
	sem_t filled; /* slots; each post publishes one to the other thread */
	sem_t empty;
};

struct consumer {
	struct ring *ring;
	unsigned count; /* blocks to take */
	unsigned long checksum;
};

static unsigned long read_block(const char *block, size_t size_bytes)
{
	unsigned long sum = 0;
	for (size_t offset = 0; offset < size_bytes; offset += 64)
		sum += (unsigned char)block[offset];
	return sum;
}

static void *consume(void *data)
{
	struct consumer *consumer = data;
	for (unsigned i = 0; i < consumer->count; i++) {
		while (sem_wait(&consumer->ring->filled) != 0)
			;
		char *block = consumer->ring->slots[i % RING_SLOTS].block;
		consumer->checksum +=
			read_block(block, consumer->ring->slots[i % RING_SLOTS].size_bytes);
		free(block);
		sem_post(&consumer->ring->empty);
	}
	return NULL;
}

static void produce(struct ring *ring, struct bench_random *random, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		size_t size_bytes = bench_random_uniform(random, SIZE_MIN, SIZE_MAX_BYTES);
		char *block = bench_malloc(size_bytes);
		memset(block, 1, size_bytes);
		while (sem_wait(&ring->empty) != 0)
			;
		ring->slots[i % RING_SLOTS].block = block;
		ring->slots[i % RING_SLOTS].size_bytes = size_bytes;
		sem_post(&ring->filled);
	}
}

static void pass_blocks(struct ring *ring, struct bench_random *random, unsigned count)
{
	struct consumer consumer = { .ring = ring, .count = count };
	pthread_t thread;

	if (pthread_create(&thread, NULL, consume, &consumer) != 0)
		bench_die("pthread_create");
	produce(ring, random, count);
	pthread_join(thread, NULL);
	if (consumer.checksum == 0)
		bench_die("blocks lost");
}

static void run_pipeline(const struct bench_options *options)
{
	static struct bench_meter meter;
	static struct ring ring;
	struct bench_random random = { BENCH_SEED };
	unsigned count = bench_scaled(options, 150, 8);

	sem_init(&ring.filled, 0, 0);
	sem_init(&ring.empty, 0, RING_SLOTS);
	pass_blocks(&ring, &random, count);
	for (unsigned batch = 0; batch < BATCHES; batch++) {
		bench_meter_start(&meter);
		pass_blocks(&ring, &random, count);
		bench_meter_stop(&meter, count);
	}
	struct bench_row row = { .workload = "pipeline", .variant = "block" };
	bench_print(&row, &meter);
}

const struct bench_workload bench_pipeline = {
	"pipeline", run_pipeline, "one thread allocates and writes, another reads and frees"
};
