/* Has LOCAL_BYTES of thread-local data, which each thread's stack must hold; makes a large
 * request, prints `ready` and waits for its stdin to end. */
#include <stdio.h>
#include <stdlib.h>

static __thread char data[LOCAL_BYTES];

int main(void)
{
	char line[64];

	data[LOCAL_BYTES - 1] = 1;
	free(malloc((size_t)1 << 20));
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL)
		;
	return data[LOCAL_BYTES - 1] - 1;
}
