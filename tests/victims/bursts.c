/* bursts WORKERS FIRST EACH PAUSE_MS BATCHES: a service that loads batches of images, the first
 * one of FIRST bytes, the others of EACH, in sizes that change from batch to batch. Each is loaded
 * by the next of its worker threads, which sleep otherwise, while the main thread still holds
 * the batch before; that it then checks to the last byte, and frees. So no more is live than
 * two batches, and one alone during the PAUSE_MS after that.
 *
 * With 0 BATCHES it goes on until its stdin ends. Prints `started` after the first batch has
 * gone, at the end `sent IMAGES wrong IMAGES`, and ends with status 1 where any byte was not as
 * written. */
#include "pattern.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WORKERS_MAX 64
#define IMAGES_MAX 4096

/* What the images of a batch begin at; they are up to twice as long. */
static const size_t image_bytes[] = { 3 << 20, 200 << 10, 1 << 20, 8 << 20 };
#define SIZES (sizeof(image_bytes) / sizeof(image_bytes[0]))

struct image {
	char *address;
	size_t bytes;
	uint64_t seed;
};

struct batch {
	struct image images[IMAGES_MAX];
	unsigned count;
};

struct worker {
	pthread_t thread;
	sem_t ordered, loaded;
	struct batch *batch; /* NULL: it is to end */
	uint64_t number;     /* of the batch */
};

static size_t first_bytes, each_bytes;
static unsigned long sent_images, wrong_images; /* the main thread's */

static bool load_image(struct batch *batch, size_t bytes, uint64_t seed)
{
	struct image *image = &batch->images[batch->count++];

	*image = (struct image){ malloc(bytes), bytes, seed };
	if (image->address == NULL)
		return false;
	pattern_write(image->address, 0, bytes, seed);
	return true;
}

/* As many images as have room, of sizes that look random. */
static void load(struct batch *batch, uint64_t number)
{
	size_t base = image_bytes[number % SIZES];
	uint64_t seed = number * IMAGES_MAX;

	batch->count = 0;
	for (size_t room = number == 0 ? first_bytes : each_bytes; batch->count < IMAGES_MAX;
	     seed++) {
		size_t bytes = base + (size_t)(pattern_word(seed, 0) % base);

		if (bytes > room)
			return;
		if (!load_image(batch, bytes, seed))
			_exit(3);
		room -= bytes;
	}
}

static void *work(void *argument)
{
	struct worker *worker = argument;

	for (;;) {
		while (sem_wait(&worker->ordered) != 0)
			;
		if (worker->batch == NULL)
			return NULL;
		load(worker->batch, worker->number);
		sem_post(&worker->loaded);
	}
}

static void start(struct worker *worker)
{
	sem_init(&worker->ordered, 0, 0);
	sem_init(&worker->loaded, 0, 0);
	if (pthread_create(&worker->thread, NULL, work, worker) != 0)
		_exit(3);
}

static void order(struct worker *worker, struct batch *batch, uint64_t number)
{
	worker->batch = batch;
	worker->number = number;
	sem_post(&worker->ordered);
}

static void await(struct worker *worker)
{
	while (sem_wait(&worker->loaded) != 0)
		;
}

/* Checks and frees. */
static void send_out(struct batch *batch)
{
	for (unsigned i = 0; i < batch->count; i++) {
		struct image *image = &batch->images[i];

		if (pattern_check(image->address, image->bytes, image->seed) != PATTERN_RIGHT)
			wrong_images++;
		sent_images++;
		free(image->address);
	}
	batch->count = 0;
}

/* False once stdin has ended, where that is what ends it. */
static bool pause_for(int pause_ms, bool until_end)
{
	struct pollfd input = { until_end ? STDIN_FILENO : -1, POLLIN, 0 };

	return poll(&input, 1, pause_ms) == 0;
}

static void serve(struct worker *workers, unsigned count, int pause_ms, uint64_t batches)
{
	static struct batch batch[2];

	for (uint64_t i = 0; batches == 0 || i < batches; i++) {
		order(&workers[i % count], &batch[i % 2], i);
		await(&workers[i % count]);
		send_out(&batch[(i + 1) % 2]);
		if (i == 1)
			puts("started");
		if (!pause_for(pause_ms, batches == 0))
			break;
	}
	send_out(&batch[0]);
	send_out(&batch[1]);
}

int main(int argc, char **argv)
{
	static struct worker workers[WORKERS_MAX];
	unsigned count = argc == 6 ? (unsigned)atoi(argv[1]) : 0;

	if (count == 0 || count > WORKERS_MAX)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	first_bytes = strtoull(argv[2], NULL, 10);
	each_bytes = strtoull(argv[3], NULL, 10);
	for (unsigned i = 0; i < count; i++)
		start(&workers[i]);
	serve(workers, count, atoi(argv[4]), strtoull(argv[5], NULL, 10));
	for (unsigned i = 0; i < count; i++)
		order(&workers[i], NULL, 0);
	for (unsigned i = 0; i < count; i++)
		pthread_join(workers[i].thread, NULL);
	printf("sent %lu wrong %lu\n", sent_images, wrong_images);
	return wrong_images == 0 ? 0 : 1;
}
