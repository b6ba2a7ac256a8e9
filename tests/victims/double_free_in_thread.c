#include "misuse.h"

#include <pthread.h>

static void *free_it(void *block)
{
	free(misuse_hide((char *)block));
	return NULL;
}

int main(void)
{
	char *block = misuse_announce(misuse_block());

	for (int i = 0; i < 2; i++) {
		pthread_t thread;

		pthread_create(&thread, NULL, free_it, block);
		pthread_join(thread, NULL);
	}
	return 0;
}
