#include "pool_misuse.h"

int main(int argc, char **argv)
{
	struct weir_pool *pool;
	char *block;

	begin(argc, argv);
	pool = make_pool("first");
	block = misuse_announce(lease_block(pool));
	give_back(pool, block);
	return return_badly(pool, block, EALREADY);
}
