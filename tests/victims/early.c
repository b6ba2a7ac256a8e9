/* A library that allocates in its constructor, before main and, preloaded after
 * weir, before weir has started; its destructor verifies and frees. With
 * EARLY_HANDLER in the environment the constructor also handles SIGUSR1, and
 * its handler writes `early` to stdout. */
#include "pattern.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define SMALL_BYTES ((size_t)100)
#define LARGE_BYTES ((size_t)3 << 20)

static char *small, *large, *cleared;

static void handle(int number)
{
	(void)number;
	if (write(STDOUT_FILENO, "early\n", 6) != 6)
		_exit(2);
}

__attribute__((constructor)) static void start(void)
{
	small = (char *)malloc(SMALL_BYTES);
	large = (char *)malloc(LARGE_BYTES);
	cleared = (char *)calloc(1, LARGE_BYTES);
	pattern_write(small, 0, SMALL_BYTES, 1);
	pattern_write(large, 0, LARGE_BYTES, 2);
	large = (char *)realloc(large, 3 * LARGE_BYTES);
	if (getenv("EARLY_HANDLER") != NULL)
		signal(SIGUSR1, handle);
}

__attribute__((destructor)) static void stop(void)
{
	if (pattern_check(small, SMALL_BYTES, 1) != PATTERN_RIGHT ||
	    pattern_check(large, LARGE_BYTES, 2) != PATTERN_RIGHT ||
	    pattern_check_zero(cleared, LARGE_BYTES) != PATTERN_RIGHT) {
		if (write(STDERR_FILENO, "early: changed\n", 15) == 15)
			_exit(1);
		_exit(2);
	}
	free(small);
	free(large);
	free(cleared);
}
