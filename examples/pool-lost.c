/* Blocks that are not returned: a pool that tracks its leases says where they were leased, and
 * disposing of it tells how many are out. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <weir.h>

static struct weir_pool *make_pool(void)
{
	struct weir_pool_options options = weir_pool_preset(WEIR_PRESET_MINIMAL);

	options.name = "requests";
	options.flags = WEIR_POOL_TRACK;
	return weir_pool_create(&options);
}

static void answer(struct weir_pool *pool)
{
	void *request = weir_lease(pool, 200000, 0);

	weir_return(pool, request);
}

/* As answer does it, but for the error, on which it forgets the request. */
static int parse(struct weir_pool *pool, int is_valid)
{
	void *request = weir_lease(pool, 300000, 0);

	if (!is_valid)
		return -1;
	return weir_return(pool, request);
}

int main(void)
{
	struct weir_pool *pool = make_pool();
	size_t out;

	if (pool == NULL) {
		perror("weir_pool_create");
		return EXIT_FAILURE;
	}
	for (int i = 0; i < 5; i++) {
		answer(pool);
		parse(pool, i % 2);
	}
	weir_pool_report(pool, STDOUT_FILENO);
	out = weir_pool_dispose(pool);
	printf("%zu blocks are out\n", out);
	return EXIT_SUCCESS;
}
