/* A library with thread-local data, larger than what weir serves: the C library takes it from
 * malloc for each thread that uses it. Its constructor allocates, its destructor frees. */
#include "local_plugin.h"
#include "pattern.h"

#include <stdlib.h>

#define LOCAL_BYTES ((size_t)200 << 10)
#define OWN_BYTES ((size_t)2 << 20)

static __thread char local[LOCAL_BYTES];
static char *own;

__attribute__((constructor)) static void start(void)
{
	own = (char *)malloc(OWN_BYTES);
	pattern_write(own, 0, OWN_BYTES, 1);
}

__attribute__((destructor)) static void stop(void)
{
	if (pattern_check(own, OWN_BYTES, 1) != PATTERN_RIGHT)
		abort();
	free(own);
}

int plugin_use(void)
{
	char *block = (char *)malloc(OWN_BYTES);

	if (pattern_check_zero(local, LOCAL_BYTES) != PATTERN_RIGHT)
		return 1;
	memset(local, 1, LOCAL_BYTES);
	pattern_write(block, 0, OWN_BYTES, 2);
	block = (char *)realloc(block, 2 * OWN_BYTES);
	if (pattern_check(block, OWN_BYTES, 2) != PATTERN_RIGHT)
		return 1;
	free(block);
	return 0;
}

void plugin_free(void *block)
{
	free(block);
}
