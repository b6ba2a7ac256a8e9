#include "pool_misuse.h"

#include <pthread.h>

#define ROUNDS 1000

/* Two threads return each block at once. */
static struct weir_pool *pool;
static char *block;
static pthread_barrier_t both;
static int results[2];

static void *give_back_in_turn(void *number)
{
	int *result = &results[(size_t)number];

	for (unsigned i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&both);
		*result = weir_return(pool, misuse_hide(block));
		pthread_barrier_wait(&both);
	}
	return NULL;
}

/* One of them is accepted, the other one refused. */
static int check(unsigned round)
{
	int accepted = (results[0] == 0) + (results[1] == 0);
	int refused = (results[0] == EALREADY) + (results[1] == EALREADY);

	if (accepted != 1 || refused != 1)
		return complain("both or neither", (int)round);
	return 0;
}

int main(int argc, char **argv)
{
	struct weir_pool_figures figures;
	pthread_t threads[2];
	int status = 0;

	begin(argc, argv);
	pool = make_pool("first");
	pthread_barrier_init(&both, NULL, 3);
	for (size_t i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, give_back_in_turn, (void *)i);
	for (unsigned i = 0; i < ROUNDS && status == 0; i++) {
		block = is_quiet ? lease_block(pool) : misuse_announce(lease_block(pool));
		pthread_barrier_wait(&both);
		pthread_barrier_wait(&both);
		status = check(i);
	}
	weir_pool_stats(pool, &figures);
	if (status == 0 && (figures.leased_blocks != 0 || figures.leased_bytes != 0))
		status = complain("still leased", (int)figures.leased_blocks);
	if (status == 0 && figures.leases != ROUNDS)
		status = complain("leases", (int)figures.leases);
	exit(status);
}
