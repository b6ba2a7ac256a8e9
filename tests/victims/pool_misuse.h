/* For the programs that misuse a pool once, each named after its fault: NAME BYTES [quiet].
 *
 * Quiet ones have pools with WEIR_POOL_NO_ABORT: the bad call is to fail with an error that the
 * program knows, to say nothing, and to leave errno and what the pools and the process hold as
 * they were. They end with status 0 then, else with 1 and a line on stdout that says what. */
#ifndef WEIR_TESTS_POOL_MISUSE_H
#define WEIR_TESTS_POOL_MISUSE_H

#include "misuse.h"
#include "weir.h"

#include <errno.h>
#include <stdbool.h>

#define POOLS_MAX 2
#define OTHER_ERRNO 4711

static struct weir_pool *pools[POOLS_MAX];
static unsigned pool_count;
static bool is_quiet;
static size_t block_bytes;

static inline void begin(int argc, char **argv)
{
	block_bytes = argc > 1 ? strtoul(argv[1], NULL, 10) : MISUSE_BYTES;
	is_quiet = argc > 2;
}

static inline struct weir_pool *make_pool(const char *name)
{
	struct weir_pool_options options = weir_pool_preset(WEIR_PRESET_DEFAULT);
	struct weir_pool *pool;

	options.name = name;
	options.flags = is_quiet ? WEIR_POOL_NO_ABORT : 0;
	pool = weir_pool_create(&options);
	if (pool == NULL)
		exit(2);
	pools[pool_count++] = pool;
	return pool;
}

/* A dirty one. */
static inline char *lease_block(struct weir_pool *pool)
{
	char *block = (char *)weir_lease(pool, block_bytes, 0);

	if (block == NULL)
		exit(2);
	memset(block, 1, block_bytes);
	return misuse_hide(block);
}

static inline void give_back(struct weir_pool *pool, char *block)
{
	if (weir_return(pool, misuse_hide(block)) != 0)
		exit(2);
}

/* What is held: of the pools that are not gone, and of all of the process. */
struct holding {
	struct weir_pool_figures figures[POOLS_MAX];
	uint64_t usage;
};

static inline struct holding look(void)
{
	struct holding holding;

	memset(&holding, 0, sizeof(holding));
	for (unsigned i = 0; i < pool_count; i++)
		weir_pool_stats(pools[i], &holding.figures[i]);
	holding.usage = __atomic_load_n(&weir_stats()->pool.usage.word, __ATOMIC_ACQUIRE);
	return holding;
}

static inline int complain(const char *what, int number)
{
	printf("%s: %d\n", what, number);
	return 1;
}

/* The bad return. */
static inline int return_badly(struct weir_pool *pool, char *block, int error)
{
	struct holding before = look(), after;
	int result;

	errno = OTHER_ERRNO;
	result = weir_return(pool, misuse_hide(block));
	if (errno != OTHER_ERRNO)
		return complain("errno", errno);
	if (result != error)
		return complain("not refused as it should be", result);
	after = look();
	return memcmp(&before, &after, sizeof(before)) == 0 ? 0 : complain("figures changed", 0);
}

/* The bad lease. */
static inline int lease_badly(struct weir_pool *pool, int error)
{
	struct holding before = look(), after;

	errno = 0;
	if (weir_lease(pool, block_bytes, 0) != NULL)
		return complain("leased", 0);
	if (errno != error)
		return complain("not refused as it should be", errno);
	after = look();
	return memcmp(&before, &after, sizeof(before)) == 0 ? 0 : complain("figures changed", 0);
}

#endif
