/* short_threads COUNT: so many threads, eight at once, that each verify and free what an earlier
 * one left, resize a block of their own, and leave it. Prints `warm` after the first tenth and
 * `done` at the end, when all is freed, and each time waits for a line. */
#include "pattern.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define AT_ONCE 8
#define LEFT 16
#define BYTES_MIN ((size_t)64 << 10)

struct block {
	size_t bytes; /* at its begin; the pattern lies behind */
	uint64_t seed;
};

static struct block *left[LEFT]; /* exchanged atomically */

static void discard(struct block *block)
{
	if (block == NULL)
		return;
	if (pattern_check(block + 1, block->bytes, block->seed) != PATTERN_RIGHT) {
		fputs("short_threads: a block has changed\n", stderr);
		_exit(1);
	}
	free(block);
}

static struct block *make(uint64_t seed)
{
	size_t bytes = (BYTES_MIN << seed % 5) + (size_t)(pattern_word(seed, 0) % BYTES_MIN);
	struct block *block = (struct block *)malloc(sizeof(*block) + bytes / 2);

	if (block == NULL)
		_exit(3);
	block = (struct block *)realloc(block, sizeof(*block) + bytes);
	if (block == NULL)
		_exit(3);
	block->bytes = bytes;
	block->seed = seed;
	pattern_write(block + 1, 0, bytes, seed);
	return block;
}

static void *live_shortly(void *number)
{
	uint64_t seed = (uint64_t)(uintptr_t)number;

	discard(__atomic_exchange_n(&left[seed % LEFT], make(seed), __ATOMIC_ACQ_REL));
	free(malloc(BYTES_MIN));
	return NULL;
}

static void run(unsigned long first, unsigned long end)
{
	pthread_t threads[AT_ONCE];

	for (unsigned long i = first; i < end; i += AT_ONCE) {
		for (unsigned long k = 0; k < AT_ONCE; k++)
			if (pthread_create(&threads[k], NULL, live_shortly, (void *)(i + k)) != 0)
				_exit(3);
		for (unsigned long k = 0; k < AT_ONCE; k++)
			pthread_join(threads[k], NULL);
	}
	for (unsigned i = 0; i < LEFT; i++)
		discard(__atomic_exchange_n(&left[i], NULL, __ATOMIC_ACQ_REL));
}

static void say_and_wait(const char *word)
{
	char line[64];

	puts(word);
	if (fgets(line, sizeof(line), stdin) == NULL)
		_exit(4);
}

int main(int argc, char **argv)
{
	unsigned long count = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;

	if (count < 10 * AT_ONCE)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	run(0, count / 10);
	say_and_wait("warm");
	run(count / 10, count);
	say_and_wait("done");
	return 0;
}
