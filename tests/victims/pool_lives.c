/* pool_lives THREADS LIVES [FORKS]
 *
 * Each thread makes pools one after the other, of many kinds, leases blocks from them, writes,
 * checks and returns some, hands others to any other thread, which returns them whenever, and
 * disposes of the pool, before or after its own last block came back. Now and then somebody
 * releases all that there is. With FORKS the main thread forks meanwhile, so many times: the child
 * has the blocks that lie between the threads, returns those and goes on with pools of its own.
 *
 * A byte that is not as written, a call that fails, or anything that is held at the end ends the
 * program with status 1. */
#include "pattern.h"
#include "weir.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS_MAX 16
#define HANDED_MAX 32
#define LEASES_MAX 12

struct lease {
	struct weir_pool *pool;
	unsigned char *address;
	size_t bytes;
	uint64_t seed;
};

static struct lease *handed[HANDED_MAX]; /* atomic: between threads; NULL for none */
static unsigned long lives;

static void fail(const char *what, uint64_t number)
{
	dprintf(STDERR_FILENO, "pool_lives: %s: %llu\n", what, (unsigned long long)number);
	_exit(1);
}

static uint64_t roll(uint64_t *dice)
{
	*dice ^= *dice << 13;
	*dice ^= *dice >> 7;
	*dice ^= *dice << 17;
	return *dice;
}

/* Leases */

static void check(const struct lease *lease)
{
	if (pattern_check(lease->address, lease->bytes, lease->seed) != PATTERN_RIGHT)
		fail("wrong byte in a block of", lease->bytes);
}

static void give_back(struct lease *lease)
{
	int error;

	if (lease == NULL)
		return;
	check(lease);
	error = weir_return(lease->pool, lease->address);
	if (error != 0)
		fail("not taken back", (uint64_t)error);
	free(lease);
}

static size_t roll_bytes(uint64_t *dice)
{
	size_t base = ((size_t)32 << 10) << roll(dice) % 6;

	return base + (size_t)(roll(dice) % base);
}

static struct lease *lease(struct weir_pool *pool, uint64_t *dice, bool is_clean)
{
	struct lease *lease = malloc(sizeof(*lease));
	unsigned flags = roll(dice) % 4 == 0 ? WEIR_CLEAN : 0;

	if (roll(dice) % 8 == 0)
		flags |= WEIR_ALIGN((size_t)1 << (12 + roll(dice) % 12));
	*lease = (struct lease){ pool, NULL, roll_bytes(dice), roll(dice) };
	lease->address = weir_lease(pool, lease->bytes, flags);
	if (lease->address == NULL)
		fail("no lease, errno", (uint64_t)errno);
	if ((is_clean || (flags & WEIR_CLEAN)) &&
	    pattern_check_zero(lease->address, lease->bytes) != PATTERN_RIGHT)
		fail("dirty", lease->bytes);
	pattern_write(lease->address, 0, lease->bytes, lease->seed);
	return lease;
}

/* What lay there is taken and returned. */
static void hand_over(struct lease *lease, uint64_t *dice)
{
	give_back(__atomic_exchange_n(&handed[roll(dice) % HANDED_MAX], lease, __ATOMIC_ACQ_REL));
}

/* Pools */

static struct weir_pool *make(uint64_t *dice, bool *is_clean)
{
	static const size_t limits[] = { 0, (size_t)1 << 20, (size_t)16 << 20, WEIR_NO_LIMIT };
	struct weir_pool_options options = {
		.limit_bytes = limits[roll(dice) % 4],
		.class_blocks = roll(dice) % 4 == 0 ? 2 : 0,
		.pooled_bytes = roll(dice) % 4 == 0 ? (size_t)1 << 20 : 0,
		.flags = roll(dice) % 4 == 0 ? WEIR_POOL_CLEAN : 0,
		.decay_ms = roll(dice) % 4 == 0 ? 10 : 0,
	};
	struct weir_pool *pool = weir_pool_create(&options);

