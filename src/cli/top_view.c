#include "top_view.h"

#include "units.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#define CELL_BYTES 128

/* SGR sequences (ECMA-48), the same in every terminal that has colours. */
#define HEADINGS "\033[1m"
#define SELECTED "\033[7m"
#define LIVE "\033[32m"
#define RETAINED "\033[33m"
#define PLAIN "\033[m"

/* Text in columns of the screen. What has no width of its own (control characters, marks
 * that join the character before, bytes that are none) is shown as one `?`. */

static size_t next_character(const char *text, int *width)
{
	mbstate_t state = { 0 };
	wchar_t character;
	size_t bytes = mbrtowc(&character, text, strlen(text), &state);

	*width = 0;
	if (bytes == 0 || bytes > strlen(text))
		return 1;
	if (iswprint((wint_t)character))
		*width = wcwidth(character);
	return bytes;
}

static size_t width_of(const char *text)
{
	size_t all = 0;
	int width;

	while (*text) {
		text += next_character(text, &width);
		all += width > 0 ? (size_t)width : 1;
	}
	return all;
}

/* As much of the text as `room` columns take; returns how many it took. */
static size_t put_text(FILE *to, const char *text, size_t room)
{
	size_t used = 0, taken, bytes;
	int width;

	for (; *text; text += bytes, used += taken) {
		bytes = next_character(text, &width);
		taken = width > 0 ? (size_t)width : 1;
		if (used + taken > room)
			break;
		if (width > 0)
			fwrite(text, 1, bytes, to);
		else
			fputc('?', to);
	}
	return used;
}

static void put_spaces(FILE *to, size_t count)
{
	fprintf(to, "%*s", (int)count, "");
}

/* Cells. */

static void put_pid(struct weir_text *cell, const struct top_row *row)
{
	weir_text_decimal(cell, (uint64_t)row->pid);
}

static void put_program(struct weir_text *cell, const struct top_row *row)
{
	weir_text_string(cell, row->program);
}

static void put_live(struct weir_text *cell, const struct top_row *row)
{
	weir_units_format_size(cell, row->live_bytes);
}

static void put_retained(struct weir_text *cell, const struct top_row *row)
{
	weir_units_format_size(cell, row->retained_bytes);
}

static void put_limit(struct weir_text *cell, const struct top_row *row)
{
	weir_units_format_size(cell, row->limit_bytes);
}

static void put_hits(struct weir_text *cell, const struct top_row *row)
{
	if (row->requests == 0)
		weir_text_char(cell, '-');
	else
		weir_text_fixed(cell, top_row_hits_share(row), 1);
}

static void put_rate(struct weir_text *cell, const struct top_row *row)
{
	if (row->has_rate)
		weir_text_decimal(cell, row->rate);
	else
		weir_text_char(cell, '-');
}

static void put_channel(struct weir_text *cell, const struct top_row *row)
{
	weir_text_string(cell, row->channel);
}

/* Columns are as wide as what they hold, and no narrower than `width`, so that they seldom
 * move while figures change. */
enum column { PID, PROGRAM, LIVE_SIZE, RETAINED_SIZE, LIMIT, HITS, RATE, BAR, CHANNEL, COLUMNS };

static const struct {
	const char *heading;
	size_t width;
	bool is_right;
	void (*put)(struct weir_text *cell, const struct top_row *row);
} columns[COLUMNS] = {
	[PID] = { "PID", 5, true, put_pid },
	[PROGRAM] = { "PROGRAM", 7, false, put_program },
	[LIVE_SIZE] = { "LIVE", 9, true, put_live },
	[RETAINED_SIZE] = { "RETAINED", 9, true, put_retained },
	[LIMIT] = { "LIMIT", 9, true, put_limit },
	[HITS] = { "HITS %", 6, true, put_hits },
	[RATE] = { "REQ/S", 7, true, put_rate },
	[BAR] = { "# LIVE + RETAINED", 8, false, NULL },
	[CHANNEL] = { "CHANNEL", 7, false, put_channel },
};

/* What a narrow screen does without, the first one first. */
static const enum column spare[] = { CHANNEL, RATE,	 LIMIT,		HITS,
				     BAR,     LIVE_SIZE, RETAINED_SIZE, PROGRAM };

/* A name takes at most this part of the screen. */
#define PROGRAM_SHARE 6

