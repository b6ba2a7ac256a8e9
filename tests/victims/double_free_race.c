#include "misuse.h"

#include <pthread.h>

static pthread_barrier_t barrier;

static void *free_it(void *block)
{
	pthread_barrier_wait(&barrier);
	free(misuse_hide((char *)block));
	return NULL;
}

int main(void)
{
	char *block = misuse_announce(misuse_block());
	pthread_t threads[2];

	pthread_barrier_init(&barrier, NULL, 2);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, free_it, block);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
