/* pool_churn ROUNDS HELD WIDE_LIMIT TIGHT_LIMIT [moving|stormy]
 *
 * Eight threads lease blocks of 64 KiB to 4 MiB from two pools, write them, read what they wrote
 * and return them, so many rounds each, in each of which a thread holds up to HELD blocks of each
 * pool. Meanwhile the main thread looks at what the pools and the process hold. Without a
 * TIGHT_LIMIT, 0, that pool is not used; what is leased of the other one is the same.
 *
 * With `moving` the main thread gives the tight pool one limit after the other, up to
 * TIGHT_LIMIT, and looks whether each holds. With `stormy` it sends SIGUSR1 to all the others, in
 * the middle of whatever they do.
 *
 * At the end all is returned, and lines of a name and a number say what was seen. A byte that is
 * not as written ends the program with status 1. */
#include "weir.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 8
#define HELD_MAX 4
#define PAGE 4096

enum { WIDE, TIGHT, POOLS };
static const char *const names[POOLS] = { "wide", "tight" };

struct lease {
	unsigned char *address;
	size_t bytes;
	unsigned char mark;
};

/* Of one pool in one thread. */
struct tenant {
	struct weir_pool *pool;
	uint64_t dice;
	struct lease leases[HELD_MAX];
};

struct worker {
	pthread_t thread;
	struct tenant tenants[POOLS];
};

static struct weir_pool *pools[POOLS];
static struct worker workers[THREADS];
static unsigned long rounds;
static unsigned held;
static unsigned working; /* atomic: threads that have not ended */

