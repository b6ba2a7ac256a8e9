#include "pool_misuse.h"

/* Whose it is depends on whether weir serves malloc, which says the third argument. */
int main(int argc, char **argv)
{
	struct weir_pool *pool;
	char *block;
	bool is_served = argc > 3 && strcmp(argv[3], "served") == 0;

	begin(argc, argv);
	pool = make_pool("first");
	block = (char *)malloc(block_bytes);
	memset(block, 1, block_bytes);
	misuse_announce(block);
	return return_badly(pool, block, is_served ? EXDEV : EINVAL);
}
