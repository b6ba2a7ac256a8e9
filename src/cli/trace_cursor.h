/* The events of one unit, one after the other. For trace_reader.c and trace_cursor.c alone. */
#ifndef WEIR_CLI_TRACE_CURSOR_H
#define WEIR_CLI_TRACE_CURSOR_H

#include "trace_file.h"

#define TRACE_WINDOW_WORDS 512

struct trace_cursor {
	const struct trace_unit *unit;
	struct trace_event event; /* the last one; its time at least holds for the next */
	int32_t thread;
	size_t at;     /* in words of the unit: the next record */
	size_t window; /* the word at which the window begins */
	size_t words;  /* in the window */
	uint64_t window_words[TRACE_WINDOW_WORDS];
};

void trace_cursor_begin(struct trace_cursor *cursor, const struct trace_unit *unit);

/* Moves to the next event of the unit; TRACE_BROKEN with the file's problem. */
enum trace_step trace_cursor_advance(struct trace_file *file, struct trace_cursor *cursor);

#endif
