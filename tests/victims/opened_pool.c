/* Opens the library of pools by the path that it is given, and finds its functions by the handle
 * alone, as other languages do: leases, returns and asks by each of them. Prints whether the
 * statistics page is the one that everybody finds, and what went right. */
#include "weir.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BYTES ((size_t)256 << 10)

static void *library;

#define FIND(name) __typeof__(&name) find_##name = (__typeof__(&name))dlsym(library, #name)

static void check(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "not so: %s\n", what);
	exit(1);
}

static void use_pool(struct weir_pool *pool)
{
	FIND(weir_lease);
	FIND(weir_lease_size);
	FIND(weir_return);
	FIND(weir_pool_release);
	FIND(weir_pool_set_limit);
	FIND(weir_pool_stats);
	FIND(weir_pool_report);
	struct weir_pool_figures figures;
	char *block = find_weir_lease(pool, BYTES, WEIR_CLEAN);

	check(block != NULL && block[0] == 0, "a lease");
	check(find_weir_lease_size(block) >= BYTES, "its size");
	check(find_weir_pool_stats(pool, &figures) == 0 && figures.leased_blocks == 1, "figures");
	check(find_weir_pool_report(pool, STDOUT_FILENO) == 0, "a report");
	check(find_weir_return(pool, block) == 0, "a return");
	check(find_weir_return(pool, block) == EALREADY, "a second return");
	check(find_weir_pool_release(pool) >= BYTES, "a release");
	check(find_weir_pool_set_limit(pool, 0) == 0, "another limit");
}

int main(int argc, char **argv)
{
	struct weir_pool_options options;
	struct weir_pool *pool;

	library = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
	check(library != NULL, "the library is there");

	FIND(weir_pool_preset);
	FIND(weir_pool_create);
	FIND(weir_pool_dispose);
	FIND(weir_release);
	FIND(weir_stats);

	options = find_weir_pool_preset(WEIR_PRESET_MINIMAL);
	check(options.limit_bytes == 8 << 20, "a preset");
	options.name = "opened";
	options.flags = WEIR_POOL_NO_ABORT;
	pool = find_weir_pool_create(&options);
	check(pool != NULL, "a pool");
	use_pool(pool);
	check(find_weir_pool_dispose(pool) == 0, "its end");
	find_weir_release();
	puts(find_weir_stats() == dlsym(RTLD_DEFAULT, WEIR_STATS_SYMBOL) ? "everybody's"
									 : "its own");
	return 0;
}
