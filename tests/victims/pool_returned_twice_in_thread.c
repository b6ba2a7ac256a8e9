#include "pool_misuse.h"

#include <pthread.h>

static struct weir_pool *pool;

static void *give_back_here(void *block)
{
	give_back(pool, (char *)block);
	return NULL;
}

/* The first time by a thread that is gone. */
int main(int argc, char **argv)
{
	pthread_t thread;
	char *block;

	begin(argc, argv);
	pool = make_pool("first");
	block = misuse_announce(lease_block(pool));
	pthread_create(&thread, NULL, give_back_here, block);
	pthread_join(thread, NULL);
	return return_badly(pool, block, EALREADY);
}
