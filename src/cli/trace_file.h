/* A trace as a file: its processes and where its units are. For trace_reader.c and
 * trace_file.c alone.
 *
 * Invariant: units are ordered by base_ns, those of equal ones by offset; each is of a process
 * that is before it in the file. */
#ifndef WEIR_CLI_TRACE_FILE_H
#define WEIR_CLI_TRACE_FILE_H

#include "trace_reader.h"

struct trace_unit {
	uint64_t base_ns;
	uint64_t offset;
	uint32_t process;
};

struct trace_file {
	char path[PATH_MAX];
	char problem[TRACE_PROBLEM_BYTES];
	int fd;
	uint64_t bytes; /* of whole units */
	uint64_t cut_bytes;
	uint64_t start_ns; /* the first process's or unit's */
	struct weir_trace_process *processes;
	size_t process_count;
	struct trace_unit *units;
	size_t unit_count;
};

/* False with the problem. */
bool trace_file_open(struct trace_file *file, const char *path);
void trace_file_close(struct trace_file *file);

/* Reads what there must be: false, with the problem, where it is not. */
bool trace_file_read(struct trace_file *file, uint64_t offset, void *to, size_t bytes);

/* Puts the problem, behind the path; returns false. */
bool trace_file_fail(struct trace_file *file, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
