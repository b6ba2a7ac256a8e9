/* Lines for people, on stderr. Layer 1; the only file that writes there.
 *
 * Safe in a signal handler: one write(2) a line, errno kept, no allocation.
 * Each line begins `weir[PID]: `. */
#ifndef WEIR_REPORT_H
#define WEIR_REPORT_H

#include "text.h"

#define WEIR_LINE_BYTES 1024

struct weir_line {
	struct weir_text text;
	char data[WEIR_LINE_BYTES];
};

/* Starts a line with the prefix; fill line->text, then send it. */
void weir_line_begin(struct weir_line *line);
/* Ends it with a newline and writes it to stderr. */
void weir_line_send(struct weir_line *line);

/* Where they go, for a text that is written in pieces. */
int weir_report_fd(void);

/* Writes a whole text to stderr as it is. */
void weir_report_text(const struct weir_text *text);

/* The program misused memory: one line `weir[PID]: CALL(ADDRESS): WHAT`, then abort(). */
__attribute__((noreturn, cold)) void weir_report_misuse(const char *call, const void *address,
							const char *what);

#endif
