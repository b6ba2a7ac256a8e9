/* churn THREADS STEPS ROUNDS FORKS [tiny|alternative]: threads that churn (churning.h), on stacks
 * as small as they come, or with alternative ones for signals that are as small as weir's
 * handler may expect (README.md).
 *
 * Each round starts its threads, prints `running`, forks FORKS children that
 * churn by themselves, joins, frees everything, prints `empty` and waits for a
 * line. With 0 STEPS the threads go on until that round's first line comes. */
#include "churning.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#define HANDLER_BYTES ((size_t)4 << 10)

static void take_alternative_stack(void)
{
	stack_t stack = { .ss_size = getauxval(AT_MINSIGSTKSZ) + HANDLER_BYTES };

	stack.ss_sp = malloc(stack.ss_size);
	if (stack.ss_sp == NULL || sigaltstack(&stack, NULL) != 0)
		_exit(3);
}

static void choose_stacks(const char *stacks)
{
	if (strcmp(stacks, "tiny") == 0)
		churning_stack_bytes = (size_t)PTHREAD_STACK_MIN;
	else
		churning_begin = take_alternative_stack;
}

static void fork_children(int forks)
{
	for (int i = 0; i < forks; i++) {
		pid_t child = fork();
		int status = 0;

		if (child == 0) {
			churning_in_child((uint64_t)i + 77, 100);
			exit(0);
		}
		if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
			fprintf(stderr, "churn: child %d ended with status %x\n", i,
				(unsigned)status);
			_exit(1);
		}
	}
}

static bool await_line(void)
{
	char line[64];

	return fgets(line, sizeof(line), stdin) != NULL;
}

static bool run_round(unsigned threads, unsigned long steps, int forks)
{
	bool more = true;

	churning_start(threads, steps);
	puts("running");
	fork_children(forks);
	if (steps == 0) {
		more = await_line();
		churning_stop();
	}
	churning_join();
	puts("empty");
	return more && await_line();
}

int main(int argc, char **argv)
{
	if (argc < 5 || argc > 6 || atoi(argv[1]) > CHURNING_THREADS_MAX)
		return 2;
	if (argc == 6)
		choose_stacks(argv[5]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 0; i < atoi(argv[3]); i++)
		if (!run_round((unsigned)atoi(argv[1]), strtoul(argv[2], NULL, 10), atoi(argv[4])))
			break;
	return 0;
}
