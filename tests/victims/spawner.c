/* spawner: starts itself by fork, vfork, posix_spawn, system and daemon, and by what runs no
 * handler of fork's, with large blocks live and retained; prints how each child ended. spawner
 * child: uses large blocks and exits with status 7. */
#include "pattern.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BYTES ((size_t)5 << 20)
#define CHILD_STATUS 7

static char *self;

static int use_blocks(void)
{
	char *block = (char *)malloc(BYTES);

	pattern_write(block, 0, BYTES, 3);
	block = (char *)realloc(block, 3 * BYTES);
	if (pattern_check(block, BYTES, 3) != PATTERN_RIGHT)
		return 1;
	free(block);
	return CHILD_STATUS;
}

static int await(pid_t child)
{
	int status = 0;

	waitpid(child, &status, 0);
	return status;
}

static int by_fork(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(use_blocks());
	return await(child);
}

static int by_bare_fork(void)
{
	pid_t child = _Fork();

	if (child == 0)
		_exit(use_blocks());
	return await(child);
}

static int by_clone(void)
{
	pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

	if (child == 0)
		_exit(use_blocks());
	return await(child);
}

static int by_fork_and_exec(void)
{
	pid_t child = fork();

	if (child == 0) {
		execl(self, self, "child", (char *)NULL);
		_exit(1);
	}
	return await(child);
}

static int by_vfork(void)
{
	pid_t child = vfork();

	if (child == 0) {
		execl(self, self, "child", (char *)NULL);
		_exit(1);
	}
	return await(child);
}

/* A child of init's, which tells by a pipe. */
static int by_daemon(void)
{
	unsigned char status = 0;
	int ends[2];
	pid_t child;

	if (pipe(ends) != 0)
		return -1;
	child = fork();
	if (child == 0) {
		if (daemon(1, 1) != 0)
			_exit(1);
		status = (unsigned char)use_blocks();
		_exit(write(ends[1], &status, 1) != 1);
	}
	close(ends[1]);
	if (await(child) != 0 || read(ends[0], &status, 1) != 1)
		return -1;
	close(ends[0]);
	return W_EXITCODE(status, 0);
}

static int by_posix_spawn(void)
{
	char child_word[] = "child";
	char *argv[] = { self, child_word, NULL };
	pid_t child;

	if (posix_spawn(&child, self, NULL, NULL, argv, environ) != 0)
		return -1;
	return await(child);
}

static int by_system(void)
{
	char command[4096];

	snprintf(command, sizeof(command), "'%s' child", self);
	return system(command);
}

static const struct {
	const char *name;
	int (*start)(void);
} ways[] = {
	{ "fork", by_fork },	   { "fork and exec", by_fork_and_exec },
	{ "vfork", by_vfork },	   { "posix_spawn", by_posix_spawn },
	{ "system", by_system },   { "daemon", by_daemon },
	{ "_Fork", by_bare_fork }, { "clone", by_clone },
};

int main(int argc, char **argv)
{
	char *live = (char *)malloc(BYTES);
	char *retained = (char *)malloc(BYTES);

	self = argv[0];
	if (argc == 2)
		return use_blocks();
	pattern_write(live, 0, BYTES, 1);
	pattern_write(retained, 0, BYTES, 2);
	free(retained);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		int status = ways[i].start();

		printf("%s %d\n", ways[i].name, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	}
	if (pattern_check(live, BYTES, 1) != PATTERN_RIGHT)
		return 1;
	free(live);
	return 0;
}
