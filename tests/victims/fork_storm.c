/* fork_storm CHILDREN [exit]: forks that many children, up to 16 at once, while it makes
 * large requests. Every third child makes one too, and every other one ends by exit; with
 * `exit` all do both, some a moment later. Prints `done` when all have ended with status 0,
 * and waits for its stdin to end. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AT_ONCE 16
#define BYTES ((size_t)200 << 10)

static void use_block(void)
{
	char *block = (char *)malloc(BYTES);

	if (block == NULL)
		_exit(3);
	memset(block, 1, BYTES);
	free(block);
}

static void run_child_to_exit(int number)
{
	struct timespec moment = { 0, number * 7 % 400 * 1000 };

	use_block();
	nanosleep(&moment, NULL);
	exit(0);
}

static void run_child(int number)
{
	if (number % 3 == 0)
		use_block();
	if (number % 2 == 0)
		exit(0);
	_exit(0);
}

static bool await_child(void)
{
	int status;

	return wait(&status) > 0 && status == 0;
}

int main(int argc, char **argv)
{
	int children = argc > 1 ? atoi(argv[1]) : 0;
	void (*child)(int number) = argc > 2 ? run_child_to_exit : run_child;
	char line[64];

	use_block();
	for (int i = 0; i < children; i++) {
		if (i >= AT_ONCE && !await_child())
			return 1;
		if (fork() == 0)
			child(i);
		use_block();
	}
	for (int i = 0; i < children && i < AT_ONCE; i++)
		if (!await_child())
			return 1;
	puts("done");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL)
		;
	return 0;
}
