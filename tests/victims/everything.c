/* everything THREADS: churns (churning.h) while memory may be refused. Ten times a second it
 * forks a child that churns, and asks for VAIN_BYTES, for which it has no addresses; once it trims.
 * Prints `running`; at a line it stops, frees all, prints `refused TIMES forked CHILDREN` and
 * waits for its stdin to end. */
#include "churning.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PERIOD_MS 100
#define TRIM_PERIODS 10
#define RETAINED_BYTES ((size_t)1 << 20)
#define VAIN_BYTES ((size_t)200 << 20)

static unsigned long children;

static void fail(const char *what)
{
	fprintf(stderr, "everything: %s: errno %d\n", what, errno);
	_exit(1);
}

static void fork_child(void)
{
	pid_t child = fork(), ended;
	int status = -1;

	if (child == 0) {
		churning_in_child(children, 10);
		_exit(0);
	}
	do
		ended = waitpid(child, &status, 0);
	while (ended < 0 && errno == EINTR);
	if (ended != child || status != 0)
		fail("a child did not end well");
	children++;
}

/* What the threads' own little needs take is left. */
static void leave_few_addresses(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;
	struct rlimit limit;

	if (file == NULL || fscanf(file, "%lu", &pages) != 1)
		fail("/proc/self/statm");
	fclose(file);
	limit.rlim_cur = pages * (unsigned long)getpagesize() + VAIN_BYTES / 4 * 3;
	limit.rlim_max = RLIM_INFINITY;
	if (setrlimit(RLIMIT_AS, &limit) != 0)
		fail("setrlimit");
}

/* With something retained that could be given back for it. */
static void ask_in_vain(void)
{
	char *block = (char *)malloc(RETAINED_BYTES);

	if (block != NULL)
		memset(block, 1, RETAINED_BYTES);
	free(block);
	errno = 0;
	if (malloc(VAIN_BYTES) != NULL || errno != ENOMEM)
		fail("there are addresses");
}

/* False once there is a line. Signals come all the time. */
static bool pause_once(void)
{
	struct pollfd input = { STDIN_FILENO, POLLIN, 0 };

	return poll(&input, 1, PERIOD_MS) <= 0;
}

int main(int argc, char **argv)
{
	unsigned threads = argc == 2 ? (unsigned)atoi(argv[1]) : 0;

	if (threads == 0 || threads > CHURNING_THREADS_MAX)
		return 2;
	churning_may_refuse = true;
	setvbuf(stdout, NULL, _IOLBF, 0);
	churning_start(threads, 0);
	puts("running");
	pause_once();
	leave_few_addresses();
	while (pause_once()) {
		fork_child();
		ask_in_vain();
		if (children % TRIM_PERIODS == 0)
			malloc_trim(0);
	}
	churning_stop();
	churning_join();
	printf("refused %lu forked %lu\n", churning_refusals, children);
	while (getchar() != EOF)
		;
	return 0;
}
