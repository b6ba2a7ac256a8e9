/* Processes under weir, seen from outside: /proc and the statistics page.
 *
 * Nothing that a process shows is trusted: it may be hostile and this command root. Works
 * across containers: paths go through /proc/PID/root, process ids through NSpid. */
#ifndef WEIR_CLI_PROCESS_H
#define WEIR_CLI_PROCESS_H

#include "command.h"
#include "snapshot.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum process_result {
	PROCESS_OK,
	PROCESS_GONE,		/* no such process, or a zombie, or a kernel thread */
	PROCESS_NOT_UNDER_WEIR, /* no libweir.so is mapped, nor a libweirpool.so */
	PROCESS_NO_ACCESS,	/* it may not be read (another user, ptrace_scope) */
	PROCESS_UNREADABLE,	/* the library is there, but of another layout, or being loaded */
};

/* One that could be read. */
struct process {
	pid_t pid;	       /* here */
	pid_t inner_pid;       /* in its own namespace of process ids */
	pid_t task;	       /* of its threads the one that /proc shows its memory by */
	uint64_t start;	       /* ticks since boot, with which (pid, start) is one process */
	uint64_t page_address; /* 0 where the figures came through the socket */
	struct weir_snapshot
		snapshot; /* its pid is the inner one, its texts are clean: printable */
	char settings[WEIR_STATS_SETTINGS_BYTES]; /* lines of NAME=VALUE, tab, origin; or empty */
};

/* Reads page and slots of a process. Where the page may not be read (ptrace_scope) but a
 * control socket can be found and asked, the figures come from there. */
enum process_result process_read(pid_t pid, struct process *process);

/* Only the statistics page's small figures again, quickly: for whoever waits for a release.
 * False when it is gone. */
bool process_read_released(const struct process *process, enum weir_trigger trigger,
			   struct weir_released *released);

/* The first thread of a process that has not ended: the main one may have ended alone, by
 * pthread_exit, and then shows no memory, root or environment any more. */
pid_t process_task(pid_t pid);

/* The libraries that have a statistics page, as a file is named. */
enum process_library {
	PROCESS_LIBRARY,      /* libweir.so: where it is, its page is the one */
	PROCESS_POOL_LIBRARY, /* libweirpool.so */
	PROCESS_LIBRARIES,    /* how many; any other file */
};
enum process_library process_library_of(const char *file); /* by the last part of a path */

/* Whether it has one at all: what may be asked also of one that may not be read. */
bool process_has_library(pid_t pid);

/* The setting kernel.yama.ptrace_scope, 0 where there is none. */
int process_ptrace_scope(void);

/* The ids of all processes there are, ascending, up to `most`; returns how many. */
size_t process_list(pid_t *pids, size_t most);

/* A process id out of an argument: false when it is none. */
bool process_parse_pid(const char *text, pid_t *pid);

/* The same of a command's argument, and of its only operand; false after a message, for a
 * usage error. */
bool process_take_pid(const struct command *command, const char *argument, pid_t *pid);
bool process_take_only_pid(const struct command *command, int argc, char **argv, pid_t *pid);

/* Resident bytes now (smaps_rollup's Rss, else status's VmRSS); 0 when unknown. */
uint64_t process_resident_bytes(const struct process *process);

/* Whether the signal has a handler there: the mask SigCgt of /proc/PID/status. */
bool process_catches(pid_t pid, int signal);

/* Words for people on what process_read returned, and the exit status for it. */
const char *process_explain(enum process_result result);
int process_status(enum process_result result);

#endif
