#include "pool_misuse.h"

/* Its last block has come back, which was all right. */
int main(int argc, char **argv)
{
	struct weir_pool *pool;
	char *block;

	begin(argc, argv);
	pool = make_pool("first");
	block = misuse_announce(lease_block(pool));
	if (weir_pool_dispose(pool) != 1)
		return 2;
	give_back(pool, block);
	return return_badly(pool, block, ESTALE);
}
