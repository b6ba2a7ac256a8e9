/* The whole process: all of its pools, and malloc's where libweir.so is preloaded. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir.h>

#define MIB ((size_t)1 << 20)

/* Live and retained units are one word of the page, so they are of one moment. */
static void print_usage(void)
{
	uint64_t word = weir_stats()->pool.usage.word;
	uint64_t retained = word & (((uint64_t)1 << WEIR_STATS_RETAINED_BITS) - 1);

	printf("%" PRIu64 " KiB live, %" PRIu64 " KiB retained\n",
	       (word >> WEIR_STATS_RETAINED_BITS) * WEIR_STATS_UNIT_BYTES >> 10,
	       retained * WEIR_STATS_UNIT_BYTES >> 10);
}

static void keep(struct weir_pool *pool, size_t bytes)
{
	void *block = weir_lease(pool, bytes, 0);

	if (block == NULL) {
		perror("weir_lease");
		exit(EXIT_FAILURE);
	}
	memset(block, 1, bytes);
	weir_return(pool, block);
}

/* Before the program waits for a long time, say. */
static void give_back(void)
{
	size_t bytes = weir_release();

	printf("%zu KiB went back to the system\n", bytes >> 10);
}

int main(void)
{
	struct weir_pool *pools[2] = { weir_pool_create(NULL), weir_pool_create(NULL) };

	for (int i = 0; i < 2; i++) {
		if (pools[i] == NULL) {
			perror("weir_pool_create");
			return EXIT_FAILURE;
		}
		keep(pools[i], 10 * MIB);
	}
	print_usage();
	give_back();
	print_usage();
	for (int i = 0; i < 2; i++)
		weir_pool_dispose(pools[i]);
	return EXIT_SUCCESS;
}
