/* A program that the command starts, and waits for.
 *
 * While there is one, signals that would end the command are the program's: what the terminal
 * sends (Ctrl-C) it gets anyway, what somebody sends to the command is passed on. */
#ifndef WEIR_CLI_CHILD_H
#define WEIR_CLI_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

struct child {
	pid_t pid;
	sigset_t signals;    /* of the command, before */
	int status;	     /* of wait(2); once it has ended */
	int passed;	     /* the last signal that was for both, or 0 */
	struct rusage usage; /* of it and of its children for which it waited; once it has ended */
};

/* Starts a process that calls `become`, which returns its exit status where it does not become
 * a program. False with errno. */
typedef int child_become(void *context);
bool child_start(struct child *child, child_become *become, void *context);

/* Whether it ended; waits for that so long at most, or for ever where that is negative. */
bool child_wait(struct child *child, int ms);

/* What a shell says of it: its exit status, or 128 and the signal. */
int child_exit_status(const struct child *child);

#endif
