#include "pool_misuse.h"

/* free finds a lease's pool by its address; it has no error to return. */
int main(int argc, char **argv)
{
	struct weir_pool *pool;
	char *block;

	begin(argc, argv);
	pool = make_pool("first");
	block = misuse_announce(lease_block(pool));
	free(misuse_hide(block));
	free(misuse_hide(block));
	return 0;
}
