/* Takes BYTES of memory, evenly over MS milliseconds, prints `held` and holds them until
 * its stdin ends. The memory is its own mapping, so that it is the same with every malloc. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define STEP_BYTES ((size_t)256 * 1024)

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void wait_until(uint64_t until_us)
{
	uint64_t now = now_us();

	if (now < until_us)
		usleep((useconds_t)(until_us - now));
}

static void take(char *memory, size_t bytes, uint64_t duration_us)
{
	uint64_t start_us = now_us();

	for (size_t at = 0; at < bytes; at += STEP_BYTES) {
		memset(memory + at, 'n', bytes - at < STEP_BYTES ? bytes - at : STEP_BYTES);
		wait_until(start_us + duration_us * (at / 1024) / (bytes / 1024 + 1));
	}
}

int main(int argc, char **argv)
{
	size_t bytes = argc == 3 ? strtoull(argv[1], NULL, 10) : 0;
	void *memory = bytes > 0 ? mmap(NULL, bytes, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
				 : MAP_FAILED;

	if (memory == MAP_FAILED)
		return 2;
	take(memory, bytes, strtoull(argv[2], NULL, 10) * 1000);
	puts("held");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}