static void fail(const char *what)
{
	fprintf(stderr, "pool_churn: %s\n", what);
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

static void write_all(const struct lease *lease)
{
	for (size_t at = 0; at < lease->bytes; at += PAGE)
		lease->address[at] = lease->mark;
	lease->address[lease->bytes - 1] = lease->mark;
}

static void check_all(const struct lease *lease)
{
	for (size_t at = 0; at < lease->bytes; at += PAGE)
		if (lease->address[at] != lease->mark)
			fail("wrong byte");
	if (lease->address[lease->bytes - 1] != lease->mark)
		fail("wrong last byte");
}

static void give_back(struct tenant *tenant, struct lease *lease)
{
	if (lease->address == NULL)
		return;
	check_all(lease);
	if (weir_return(tenant->pool, lease->address) != 0)
		fail("not taken back");
	lease->address = NULL;
}

static void exchange(struct tenant *tenant)
{
	struct lease *lease = &tenant->leases[roll(&tenant->dice) % held];
	size_t base = ((size_t)64 << 10) << roll(&tenant->dice) % 6;

	give_back(tenant, lease);
	lease->bytes = base + (size_t)(roll(&tenant->dice) % base);
	lease->mark = (unsigned char)roll(&tenant->dice);
	lease->address = weir_lease(tenant->pool, lease->bytes, 0);
	if (lease->address == NULL)
		fail("no lease");
	write_all(lease);
}

static void *work(void *argument)
{
	struct worker *worker = argument;

	for (unsigned long i = 0; i < rounds; i++)
		for (unsigned p = 0; p < POOLS; p++)
			if (worker->tenants[p].pool != NULL)
				exchange(&worker->tenants[p]);
	for (unsigned p = 0; p < POOLS; p++)
		for (unsigned i = 0; i < held; i++)
			give_back(&worker->tenants[p], &worker->tenants[p].leases[i]);
	__atomic_sub_fetch(&working, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void start(bool is_tight_used)
{
	working = THREADS;
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i].tenants[WIDE] = (struct tenant){ pools[WIDE], 4711 + i, { { 0 } } };
		workers[i].tenants[TIGHT] =
			(struct tenant){ is_tight_used ? pools[TIGHT] : NULL, 815 + i, { { 0 } } };
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			fail("no thread");
	}
}

/* What is seen */

static uint64_t most_retained[POOLS];
static uint64_t most_retained_in_all, most_held, most_resident, samples;
/* Limits that were set, looks that saw one passed, and those after which it stayed so. */
static uint64_t settings, late, passed;

static uint64_t larger(uint64_t one, uint64_t other)
{
	return one > other ? one : other;
}

static uint64_t resident_bytes(void)
{
	unsigned long pages = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (file == NULL || fscanf(file, "%lu %lu", &pages, &resident) != 2)
		fail("no /proc/self/statm");
	fclose(file);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static struct weir_pool_figures figures_of(unsigned p)
{
	struct weir_pool_figures figures;

	if (weir_pool_stats(pools[p], &figures) != 0)
		fail("no figures");
	return figures;
}

/* Of all of the process: retained beside live, at one moment. */
static void look_at_usage(void)
{
	uint64_t word = __atomic_load_n(&weir_stats()->pool.usage.word, __ATOMIC_ACQUIRE);
	uint64_t retained = word & ((1ULL << WEIR_STATS_RETAINED_BITS) - 1);
	uint64_t live = word >> WEIR_STATS_RETAINED_BITS;

	most_retained_in_all = larger(most_retained_in_all, retained * WEIR_STATS_UNIT_BYTES);
	most_held = larger(most_held, (retained + live) * WEIR_STATS_UNIT_BYTES);
}

static void look(void)
{
	for (unsigned p = 0; p < POOLS; p++)
		most_retained[p] = larger(most_retained[p], figures_of(p).retained_bytes);
	look_at_usage();
	most_resident = larger(most_resident, resident_bytes());
	samples++;
}

/* A thread that had read the limit before has its block counted under it, and sees then that it
 * must go: at once, unless it waits for a processor meanwhile. */
static bool comes_down_to(size_t limit)
{
	for (unsigned i = 0; i < 20000; i++) {
		if (figures_of(TIGHT).retained_bytes <= limit)
			return true;
		usleep(100);
	}
	return false;
}

/* A few looks between one limit and the next. */
static void move_limit(size_t most, uint64_t *dice)
{
	size_t limit = (size_t)(roll(dice) % most) & ~(size_t)(PAGE - 1);

	if (weir_pool_set_limit(pools[TIGHT], limit) != 0)
		fail("the limit was not taken");
	settings++;
	for (unsigned i = 0; i < 5; i++) {
		if (figures_of(TIGHT).retained_bytes > limit) {
			late++;
			passed += !comes_down_to(limit);
		}
		look();
	}
}

static void storm(void)
{
	for (unsigned i = 0; i < THREADS; i++)
		pthread_kill(workers[i].thread, SIGUSR1);
}

static void print_pool(unsigned p)
{
	struct weir_pool_figures figures = figures_of(p);

	printf("%s_most_retained %llu\n", names[p], (unsigned long long)most_retained[p]);
	printf("%s_peak_retained %llu\n", names[p],
	       (unsigned long long)figures.peak_retained_bytes);
	printf("%s_retained %llu\n", names[p], (unsigned long long)figures.retained_bytes);
	printf("%s_leased %llu\n", names[p], (unsigned long long)figures.leased_bytes);
	printf("%s_leases %llu\n", names[p], (unsigned long long)figures.leases);
	printf("%s_hits %llu\n", names[p], (unsigned long long)figures.hits);
}

static void print_all(uint64_t resident_before)
{
	const struct weir_usage *usage = &weir_stats()->pool.usage;

	print_pool(WIDE);
	print_pool(TIGHT);
	printf("most_retained %llu\n", (unsigned long long)most_retained_in_all);
	printf("peak_retained %llu\n",
	       (unsigned long long)usage->peak_retained_units * WEIR_STATS_UNIT_BYTES);
	printf("most_held %llu\n", (unsigned long long)most_held);
	printf("peak_held %llu\n",
	       (unsigned long long)usage->peak_footprint_units * WEIR_STATS_UNIT_BYTES);
	printf("resident %llu\n", (unsigned long long)(most_resident - resident_before));
	printf("resident_at_end %llu\n", (unsigned long long)(resident_bytes() - resident_before));
	printf("released %llu\n",
	       (unsigned long long)weir_stats()->released[WEIR_TRIGGER_signal].units *
		       WEIR_STATS_UNIT_BYTES);
	printf("samples %llu\n", (unsigned long long)samples);
	printf("settings %llu\n", (unsigned long long)settings);
	printf("late %llu\n", (unsigned long long)late);
	printf("passed %llu\n", (unsigned long long)passed);
}

static struct weir_pool *make_pool(const char *name, size_t limit)
{
	struct weir_pool_options options = { .name = name, .limit_bytes = limit };
	struct weir_pool *pool = weir_pool_create(&options);

	if (pool == NULL)
		fail("no pool");
	return pool;
}

int main(int argc, char **argv)
{
	uint64_t dice = 77, resident_before;
	size_t tight;
	bool moves = argc > 5 && strcmp(argv[5], "moving") == 0;
	bool storms = argc > 5 && strcmp(argv[5], "stormy") == 0;

	if (argc < 5)
		fail("four numbers are wanted");
	rounds = strtoul(argv[1], NULL, 10);
	held = (unsigned)strtoul(argv[2], NULL, 10) % (HELD_MAX + 1);
	tight = strtoul(argv[4], NULL, 10);
	pools[WIDE] = make_pool("wide", strtoul(argv[3], NULL, 10));
	pools[TIGHT] = make_pool("tight", tight);
	resident_before = resident_bytes();
	start(tight > 0);
	while (__atomic_load_n(&working, __ATOMIC_ACQUIRE) > 0) {
		if (moves)
			move_limit(tight, &dice);
		if (storms)
			storm();
		look();
		usleep(200);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	look();
	print_all(resident_before);
	return 0;
}
