/* What /proc tells about a running process. No state. */
#ifndef WEIR_TESTS_PROC_H
#define WEIR_TESTS_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct proc_memory {
	size_t resident_bytes;	     /* Rss of smaps_rollup */
	size_t anonymous_bytes;	     /* of those, not backed by a file */
	size_t anonymous_huge_bytes; /* of those, in huge pages */
	size_t peak_resident_bytes;  /* VmHWM of status */
};

/* False when the process is gone. */
bool proc_read_memory(pid_t pid, struct proc_memory *memory);

/* The numbers of its threads, at most `most`: how many there are, 0 when gone. */
size_t proc_read_threads(pid_t pid, pid_t *threads, size_t most);

/* Whether a signal sent to this thread has not been taken by it yet. */
bool proc_signal_is_pending(pid_t pid, pid_t thread, int signal);

/* The masks of /proc/PID/status: whether the process catches, ignores a signal. */
bool proc_signal_is_caught(pid_t pid, int signal);
bool proc_signal_is_ignored(pid_t pid, int signal);

#endif
