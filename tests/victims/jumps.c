/* jumps JUMPS: four threads that allocate, resize, verify and free large blocks, while signals
 * come whose handler leaves by siglongjmp where it has interrupted malloc, realloc or free: the
 * block in hand is then nobody's. After so many of these it frees the others, prints
 * `lost BLOCKS`, what it lost, and at each line retains blocks and frees them. A byte that is not
 * as written ends it with status 1. */
#include "pattern.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS 4
#define BLOCKS 12
#define BYTES_MIN ((size_t)64 << 10)

struct block {
	char *address;
	size_t bytes;
	uint64_t seed;
};

struct jumper {
	pthread_t thread;
	uint64_t dice;
	struct block blocks[BLOCKS];
};

static __thread sigjmp_buf outside;
static __thread volatile sig_atomic_t is_inside;
static struct jumper jumpers[THREADS];
static unsigned long lost; /* atomic, relaxed */
static bool stopped;	   /* atomic, relaxed */

static void leave(int number)
{
	(void)number;
	if (!is_inside)
		return;
	is_inside = 0;
	siglongjmp(outside, 1);
}

static uint64_t roll(struct jumper *jumper)
{
	jumper->dice = jumper->dice * 6364136223846793005U + 1442695040888963407U;
	return jumper->dice >> 33;
}

static size_t roll_bytes(struct jumper *jumper)
{
	return (BYTES_MIN << roll(jumper) % 6) + (size_t)(roll(jumper) % BYTES_MIN);
}

/* The call is left where a signal comes: false, and the address is lost. */
static bool call(void *(*function)(void *address, size_t bytes), char **address, size_t bytes)
{
	void *volatile answer = NULL;

	if (sigsetjmp(outside, 1) != 0)
		return false;
	is_inside = 1;
	answer = function(*address, bytes);
	is_inside = 0;
	*address = answer;
	return true;
}

static void *free_block(void *address, size_t unused)
{
	(void)unused;
	free(address);
	return NULL;
}

static void *clear_block(void *unused, size_t bytes)
{
	(void)unused;
	return calloc(1, bytes);
}

static void verify(const struct block *block, size_t count)
{
	if (pattern_check(block->address, count, block->seed) == PATTERN_RIGHT)
		return;
	fputs("jumps: a block has changed\n", stderr);
	_exit(1);
}

static void *(*choose(struct jumper *jumper, const struct block *block))(void *, size_t)
{
	if (block->address == NULL)
		return roll(jumper) % 3 == 0 ? clear_block : realloc;
	return roll(jumper) % 2 == 0 ? realloc : free_block;
}

static void step(struct jumper *jumper)
{
	struct block *block = &jumper->blocks[roll(jumper) % BLOCKS];
	void *(*function)(void *, size_t) = choose(jumper, block);
	size_t bytes = roll_bytes(jumper);
	size_t kept = block->bytes < bytes ? block->bytes : bytes;

	verify(block, block->bytes);
	if (!call(function, &block->address, bytes)) {
		*block = (struct block){ NULL, 0, 0 };
		__atomic_fetch_add(&lost, 1, __ATOMIC_RELAXED);
		return;
	}
	block->bytes = 0;
	if (function == free_block)
		return;
	if (block->address == NULL)
		_exit(3);
	verify(block, kept);
	block->bytes = bytes;
	block->seed = roll(jumper);
	pattern_write(block->address, 0, bytes, block->seed);
}

static void *jump(void *argument)
{
	while (!__atomic_load_n(&stopped, __ATOMIC_RELAXED))
		step((struct jumper *)argument);
	return NULL;
}

static void send_signals(unsigned long jumps)
{
	for (unsigned i = 0; __atomic_load_n(&lost, __ATOMIC_RELAXED) < jumps; i++) {
		pthread_kill(jumpers[i % THREADS].thread, SIGUSR2);
		usleep(20);
	}
	__atomic_store_n(&stopped, true, __ATOMIC_RELAXED);
}

static void free_all(void)
{
	for (unsigned t = 0; t < THREADS; t++)
		for (unsigned i = 0; i < BLOCKS; i++) {
			verify(&jumpers[t].blocks[i], jumpers[t].blocks[i].bytes);
			free(jumpers[t].blocks[i].address);
		}
}

static void retain_blocks(void)
{
	char *blocks[BLOCKS];

	for (unsigned i = 0; i < BLOCKS; i++) {
		blocks[i] = (char *)malloc(3 << 20);
		pattern_write(blocks[i], 0, 3 << 20, i);
	}
	for (unsigned i = 0; i < BLOCKS; i++) {
		if (pattern_check(blocks[i], 3 << 20, i) != PATTERN_RIGHT)
			_exit(1);
		free(blocks[i]);
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = leave };
	char line[64];

	setvbuf(stdout, NULL, _IOLBF, 0);
	retain_blocks();
	sigaction(SIGUSR2, &action, NULL);
	for (unsigned t = 0; t < THREADS; t++) {
		jumpers[t].dice = t + 1;
		if (pthread_create(&jumpers[t].thread, NULL, jump, &jumpers[t]) != 0)
			return 3;
	}
	send_signals(argc == 2 ? strtoul(argv[1], NULL, 10) : 0);
	for (unsigned t = 0; t < THREADS; t++)
		pthread_join(jumpers[t].thread, NULL);
	free_all();
	printf("lost %lu\n", lost);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		retain_blocks();
		puts("retained");
	}
	return 0;
}
