/* Forks while weir, in another thread, reads the memory limit again. The child prints `forked`,
 * asks for large blocks until its WEIR_LIMIT is another one, and ends with 0; with 1 when that
 * does not happen. The parent ends as the child does. */
#include "weir.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_BYTES ((size_t)3 << 20)

/* Enough for two looks: those are ten seconds apart. */
#define FOLLOW_S 60

static const struct weir_stats_page *page;
static int armed, status = -1;

static time_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void request(void)
{
	free(malloc(BLOCK_BYTES));
	usleep(1000);
}

static int follow(void)
{
	uint64_t limit_bytes = page->limit_bytes;
	time_t end_s = now_s() + FOLLOW_S;

	puts("forked");
	fflush(stdout);
	while (page->limit_bytes == limit_bytes && now_s() < end_s)
		request();
	return page->limit_bytes == limit_bytes;
}

static void *fork_apart(void *unused)
{
	pid_t child = fork();

	if (child == 0)
		_exit(follow());
	waitpid(child, &status, 0);
	return unused;
}

/* What weir opens files with. */
long syscall(long number, ...)
{
	static long (*next)(long, ...);
	long given[6];
	pthread_t thread;
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		given[i] = va_arg(list, long);
	va_end(list);
	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "syscall");
	if (armed && number == SYS_openat &&
	    strcmp((const char *)given[1], "/proc/self/mountinfo") == 0) {
		armed = 0;
		if (pthread_create(&thread, NULL, fork_apart, NULL) == 0)
			pthread_join(thread, NULL);
	}
	return next(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

int main(void)
{
	page = dlsym(RTLD_DEFAULT, "weir_statistics");
	request();
	armed = page != NULL;
	while (armed)
		request();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
