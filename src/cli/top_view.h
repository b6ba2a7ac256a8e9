/* What is on the screen of `weir top`: figures become lines of text. Pure: no terminal, no
 * clock, no process is asked. */
#ifndef WEIR_CLI_TOP_VIEW_H
#define WEIR_CLI_TOP_VIEW_H

#include "top_order.h"

#include <stdio.h>

struct top_view {
	struct top_row *rows;
	size_t count;
	unsigned lines; /* of the screen; 0 for one table, without a selection */
	unsigned columns;
	const struct top_order *order;
	bool has_colour;
	const char *status; /* the last line: news, or help */
	/* Set by top_view_arrange and top_view_move: */
	pid_t selected_pid; /* 0 before the first */
	size_t selected;    /* index of its row */
	size_t first;	    /* of the rows on the screen */
};

#define TOP_VIEW_HELP \
	"j/k select  r release  R all  by: l live t retained h hits p pid n name  q quit"

/* Sorts the rows, finds the selected process again, or who is now in its place, and scrolls
 * to it. */
void top_view_arrange(struct top_view *view);

/* Selects the row that is so many further down, or up, or the last one there is. */
void top_view_move(struct top_view *view, long rows);

/* How many rows fit the screen. */
size_t top_view_room(const struct top_view *view);

/* Prints as many lines as the screen has, none longer than it is wide; the last one without
 * a newline. One table instead is as long as it must be. */
void top_view_print(const struct top_view *view, FILE *to);

#endif
