#include "churning.h"

#include "pattern.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OWN_BLOCKS 4
#define SHARED_BLOCKS 16
#define ERRNO_KEPT 4711
#define BYTES_MIN ((size_t)64 << 10)

struct block {
	char *address;
	size_t bytes;
	uint64_t seed;
};

/* What one thread owns. */
struct churner {
	uint64_t dice;
	struct block *own[OWN_BLOCKS];
};

bool churning_may_refuse;
void (*churning_begin)(void);
void (*churning_aside)(uint64_t dice);
size_t churning_stack_bytes;
unsigned long churning_refusals;

static struct churner crew[CHURNING_THREADS_MAX];
static pthread_t handles[CHURNING_THREADS_MAX];
static unsigned crew_count;
static unsigned long crew_steps; /* const while they churn */
static bool stopped;		 /* atomic, relaxed */

static struct block *shared[SHARED_BLOCKS]; /* exchanged atomically */

static void fail(const char *what, const struct block *block, size_t at)
{
	fprintf(stderr, "churning: %s: byte %zu of %zu at %p\n", what, at, block->bytes,
		(void *)block->address);
	_exit(1);
}

static void init(struct churner *churner, uint64_t seed)
{
	*churner = (struct churner){ .dice = seed * 0x9E3779B97F4A7C15U + 1 };
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
		errno = posix_memalign(&address, (size_t)64 << roll(churner) % 14, block->bytes);
		return errno == 0 ? (char *)address : NULL;
	default:
		return (char *)malloc(block->bytes);
	}
}

static void note_refusal(const struct block *block)
{
	if (!churning_may_refuse || errno != ENOMEM)
		fail("out of memory", block, 0);
	__atomic_add_fetch(&churning_refusals, 1, __ATOMIC_RELAXED);
}

static struct block *make(struct churner *churner)
{
	struct block *block = (struct block *)malloc(sizeof(*block));

	if (block == NULL)
		_exit(3);
	block->bytes = roll_bytes(churner);
	block->seed = roll(churner);
	block->address = allocate(churner, block);
	if (block->address == NULL) {
		note_refusal(block);
		free(block);
		return NULL;
	}
	pattern_write(block->address, 0, block->bytes, block->seed);
	return block;
}

/* No call is made meanwhile: who changes errno then is a signal's handler. */
static void check(const struct block *block, size_t count)
{
	size_t at;

	errno = ERRNO_KEPT;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	at = pattern_check(block->address, count, block->seed);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (at != PATTERN_RIGHT)
		fail("changed", block, at);
	if (errno != ERRNO_KEPT)
		fail("errno changed", block, (size_t)errno);
}

static void resize(struct churner *churner, struct block *block)
{
	size_t before = block->bytes, kept;
	char *address;

	check(block, before);
	block->bytes = roll_bytes(churner);
	kept = before < block->bytes ? before : block->bytes;
	address = (char *)realloc(block->address, block->bytes);
	if (address == NULL) {
		note_refusal(block);
		block->bytes = before;
		check(block, before);
		return;
	}
	block->address = address;
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
	if (*own == NULL)
		return;
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

static void empty(struct churner *churners, unsigned count)
{
	for (unsigned t = 0; t < count; t++) {
		for (int i = 0; i < OWN_BLOCKS; i++) {
			discard(churners[t].own[i]);
			churners[t].own[i] = NULL;
		}
	}
	for (int i = 0; i < SHARED_BLOCKS; i++)
		discard(__atomic_exchange_n(&shared[i], NULL, __ATOMIC_ACQ_REL));
}

/* What a thread still owns at its end, another one frees. */
static void *churn(void *argument)
{
	struct churner *churner = (struct churner *)argument;

	if (churning_begin != NULL)
		churning_begin();
	for (unsigned long i = 0; crew_steps == 0 || i < crew_steps; i++) {
		if (__atomic_load_n(&stopped, __ATOMIC_RELAXED))
			break;
		step(churner);
		if (churning_aside != NULL)
			churning_aside(roll(churner));
	}
	return NULL;
}

static void start(unsigned number)
{
	struct churner *churner = &crew[number];
	pthread_attr_t attributes;

	if (churner->dice == 0)
		init(churner, number);
	pthread_attr_init(&attributes);
	if ((churning_stack_bytes != 0 &&
	     pthread_attr_setstacksize(&attributes, churning_stack_bytes) != 0) ||
	    pthread_create(&handles[number], &attributes, churn, churner) != 0)
		_exit(3);
	pthread_attr_destroy(&attributes);
}

void churning_start(unsigned threads, unsigned long steps)
{
	__atomic_store_n(&stopped, false, __ATOMIC_RELAXED);
	crew_steps = steps;
	for (crew_count = 0; crew_count < threads; crew_count++)
		start(crew_count);
}

void churning_stop(void)
{
	__atomic_store_n(&stopped, true, __ATOMIC_RELAXED);
}

void churning_join(void)
{
	for (unsigned t = 0; t < crew_count; t++)
		pthread_join(handles[t], NULL);
	empty(crew, crew_count);
}

void churning_in_child(uint64_t seed, unsigned steps)
{
	struct churner churner;

	memset(shared, 0, sizeof(shared));
	init(&churner, seed);
	for (unsigned i = 0; i < steps; i++)
		step(&churner);
	empty(&churner, 1);
}
