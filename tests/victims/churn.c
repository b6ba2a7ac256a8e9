/* churn THREADS STEPS ROUNDS FORKS: threads that churn (churning.h).
 *
 * Each round starts its threads, prints `running`, forks FORKS children that
 * churn by themselves, joins, frees everything, prints `empty` and waits for a
 * line. With 0 STEPS the threads go on until that round's first line comes. */
#include "churning.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void fork_children(int forks)
{
	for (int i = 0; i < forks; i++) {
		pid_t child = fork();
		int status;

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
	if (argc != 5 || atoi(argv[1]) > CHURNING_THREADS_MAX)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 0; i < atoi(argv[3]); i++)
		if (!run_round((unsigned)atoi(argv[1]), strtoul(argv[2], NULL, 10), atoi(argv[4])))
			break;
	return 0;
}