/* Widths of the columns, 0 for those that are left out; each has a space before it, and the
 * row a mark before the first when it is selected. */
struct layout {
	size_t widths[COLUMNS];
	uint64_t largest_footprint; /* against which bars are drawn */
};

static const char *cell_of(char *data, enum column column, const struct top_row *row)
{
	struct weir_text cell;

	weir_text_init(&cell, data, CELL_BYTES);
	columns[column].put(&cell, row);
	return data;
}

static size_t widest_cell(const struct top_view *view, enum column column)
{
	size_t width = columns[column].width;
	char cell[CELL_BYTES];

	for (size_t i = 0; columns[column].put != NULL && i < view->count; i++)
		width = weir_max(width, width_of(cell_of(cell, column, &view->rows[i])));
	return width;
}

static size_t sum_of(const struct layout *layout)
{
	size_t sum = 0;

	for (unsigned c = 0; c < COLUMNS; c++)
		if (layout->widths[c] > 0)
			sum += layout->widths[c] + 1;
	return sum;
}

static uint64_t footprint_of(const struct top_row *row)
{
	return row->live_bytes + row->retained_bytes;
}

static uint64_t largest_footprint(const struct top_view *view)
{
	uint64_t largest = 0;

	for (size_t i = 0; i < view->count; i++)
		if (footprint_of(&view->rows[i]) > largest)
			largest = footprint_of(&view->rows[i]);
	return largest;
}

static struct layout layout_of(const struct top_view *view)
{
	struct layout layout;
	size_t name_max = weir_max(view->columns / PROGRAM_SHARE, columns[PROGRAM].width);

	for (unsigned c = 0; c < COLUMNS; c++)
		layout.widths[c] = widest_cell(view, c);
	layout.widths[PROGRAM] = weir_min(layout.widths[PROGRAM], name_max);
	for (size_t i = 0; i < sizeof spare / sizeof *spare && sum_of(&layout) > view->columns; i++)
		layout.widths[spare[i]] = 0;
	if (layout.widths[BAR] > 0)
		layout.widths[BAR] += view->columns - sum_of(&layout);
	if (sum_of(&layout) > view->columns)
		layout.widths[PID] = weir_max(view->columns, 2) - 1;
	layout.largest_footprint = largest_footprint(view);
	return layout;
}

/* Bars. */

/* Rounded to the nearest; in floating point, because figures may be as large as they like. */
static size_t share_of(uint64_t bytes, uint64_t largest, size_t width)
{
	if (bytes >= largest)
		return width;
	return (size_t)((double)bytes * (double)width / (double)largest + 0.5);
}

static void put_colour(const struct top_view *view, FILE *to, const char *colour)
{
	if (view->has_colour)
		fputs(colour, to);
}

static void put_run(FILE *to, char c, size_t count)
{
	while (count-- > 0)
		fputc(c, to);
}

static void put_bar(const struct top_view *view, FILE *to, const struct layout *layout,
		    const struct top_row *row)
{
	uint64_t largest = weir_max(layout->largest_footprint, 1);
	size_t width = layout->widths[BAR];
	size_t all = share_of(footprint_of(row), largest, width);
	size_t live = weir_min(share_of(row->live_bytes, largest, width), all);

	put_colour(view, to, LIVE);
	put_run(to, '#', live);
	put_colour(view, to, RETAINED);
	put_run(to, '+', all - live);
	put_colour(view, to, PLAIN);
	put_spaces(to, width - all);
}

/* Lines. The last column is not filled up. */

static void put_cell(FILE *to, const struct layout *layout, enum column column, const char *text)
{
	size_t width = layout->widths[column];
	size_t pad = width - weir_min(width, width_of(text));

	if (columns[column].is_right)
		put_spaces(to, pad);
	put_text(to, text, width);
	if (!columns[column].is_right && column != CHANNEL)
		put_spaces(to, pad);
}

static void put_headings(const struct top_view *view, FILE *to, const struct layout *layout)
{
	const char *before = " ";

	put_colour(view, to, HEADINGS);
	for (unsigned c = 0; c < COLUMNS; c++) {
		if (layout->widths[c] == 0)
			continue;
		fputs(before, to);
		put_cell(to, layout, c, columns[c].heading);
	}
	put_colour(view, to, PLAIN);
}

