#include "pool_misuse.h"

/* By the handle of a pool whose place has the next pool. */
int main(int argc, char **argv)
{
	struct weir_pool *pool;

	begin(argc, argv);
	pool = make_pool("first");
	weir_pool_dispose(pool);
	make_pool("second");
	misuse_announce((char *)pool);
	return lease_badly(pool, ESTALE);
}
