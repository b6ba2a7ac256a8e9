#include "pool_misuse.h"

int main(int argc, char **argv)
{
	struct weir_pool *pool, *other;
	char *block;

	begin(argc, argv);
	pool = make_pool("first");
	other = make_pool("second");
	block = misuse_announce(lease_block(pool));
	return return_badly(other, block, EXDEV);
}
