/* The plot of a comparison: a panel for each measure, in it a bar for each contender. */
#include "comparison.h"
#include "print.h"
#include "svg.h"

#include <math.h>
#include <string.h>

#define PANEL_COLUMNS 2
#define PANEL_WIDTH 420.0
#define NAMES_WIDTH 150.0
#define BAR_HEIGHT 14.0
#define ROW_HEIGHT 20.0
#define HEAD_HEIGHT 34.0
#define AXIS_HEIGHT 34.0
#define MARGIN 16.0
#define NAME_CHARACTERS 24
#define TOP_HEIGHT 34.0

static const char *const titles[COMPARISON_COLUMNS] = {
	"wall time", "user time", "system time", "page faults", "peak resident", "final resident",
};

/* What a panel shows, in which bars end at most. */
static double highest(const struct comparison *comparison, enum figures_measure measure)
{
	double most = 1;

	for (size_t i = 0; i < comparison->count; i++) {
		double high = comparison_ratio(comparison, i, measure).high;

		most = isfinite(high) && high > most ? high : most;
	}
	return most * 1.05;
}

static double panel_height(const struct comparison *comparison)
{
	return HEAD_HEIGHT + (double)comparison->count * ROW_HEIGHT + AXIS_HEIGHT;
}

static void put_name(FILE *to, double x, double y, const char *name)
{
	char cut[NAME_CHARACTERS + 4];

	snprintf(cut, sizeof cut, "%.*s%s", NAME_CHARACTERS, name,
		 strlen(name) > NAME_CHARACTERS ? "..." : "");
	svg_text(to, x, y, SVG_END, "dim", cut);
}

static void put_tip(char *tip, size_t size, const char *name, const struct figures_interval *ratio)
{
	if (isfinite(ratio->high))
		snprintf(tip, size, "%s: %.3f, %.3f to %.3f", name, ratio->middle, ratio->low,
			 ratio->high);
	else
		snprintf(tip, size, "%s: %.3f", name, ratio->middle);
}

static void put_bar(FILE *to, const struct comparison *comparison, size_t place, size_t column,
		    const struct svg_area *area, const struct svg_scale *scale)
{
	struct figures_interval ratio =
		comparison_ratio(comparison, place, comparison_columns[column].measure);
	double top = area->top + (double)place * ROW_HEIGHT + (ROW_HEIGHT - BAR_HEIGHT) / 2;
	double middle = top + BAR_HEIGHT / 2;
	struct svg_area bar = { area->left, top, svg_place(scale, ratio.middle) - area->left,
				BAR_HEIGHT };
	char tip[CONTENDER_NAME_BYTES + 64];

	put_name(to, area->left - 6, middle + 4, comparison->each[place]->name);
	if (!isfinite(ratio.middle))
		return;
	put_tip(tip, sizeof tip, comparison->each[place]->name, &ratio);
	svg_box(to, &bar, place == comparison->winner ? "s2" : (place == 0 ? "s5" : "s0"), tip);
	if (isfinite(ratio.high) && ratio.count > 1)
		svg_line(to, svg_place(scale, ratio.low), middle, svg_place(scale, ratio.high),
			 middle, "mark");
}

static void put_title(FILE *to, const struct comparison *comparison, size_t column, double x,
		      double y)
{
	enum figures_measure measure = comparison_columns[column].measure;
	char value[PRINT_SIZE_BYTES], title[CONTENDER_NAME_BYTES + 128];

	snprintf(title, sizeof title, "%s, 1 = %s", titles[column],
		 comparison_value(
			 value, measure,
			 figures_values(comparison->each[0]->samples, comparison->runs, measure)
				 .middle));
	svg_text(to, x, y, SVG_START, "strong", title);
}

static void put_panel(FILE *to, const struct comparison *comparison, size_t column)
{
	size_t row = column / PANEL_COLUMNS;
	double left = MARGIN + (double)(column % PANEL_COLUMNS) * PANEL_WIDTH;
	double top = TOP_HEIGHT + (double)row * panel_height(comparison);
	struct svg_area area = { left + NAMES_WIDTH, top + HEAD_HEIGHT,
				 PANEL_WIDTH - NAMES_WIDTH - MARGIN,
				 (double)comparison->count * ROW_HEIGHT };
	struct svg_scale scale = { 0, highest(comparison, comparison_columns[column].measure),
				   area.left, area.left + area.width };
	double one = svg_place(&scale, 1);

	put_title(to, comparison, column, left, top + 20);
	svg_axis_x(to, &area, &scale, NULL);
	for (size_t i = 0; i < comparison->count; i++)
		put_bar(to, comparison, i, column, &area, &scale);
	svg_line(to, one, area.top, one, area.top + area.height, "axis");
}

void comparison_plot(const struct comparison *comparison, FILE *to)
{
	const size_t rows = (COMPARISON_COLUMNS + PANEL_COLUMNS - 1) / PANEL_COLUMNS;
	char title[512];

	snprintf(title, sizeof title,
		 "%.200s: ratios to %s, medians of %zu runs with their intervals; best for %s: %s",
		 program_base_name(comparison->argv[0]), comparison->each[0]->name,
		 comparison->runs, comparison->preference == FIGURES_SPEED ? "speed" : "memory",
		 comparison->each[comparison->winner]->name);
	svg_begin(to, PANEL_COLUMNS * PANEL_WIDTH + 2 * MARGIN,
		  TOP_HEIGHT + (double)rows * panel_height(comparison), title);
	svg_text(to, MARGIN, 22, SVG_START, "text", title);
	for (size_t c = 0; c < COMPARISON_COLUMNS; c++)
		put_panel(to, comparison, c);
	svg_end(to);
}
