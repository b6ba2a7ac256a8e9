/* The memory of another process, and what is mapped there. Nothing is trusted: every address
 * may be made up, and a read of it fails then. */
#ifndef WEIR_CLI_MEMORY_H
#define WEIR_CLI_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Copies memory; the context is a pid_t (it is a weir_read_memory). False, with errno, when
 * not all of it can be read. */
bool memory_read(void *pid, uint64_t address, void *to, size_t bytes);

/* One line of /proc/PID/maps. */
struct memory_mapping {
	uint64_t begin;
	uint64_t end;
	uint64_t offset; /* in the file */
	bool is_writable;
	const char *file; /* the last part of the path, or "" */
};

/* Calls `take` for each mapping, ascending, until it returns false. Returns how many there
 * were, or -errno; without memory of its own (kernel threads, zombies) a process has none. */
typedef bool memory_take(void *context, const struct memory_mapping *mapping);
long memory_list(pid_t pid, memory_take *take, void *context);

#endif
