/* Has numbered pools, leases numbered blocks from them and does what its stdin says, a command a
 * line: `create POOL NAME LIMIT`, `lease POOL BLOCK BYTES`, `return POOL BLOCK`, `dispose POOL`,
 * `malloc BYTES`. Answers `ok`, or `errno NUMBER`. */
#include "weir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOLS_MAX 8
#define BLOCKS_MAX 64

static struct weir_pool *pools[POOLS_MAX];
static void *blocks[BLOCKS_MAX];
char *held; /* the last of malloc's: seen by all, so that it is asked for */

static int create(unsigned pool, const char *name, size_t limit_bytes)
{
	struct weir_pool_options options = { .name = name, .limit_bytes = limit_bytes };

	pools[pool % POOLS_MAX] = weir_pool_create(&options);
	return pools[pool % POOLS_MAX] ? 0 : errno;
}

static int lease(unsigned pool, unsigned block, size_t bytes)
{
	void *leased = weir_lease(pools[pool % POOLS_MAX], bytes, 0);

	if (!leased)
		return errno;
	memset(leased, 1, bytes);
	blocks[block % BLOCKS_MAX] = leased;
	return 0;
}

static int hold(size_t bytes)
{
	char *block = malloc(bytes);

	if (!block)
		return ENOMEM;
	memset(block, 1, bytes);
	held = block;
	return 0;
}

static int obey(const char *line)
{
	unsigned pool, block;
	char name[64];
	size_t bytes;

	if (sscanf(line, "create %u %63s %zu", &pool, name, &bytes) == 3)
		return create(pool, name, bytes);
	if (sscanf(line, "lease %u %u %zu", &pool, &block, &bytes) == 3)
		return lease(pool, block, bytes);
	if (sscanf(line, "return %u %u", &pool, &block) == 2)
		return weir_return(pools[pool % POOLS_MAX], blocks[block % BLOCKS_MAX]);
	if (sscanf(line, "dispose %u", &pool) == 1) {
		weir_pool_dispose(pools[pool % POOLS_MAX]);
		return 0;
	}
	if (sscanf(line, "malloc %zu", &bytes) == 1)
		return hold(bytes);
	return EINVAL;
}

int main(void)
{
	char line[256];
	int error;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof line, stdin)) {
		error = obey(line);
		if (error == 0)
			puts("ok");
		else
			printf("errno %d\n", error);
	}
	return 0;
}