	if (pool == NULL)
		fail("no pool, errno", (uint64_t)errno);
	*is_clean = (options.flags & WEIR_POOL_CLEAN) != 0;
	return pool;
}

static void dispose(struct weir_pool *pool, size_t at_least)
{
	if (weir_pool_dispose(pool) < at_least)
		fail("too few were leased", at_least);
}

static void disturb(struct weir_pool *pool, uint64_t *dice)
{
	switch (roll(dice) % 16) {
	case 0:
		weir_release();
		break;
	case 1:
		weir_pool_release(pool);
		break;
	case 2: /* where it is off there is no handler */
		if (weir_stats()->signal_owner == WEIR_SIGNAL_WEIR)
			raise(SIGUSR1);
		break;
	case 3:
		weir_pool_set_limit(pool, (size_t)(roll(dice) % (8 << 20)));
		break;
	default:
		break;
	}
}

static void live_once(uint64_t *dice)
{
	struct lease *own[LEASES_MAX] = { NULL };
	bool is_clean, is_late = roll(dice) % 2 == 0;
	struct weir_pool *pool = make(dice, &is_clean);
	size_t count = 0;

	for (unsigned i = 0; i < 24; i++) {
		struct lease **place = &own[roll(dice) % LEASES_MAX];

		give_back(*place);
		*place = lease(pool, dice, is_clean);
		if (roll(dice) % 4 == 0) {
			hand_over(*place, dice);
			*place = NULL;
		}
		disturb(pool, dice);
	}
	for (unsigned i = 0; i < LEASES_MAX; i++)
		count += own[i] != NULL;
	if (is_late)
		dispose(pool, count);
	for (unsigned i = 0; i < LEASES_MAX; i++)
		give_back(own[i]);
	if (!is_late)
		dispose(pool, 0);
}

static void *live(void *seed)
{
	uint64_t dice = 4711 + (uint64_t)(uintptr_t)seed;

	for (unsigned long i = 0; i < lives; i++)
		live_once(&dice);
	return NULL;
}

/* The process */

static void take_all_handed(void)
{
	for (unsigned i = 0; i < HANDED_MAX; i++)
		give_back(__atomic_exchange_n(&handed[i], NULL, __ATOMIC_ACQ_REL));
}

/* Another thread's block may have been about to come or go: only what was handed is known. */
static void live_in_child(uint64_t seed)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		fail("no child, errno", (uint64_t)errno);
	if (child == 0) {
		alarm(60);
		take_all_handed();
		for (unsigned i = 0; i < 3; i++)
			live_once(&seed);
		take_all_handed();
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || status != 0)
		fail("the child ended with status", (uint64_t)status);
}

static void expect_nothing_held(void)
{
	const struct weir_stats_page *page = weir_stats();
	const char *at = (const char *)(uintptr_t)page->pools_address;

	weir_release();
	if (page->pool.usage.word != 0)
		fail("held at the end", page->pool.usage.word);
	for (uint32_t i = 1; i < page->pools; i++) {
		const struct weir_stats_pool *pool =
			(const void *)(at + (size_t)i * page->pool_stride_bytes);

		if (pool->state != WEIR_POOL_DISPOSED || pool->counts.usage.word != 0)
			fail("held by a pool at the end", pool->counts.usage.word);
	}
	printf("%u places\n", page->pools - 1);
}

int main(int argc, char **argv)
{
	unsigned threads = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) % (THREADS_MAX + 1) : 1;
	unsigned long forks = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
	struct weir_pool_options none = { .limit_bytes = 0 };
	pthread_t started[THREADS_MAX];

	lives = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
	dispose(weir_pool_create(&none), 0); /* SIGUSR1 has its handler from here on */
	for (unsigned i = 0; i < threads; i++)
		if (pthread_create(&started[i], NULL, live, (void *)(uintptr_t)i) != 0)
			fail("no thread", i);
	for (unsigned long i = 0; i < forks; i++)
		live_in_child(i + 1);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(started[i], NULL);
	take_all_handed();
	expect_nothing_held();
	return 0;
}
