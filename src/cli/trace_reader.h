/* Reads a trace of large requests (src/lib/trace.h): its processes, and the events of all of
 * them in order of time.
 *
 * Nothing is trusted: a file may be cut, made up or of another version. What is wrong with it is
 * said with the file and the place. Memory is bounded: a few words for each unit of 64 KiB, and
 * 4 KiB for each that is being read, of which there are as many as threads were at work at once.
 * The file may be one that a process still writes; it is read as long as it was when opened. */
#ifndef WEIR_CLI_TRACE_READER_H
#define WEIR_CLI_TRACE_READER_H

#include "trace.h"

#include <limits.h>

/* A realloc yields two events as it has two records, but the second one knows of the first: its
 * old_address is where the block was. Between the two that address may be another block's. */
struct trace_event {
	enum weir_trace_call call; /* MALLOC to REFUSED */
	uint32_t process;	   /* its index */
	int32_t thread;
	uint64_t ns;	      /* since the trace's start */
	uint64_t address;     /* 0 for PASSED and REFUSED */
	uint64_t old_address; /* of REALLOC, PASSED and REFUSED: what the thread began a realloc
			       * with; 0 for nothing, or what was the backend's */
	uint64_t bytes;	      /* 0 of what is freed, and for REALLOC_BEGIN */
	uint64_t touched;     /* bytes, of FREE_TOUCHED */
	uint64_t align;	      /* 1 for any */
};

/* What a trace lacks. */
struct trace_gaps {
	uint64_t killed;    /* processes that did not end by exit, or still run */
	uint64_t lost;	    /* calls, over all processes */
	int error;	    /* the first reason, or 0 */
	uint64_t cut_bytes; /* at the end of the file: no whole unit */
};

struct trace;

/* Also room for the path. NULL with the reason, `PATH: ...`, when the file is no good trace;
 * what is in its units is seen only when they are read. */
#define TRACE_PROBLEM_BYTES ((size_t)PATH_MAX + 256)
struct trace *trace_open(const char *path, char *problem);
void trace_close(struct trace *trace); /* NULL is allowed */

/* At least one; in the order of the file. Texts end by a zero byte and have nothing below a
 * space in them. */
size_t trace_process_count(const struct trace *trace);
const struct weir_trace_process *trace_process(const struct trace *trace, size_t index);

/* CLOCK_MONOTONIC when the first process or unit began. */
uint64_t trace_start_ns(const struct trace *trace);

struct trace_gaps trace_missing(const struct trace *trace);

/* The next event. Of those at the same time what is taken back comes before what is handed out;
 * those of one unit stay in their order. */
enum trace_step { TRACE_EVENT, TRACE_END, TRACE_BROKEN };
enum trace_step trace_next(struct trace *trace, struct trace_event *event);

/* Of TRACE_BROKEN: what is wrong, and where. */
const char *trace_problem(const struct trace *trace);

/* Begins anew. */
void trace_rewind(struct trace *trace);

#endif
