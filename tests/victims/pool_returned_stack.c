#include "pool_misuse.h"

int main(int argc, char **argv)
{
	char local[64] = "";
	struct weir_pool *pool;
	char *block;

	begin(argc, argv);
	pool = make_pool("first");
	lease_block(pool);
	block = misuse_announce(misuse_hide(local));
	return return_badly(pool, block, EINVAL);
}
