#include "pool_misuse.h"

/* Another block is still out. */
int main(int argc, char **argv)
{
	struct weir_pool *pool;
	char *block;

	begin(argc, argv);
	pool = make_pool("first");
	block = misuse_announce(lease_block(pool));
	lease_block(pool);
	if (weir_pool_dispose(pool) != 2)
		return 2;
	give_back(pool, block);
	return return_badly(pool, block, EALREADY);
}
