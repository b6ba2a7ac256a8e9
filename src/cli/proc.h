/* What /proc says of a process, as text. */
#ifndef WEIR_CLI_PROC_H
#define WEIR_CLI_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads up to size - 1 bytes of a file, here of /proc/PID/FILE, and ends them by a zero byte.
 * Returns how many, or -errno. */
ssize_t proc_read_file(const char *path, char *data, size_t size);
ssize_t proc_read(pid_t pid, const char *file, char *data, size_t size);

/* The text behind `name` and a colon in a file of such lines (status, smaps_rollup). */
bool proc_field(pid_t pid, const char *file, const char *name, char *value, size_t size);

/* Start time in ticks since boot; 0 when there is no such process. */
uint64_t proc_start(pid_t pid);

#endif
