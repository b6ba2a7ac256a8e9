/* churn THREADS STEPS ROUNDS FORKS: threads that allocate, resize, verify and
 * free blocks of 64 KiB to 2 MiB, and hand half of them to each other.
 *
 * Each round starts its threads, prints `running`, forks FORKS children that
 * churn by themselves, joins, frees everything, prints `empty` and waits for a
 * line. With 0 STEPS the threads go on until that round's first line comes. A
 * byte that is not as written ends the program with status 1. */
#include "pattern.h"

#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS_MAX 64
#define OWN_BLOCKS 4
#define SHARED_BLOCKS 16
#define BYTES_MIN ((size_t)64 << 10)

struct block {
	char *address;
	size_t bytes;
	uint64_t seed;
};

struct churner {
	pthread_t thread;
	uint64_t dice;
	struct block *own[OWN_BLOCKS];
};

static struct block *shared[SHARED_BLOCKS]; /* exchanged atomically */
static unsigned long steps;
static bool stopped; /* atomic, relaxed */

static void fail(const char *what, const struct block *block, size_t at)
{
	fprintf(stderr, "churn: %s: byte %zu of %zu at %p\n", what, at, block->bytes,
		(void *)block->address);
	_exit(1);
}

static uint64_t roll(struct churner *churner)
{
	churner->dice ^= churner->dice << 13;
	churner->dice ^= churner->dice >> 7;
	churner->dice ^= churner->dice << 17;
	return churner->dice;
}

static size_t roll_bytes(struct churner *churner)
{
	size_t base = BYTES_MIN << roll(churner) % 5;

	return base + (size_t)(roll(churner) % base);
}

static char *allocate(struct churner *churner, const struct block *block)
{
	void *address;

	switch (roll(churner) % 4) {
	case 0:
		address = calloc(1, block->bytes);
		if (address != NULL && pattern_check_zero(address, block->bytes) != PATTERN_RIGHT)
			fail("calloc is dirty", block, pattern_check_zero(address, block->bytes));
		return (char *)address;
	case 1:
		if (posix_memalign(&address, (size_t)64 << roll(churner) % 14, block->bytes) != 0)
			return NULL;
		return (char *)address;
	default:
		return (char *)malloc(block->bytes);
	}
}

static struct block *make(struct churner *churner)
{
	struct block *block = (struct block *)malloc(sizeof(*block));

	if (block == NULL)
		_exit(3);
	block->bytes = roll_bytes(churner);
	block->seed = roll(churner);
	block->address = allocate(churner, block);
	if (block->address == NULL)
		fail("out of memory", block, 0);
	pattern_write(block->address, 0, block->bytes, block->seed);
	return block;
}

static void check(const struct block *block, size_t count)
{
	size_t at = pattern_check(block->address, count, block->seed);

	if (at != PATTERN_RIGHT)
		fail("changed", block, at);
}

static void resize(struct churner *churner, struct block *block)
{
	size_t before = block->bytes;
	size_t kept;

	check(block, before);
	block->bytes = roll_bytes(churner);
	kept = before < block->bytes ? before : block->bytes;
	block->address = (char *)realloc(block->address, block->bytes);
	if (block->address == NULL)
		fail("out of memory", block, 0);
	check(block, kept);
	pattern_write(block->address, kept, block->bytes, block->seed);
}

static void discard(struct block *block)
{
	if (block == NULL)
		return;
	check(block, block->bytes);
	free(block->address);
	free(block);
}

static void step(struct churner *churner)
{
	struct block **own = &churner->own[roll(churner) % OWN_BLOCKS];
	struct block **other = &shared[roll(churner) % SHARED_BLOCKS];

	if (*own == NULL)
		*own = make(churner);
	switch (roll(churner) % 4) {
	case 0:
		resize(churner, *own);
		break;
	case 1:
		discard(*own);
		*own = NULL;
		break;
	default:
		*own = __atomic_exchange_n(other, *own, __ATOMIC_ACQ_REL);
		break;
	}
}

/* What a thread still owns at its end, another one frees. */
static void *churn(void *argument)
{
	struct churner *churner = (struct churner *)argument;

	for (unsigned long i = 0; steps == 0 || i < steps; i++) {
		if (__atomic_load_n(&stopped, __ATOMIC_RELAXED))
			break;
		step(churner);
	}
	return NULL;
}

static void empty(struct churner *churners, int threads)
{
	for (int t = 0; t < threads; t++) {
		for (int i = 0; i < OWN_BLOCKS; i++) {
			discard(churners[t].own[i]);
			churners[t].own[i] = NULL;
		}
	}
	for (int i = 0; i < SHARED_BLOCKS; i++)
		discard(__atomic_exchange_n(&shared[i], NULL, __ATOMIC_ACQ_REL));
}

/* The child has this thread alone, and none of the others' blocks to give back. */
static int churn_in_child(uint64_t seed)
{
	struct churner churner = { .dice = seed * 2 + 1 };

	memset(shared, 0, sizeof(shared));
	for (int i = 0; i < 100; i++)
		step(&churner);
	empty(&churner, 1);
	return 0;
}

static void fork_children(int forks)
{
	for (int i = 0; i < forks; i++) {
		pid_t child = fork();
		int status;

		if (child == 0)
			exit(churn_in_child((uint64_t)i + 77));
		if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
			fprintf(stderr, "churn: child %d ended with status %x\n", i,
				(unsigned)status);
			_exit(1);
		}
	}
}

static bool await_line(void)
{
	char line[64];

	return fgets(line, sizeof(line), stdin) != NULL;
}

static bool run_round(struct churner *churners, int threads, int forks)
{
	bool more = true;

	__atomic_store_n(&stopped, false, __ATOMIC_RELAXED);
	for (int t = 0; t < threads; t++)
		if (pthread_create(&churners[t].thread, NULL, churn, &churners[t]) != 0)
			_exit(3);
	puts("running");
	fork_children(forks);
	if (steps == 0) {
		more = await_line();
		__atomic_store_n(&stopped, true, __ATOMIC_RELAXED);
	}
	for (int t = 0; t < threads; t++)
		pthread_join(churners[t].thread, NULL);
	empty(churners, threads);
	puts("empty");
	return more && await_line();
}

int main(int argc, char **argv)
{
	static struct churner churners[THREADS_MAX];
	int threads, rounds, forks;

	if (argc != 5 || atoi(argv[1]) > THREADS_MAX)
		return 2;
	threads = atoi(argv[1]);
	steps = strtoul(argv[2], NULL, 10);
	rounds = atoi(argv[3]);
	forks = atoi(argv[4]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int t = 0; t < threads; t++)
		churners[t].dice = (uint64_t)t * 0x9E3779B97F4A7C15U + 1;
	for (int i = 0; i < rounds; i++)
		if (!run_round(churners, threads, forks))
			break;
	return 0;
}
