/* regrow ROUNDS: has one block of at most 60 MiB at a time, which shrinks and grows again while
 * another thread releases. Prints how often it was refused. Under WEIR_LIVE_LIMIT there is no
 * room for two of it. */
#include "pattern.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONG_BYTES ((size_t)60 << 20)
#define SHORT_BYTES ((size_t)24 << 20)

static atomic_int go, end;
static unsigned refused;

static void *release(void *unused)
{
	while (!end)
		if (atomic_exchange(&go, 0))
			malloc_trim(0);
	return unused;
}

/* Counts what was refused. */
static char *given(char *block)
{
	refused += block == NULL;
	return block;
}

/* A block whose tail is kept: a release that begins now takes that, and has the block's pages for
 * a while. Two of these in turn see it before, within and after that. */
static char *shrunk_block(void)
{
	char *block = given(malloc(LONG_BYTES));

	if (block != NULL)
		memset(block, 1, LONG_BYTES);
	free(block);
	block = given(malloc(LONG_BYTES));
	if (block != NULL)
		block = given(realloc(block, SHORT_BYTES));
	go = 1;
	return block;
}

static void grow_while_released(unsigned delay_us)
{
	char *block = shrunk_block(), *grown;

	usleep(delay_us);
	grown = given(realloc(block, LONG_BYTES));
	free(grown != NULL ? grown : block);
}

static void free_while_released(unsigned delay_us)
{
	char *block = shrunk_block();

	usleep(delay_us);
	free(block);
	free(given(malloc(LONG_BYTES)));
}

int main(int argc, char **argv)
{
	unsigned rounds = argc == 2 ? (unsigned)atoi(argv[1]) : 0;
	pthread_t releaser;

	if (pthread_create(&releaser, NULL, release, NULL) != 0)
		return 2;
	for (unsigned i = 0; i < rounds; i++) {
		grow_while_released(i * 1000 / rounds);
		free_while_released(i * 1000 / rounds);
	}
	end = 1;
	pthread_join(releaser, NULL);
	printf("%u refused\n", refused);
	return 0;
}
