#include "print.h"

#include "text.h"
#include "units.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool print_has_colour(void)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	return !(no_colour && *no_colour) && terminal && strcmp(terminal, "dumb") != 0 &&
	       isatty(STDOUT_FILENO);
}

static const char *code(const char *sequence)
{
	return print_has_colour() ? sequence : "";
}

const char *print_bold(void)
{
	return code("\033[1m");
}

const char *print_dim(void)
{
	return code("\033[2m");
}

const char *print_plain(void)
{
	return code("\033[0m");
}

const char *print_size(char *buffer, uint64_t bytes)
{
	struct weir_text text;

	weir_text_init(&text, buffer, PRINT_SIZE_BYTES);
	weir_units_format_size(&text, bytes);
	return buffer;
}

const char *print_time(char *buffer, uint64_t ns)
{
	const uint64_t ns_per_ms = 1000000, ms = (ns + ns_per_ms / 2) / ns_per_ms;
	struct weir_text text;

	weir_text_init(&text, buffer, PRINT_SIZE_BYTES);
	if (ms >= 10)
		weir_text_decimal(&text, ms);
	else
		weir_text_fixed(&text, ns * 10 / ns_per_ms, 1);
	weir_text_string(&text, " ms");
	return buffer;
}

/* In floating point, because figures may be as large as they like. */
uint64_t print_tenths(uint64_t part, uint64_t whole)
{
	if (whole == 0)
		return 0;
	return part >= whole ? 1000 : (uint64_t)((double)part * 1000.0 / (double)whole);
}

const char *print_share(char *buffer, uint64_t part, uint64_t whole)
{
	struct weir_text text;

	weir_text_init(&text, buffer, PRINT_SIZE_BYTES);
	if (whole == 0) {
		weir_text_char(&text, '-');
	} else {
		weir_text_fixed(&text, print_tenths(part, whole), 1);
		weir_text_string(&text, " %");
	}
	return buffer;
}

/* Tables. */

#define GAP "  "

struct print_table {
	const char *const *headings;
	const bool *right;
	size_t columns;
	size_t rows;
	size_t room;  /* in rows */
	char **cells; /* row after row */
};

static void *must_have(void *memory)
{
	if (memory)
		return memory;
	fputs("weir: out of memory\n", stderr);
	exit(EXIT_FAILURE);
}

struct print_table *print_table_new(const char *const *headings, const bool *right, size_t columns)
{
	struct print_table *table = must_have(calloc(1, sizeof *table));

	table->headings = headings;
	table->right = right;
	table->columns = columns;
	return table;
}

static void make_room(struct print_table *table)
{
	if (table->rows < table->room)
		return;
	table->room = table->room ? 2 * table->room : 16;
	table->cells = must_have(
		reallocarray(table->cells, table->room, table->columns * sizeof *table->cells));
}

void print_table_row(struct print_table *table, const char *const *cells)
{
	make_room(table);
	for (size_t c = 0; c < table->columns; c++)
		table->cells[table->rows * table->columns + c] = must_have(strdup(cells[c]));
	table->rows++;
}

/* Characters of valid UTF-8, each one column wide. */
static int width_of(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

static int column_width(const struct print_table *table, size_t column)
{
	int widest = width_of(table->headings[column]), width;

	for (size_t r = 0; r < table->rows; r++) {
		width = width_of(table->cells[r * table->columns + column]);
		widest = width > widest ? width : widest;
	}
	return widest;
}

/* A last column that is not right-aligned leaves no spaces behind it. */
static void print_cells(const struct print_table *table, const char *const *cells,
			const int *widths, FILE *to)
{
	for (size_t c = 0; c < table->columns; c++) {
		int spaces = widths[c] - width_of(cells[c]);
		bool is_last = c + 1 == table->columns;

		fprintf(to, "%*s%s%*s%s", table->right[c] ? spaces : 0, "", cells[c],
			table->right[c] || is_last ? 0 : spaces, "", is_last ? "\n" : GAP);
	}
}

static void free_table(struct print_table *table)
{
	for (size_t i = 0; i < table->rows * table->columns; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

void print_table_end(struct print_table *table, FILE *to)
{
	int *widths = must_have(calloc(table->columns, sizeof *widths));

	for (size_t c = 0; c < table->columns; c++)
		widths[c] = column_width(table, c);
	fputs(print_dim(), to);
	print_cells(table, table->headings, widths, to);
	fputs(print_plain(), to);
	for (size_t r = 0; r < table->rows; r++)
		print_cells(table, (const char *const *)&table->cells[r * table->columns], widths,
			    to);
	free(widths);
	free_table(table);
}

void print_bar(char *buffer, unsigned width, uint64_t part, uint64_t whole)
{
	unsigned filled = width;

	if (part < whole)
		filled = (unsigned)((double)part / (double)whole * width + 0.5);
	if (part == 0)
		filled = 0;
	else if (filled == 0)
		filled = 1;
	memset(buffer, '#', filled);
	memset(buffer + filled, '.', width - filled);
	buffer[width] = '\0';
}

void print_json_string(FILE *to, const char *text)
{
	fputc('"', to);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(to, "\\%c", c);
		else if (c >= 0x20 && c < 0x7f)
			fputc(c, to);
		else
			fprintf(to, "\\u%04x", c);
	}
	fputc('"', to);
}