static void put_row(const struct top_view *view, FILE *to, const struct layout *layout,
		    const struct top_row *row, bool is_selected)
{
	char cell[CELL_BYTES];

	fputc(is_selected ? '>' : ' ', to);
	for (unsigned c = 0; c < COLUMNS; c++) {
		if (layout->widths[c] == 0)
			continue;
		if (c != PID)
			fputc(' ', to);
		if (c == BAR) {
			put_bar(view, to, layout, row);
			continue;
		}
		put_colour(view, to, is_selected ? SELECTED : "");
		put_cell(to, layout, c, cell_of(cell, c, row));
		put_colour(view, to, is_selected ? PLAIN : "");
	}
}

static void format_head(const struct top_view *view, struct weir_text *head)
{
	size_t room = top_view_room(view);
	size_t last = weir_min(view->first + room, view->count);
	uint64_t live = 0, retained = 0;

	for (size_t i = 0; i < view->count; i++) {
		live += view->rows[i].live_bytes;
		retained += view->rows[i].retained_bytes;
	}
	weir_text_decimal(head, view->count);
	weir_text_string(head, view->count == 1 ? " process, " : " processes, ");
	weir_units_format_size(head, live);
	weir_text_string(head, " live, ");
	weir_units_format_size(head, retained);
	weir_text_string(head, " retained, by ");
	weir_text_string(head, view->order->name);
	if (view->count <= room || room == 0)
		return;
	weir_text_string(head, "; ");
	weir_text_decimal(head, view->first + 1);
	weir_text_string(head, " to ");
	weir_text_decimal(head, last);
}

static void put_head(const struct top_view *view, FILE *to)
{
	char data[CELL_BYTES];
	struct weir_text head;

	weir_text_init(&head, data, sizeof data);
	format_head(view, &head);
	put_text(to, data, view->columns);
}

/* Head and headings are above the rows, the status below; a screen of few lines does without
 * the status, then without the headings. */
enum { HEAD_LINES = 2, AROUND_LINES = 3 };

size_t top_view_room(const struct top_view *view)
{
	if (view->lines == 0)
		return view->count;
	if (view->lines > AROUND_LINES)
		return view->lines - AROUND_LINES;
	return view->lines > 1 ? 1 : 0;
}

static void put_rows(const struct top_view *view, FILE *to, const struct layout *layout)
{
	size_t room = top_view_room(view);

	for (size_t i = view->first; i < view->first + room; i++) {
		fputc('\n', to);
		if (i < view->count)
			put_row(view, to, layout, &view->rows[i],
				view->lines > 0 && i == view->selected);
	}
}

void top_view_print(const struct top_view *view, FILE *to)
{
	struct layout layout = layout_of(view);

	put_head(view, to);
	if (view->lines == 0 || view->lines > HEAD_LINES) {
		fputc('\n', to);
		put_headings(view, to, &layout);
	}
	put_rows(view, to, &layout);
	if (view->lines > AROUND_LINES) {
		fputc('\n', to);
		put_text(to, view->status, view->columns);
	}
}

/* The selection. */

static size_t row_of(const struct top_view *view, pid_t pid)
{
	size_t i = 0;

	while (i < view->count && view->rows[i].pid != pid)
		i++;
	return i;
}

static void scroll(struct top_view *view)
{
	size_t room = top_view_room(view);
	size_t most = view->count > room ? view->count - room : 0;

	if (view->selected >= view->first + room)
		view->first = view->selected + 1 - weir_max(room, 1);
	view->first = weir_min(view->first, weir_min(view->selected, most));
}

static void select_row(struct top_view *view, size_t row)
{
	view->selected = view->count == 0 ? 0 : weir_min(row, view->count - 1);
	view->selected_pid = view->count == 0 ? 0 : view->rows[view->selected].pid;
	scroll(view);
}

void top_view_arrange(struct top_view *view)
{
	size_t row;

	if (view->count > 0)
		qsort(view->rows, view->count, sizeof *view->rows, view->order->compare);
	row = row_of(view, view->selected_pid);
	select_row(view, row < view->count ? row : view->selected);
}

void top_view_move(struct top_view *view, long rows)
{
	size_t distance = (size_t)(rows < 0 ? -rows : rows);

	if (rows >= 0)
		select_row(view, view->selected + weir_min(distance, view->count));
	else
		select_row(view, view->selected - weir_min(distance, view->selected));
}
