#include "pool_misuse.h"

/* Names the pool, not a block. */
int main(int argc, char **argv)
{
	struct weir_pool *pool;

	begin(argc, argv);
	pool = make_pool("first");
	lease_block(pool);
	if (weir_pool_dispose(pool) != 1)
		return 2;
	misuse_announce((char *)pool);
	return lease_badly(pool, ESTALE);
}
