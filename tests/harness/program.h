/* One program under test: started, talked to, watched and ended.
 *
 * The program runs in a process group of its own with an environment of its
 * own: LD_PRELOAD, WEIR_* and LIBWEIR_* of the test runner never reach it, and
 * the preload of the setup exists in the program alone. Its stdout is a pipe
 * that is read by lines while it runs, or whole at its end; its stderr goes to
 * memory, so that it never blocks. A program that outlives its time-out is
 * killed with its group, and the reading or waiting call returns.
 *
 * invariant: every program that was started has been waited for once
 * program_close returns. Used from one thread at a time for one program. */
#ifndef WEIR_TESTS_PROGRAM_H
#define WEIR_TESTS_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct program_setup {
	const char *const *argv;    /* ends with NULL; argv[0] is looked up on PATH */
	const char *const *env;	    /* NAME=VALUE sets, NAME removes; ends with NULL; or NULL */
	const char *preload;	    /* LD_PRELOAD of the program, or NULL */
	const char *directory;	    /* where it starts, or NULL for here */
	const char *input_path;	    /* its stdin; NULL for a pipe from program_write */
	const char *cgroup_procs;   /* of the cgroup that it joins before all else, or NULL */
	int ignored_signal;	    /* ignored from its start; 0 for none */
	size_t address_limit_bytes; /* RLIMIT_AS; 0 for none */
	unsigned timeout_ms;	    /* of its whole life */
};

struct program_end {
	bool timed_out;	 /* it was killed for it */
	int exit_status; /* -1 when a signal ended it */
	int signal;	 /* 0 when it exited */
};

struct program;

/* NULL, with errno, when nothing could be started. A program that cannot be
 * executed ends with status 127 and says why on stderr. */
struct program *program_start(const struct program_setup *setup);

pid_t program_pid(const struct program *program);

/* Writes to its stdin: false when it does not read any more. */
bool program_write(struct program *program, const char *data, size_t count);
void program_close_input(struct program *program);

/* The next line of its stdout without the newline, valid until the next call;
 * NULL at the end of its output or when its time is over. */
const char *program_read_line(struct program *program);

/* Sends a signal to the process, or to one thread of it: 0 or -errno. */
int program_signal(const struct program *program, int signal);
int program_signal_thread(const struct program *program, pid_t thread, int signal);

/* Closes its stdin and waits for it to end. Repeating it gives the same answer. */
struct program_end program_wait(struct program *program);

/* All of what it wrote so far, terminated by a zero byte that is not counted;
 * valid until the next call with this program. */
const char *program_stdout(struct program *program, size_t *count);
const char *program_stderr(struct program *program, size_t *count);

/* Kills it if it still runs, and frees everything. NULL is allowed. */
void program_close(struct program *program);

#endif
