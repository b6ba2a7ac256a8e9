#include "pool_misuse.h"

/* It is nobody's by then. */
int main(int argc, char **argv)
{
	struct weir_pool *pool, *other;
	char *block;

	begin(argc, argv);
	pool = make_pool("first");
	other = make_pool("second");
	block = misuse_announce(lease_block(pool));
	give_back(pool, block);
	return return_badly(other, block, EALREADY);
}
