#include "svg.h"

#include "clean.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_BYTES 32
#define LABEL_GAP 6.0
#define LABEL_DROP 4.0 /* from the middle of a digit to its base line */

/* Of series the hues of Okabe and Ito's palette, which people who are colour-blind tell apart. */
static const char style[] =
	"text{font:12px system-ui,sans-serif;fill:#24292f}"
	".dim{fill:#57606a;font-size:11px}.strong{font-weight:600;font-size:13px}"
	".ground{fill:#fff}.grid{stroke:#d8dee4}.axis{stroke:#8c959f}"
	".mark{stroke:#24292f;stroke-width:1.5}"
	".l0,.l1,.l2,.l3,.l4,.l5{fill:none;stroke-width:1.5}"
	".s0{fill:#0072b2}.s1{fill:#d55e00}.s2{fill:#009e73}"
	".s3{fill:#cc79a7}.s4{fill:#b58900}.s5{fill:#6e7781}"
	".l0{stroke:#0072b2}.l1{stroke:#d55e00}.l2{stroke:#009e73}"
	".l3{stroke:#cc79a7}.l4{stroke:#b58900}.l5{stroke:#6e7781}"
	"@media(prefers-color-scheme:dark){"
	"text{fill:#e6edf3}.dim{fill:#9da7b3}.ground{fill:#0d1117}"
	".grid{stroke:#2d333b}.axis{stroke:#768390}.mark{stroke:#e6edf3}"
	".s0{fill:#56b4e9}.s1{fill:#f08c4a}.s2{fill:#2fc49b}"
	".s3{fill:#e29bc3}.s4{fill:#e6c34a}.s5{fill:#9da7b3}"
	".l0{stroke:#56b4e9}.l1{stroke:#f08c4a}.l2{stroke:#2fc49b}"
	".l3{stroke:#e29bc3}.l4{stroke:#e6c34a}.l5{stroke:#9da7b3}}";

/* Tenths and hundredths of a pixel are enough. */
static double shown(double value)
{
	return isfinite(value) ? value : 0;
}

static void put_number(FILE *to, const char *name, double value)
{
	fprintf(to, " %s=\"%.2f\"", name, shown(value));
}

/* Text. */

static void put_character(FILE *to, char c)
{
	static const struct {
		char character;
		const char *entity;
	} entities[] = { { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" } };

	for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
		if (entities[i].character == c) {
			fputs(entities[i].entity, to);
			return;
		}
	}
	fputc(c, to);
}

void svg_put_escaped(FILE *to, const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		return;
	clean_text(copy, "");
	for (const char *at = copy; *at != '\0'; at++)
		put_character(to, *at);
	free(copy);
}

static void put_title(FILE *to, const char *title)
{
	fputs("<title>", to);
	svg_put_escaped(to, title);
	fputs("</title>", to);
}

void svg_text(FILE *to, double x, double y, enum svg_anchor anchor, const char *class,
	      const char *text)
{
	static const char *const anchors[] = { "start", "middle", "end" };

	fputs("<text", to);
	put_number(to, "x", x);
	put_number(to, "y", y);
	fprintf(to, " text-anchor=\"%s\" class=\"%s\">", anchors[anchor], class);
	svg_put_escaped(to, text);
	fputs("</text>\n", to);
}

/* Shapes. */

void svg_box(FILE *to, const struct svg_area *area, const char *class, const char *tip)
{
	fputs("<rect", to);
	put_number(to, "x", area->left);
	put_number(to, "y", area->top);
	put_number(to, "width", area->width > 0 ? area->width : 0);
	put_number(to, "height", area->height > 0 ? area->height : 0);
	fprintf(to, " class=\"%s\"", class);
	if (tip == NULL) {
		fputs("/>\n", to);
		return;
	}
	fputc('>', to);
	put_title(to, tip);
	fputs("</rect>\n", to);
}

void svg_line(FILE *to, double x1, double y1, double x2, double y2, const char *class)
{
	fputs("<line", to);
	put_number(to, "x1", x1);
	put_number(to, "y1", y1);
	put_number(to, "x2", x2);
	put_number(to, "y2", y2);
	fprintf(to, " class=\"%s\"/>\n", class);
}

static void put_point(FILE *to, double x, double y)
{
	fprintf(to, "%.2f,%.2f ", shown(x), shown(y));
}

static void put_points(FILE *to, const struct svg_point *points, size_t count, const char *class,
		       bool steps)
{
	fprintf(to, "<polyline class=\"%s\" points=\"", class);
	for (size_t i = 0; i < count; i++) {
		if (steps && i > 0)
			put_point(to, points[i].x, points[i - 1].y);
		put_point(to, points[i].x, points[i].y);
	}
	fputs("\"/>\n", to);
}

void svg_lines(FILE *to, const struct svg_point *points, size_t count, const char *class)
{
	put_points(to, points, count, class, false);
}

void svg_steps(FILE *to, const struct svg_point *points, size_t count, const char *class)
{
	put_points(to, points, count, class, true);
}

/* The picture. */

void svg_begin(FILE *to, double width, double height, const char *title)
{
	const struct svg_area all = { 0, 0, width, height };

	fprintf(to,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" "
		"width=\"%.0f\" height=\"%.0f\" role=\"img\">\n",
		width, height, width, height);
	put_title(to, title);
	fprintf(to, "\n<style>%s</style>\n", style);
	svg_box(to, &all, "ground", NULL);
}

void svg_end(FILE *to)
{
	fputs("</svg>\n", to);
}

/* Axes. */

double svg_place(const struct svg_scale *scale, double value)
{
	double length = scale->high - scale->low;

	if (!(length > 0))
		return scale->from;
	return scale->from + (value - scale->low) / length * (scale->to - scale->from);
}

/* The smallest of 1, 2 and 5 times a power of ten of which no more than SVG_TICKS_MAX fit. */
static double step_of(double length)
{
	static const double factors[] = { 1, 2, 5 };
	double power = 1;

	while (power > length)
		power /= 10;
	while (power * 10 <= length)
		power *= 10;
	for (power /= 10;; power *= 10)
		for (size_t i = 0; i < 3; i++)
			if (length / (factors[i] * power) <= SVG_TICKS_MAX - 2)
				return factors[i] * power;
}

/* Without libm, which nothing else of the command needs. */
static double first_multiple(double low, double step)
{
	double multiple = (double)(long long)(low / step);

	return multiple * step < low - step * 1e-9 ? multiple + 1 : multiple;
}

size_t svg_ticks(const struct svg_scale *scale, double *ticks)
{
	double length = scale->high - scale->low;
	size_t count = 0;
	double step;

	if (!isfinite(length) || !(length > 0))
		return 0;
	step = step_of(length);
	for (double i = first_multiple(scale->low, step); count < SVG_TICKS_MAX; i++) {
		if (i * step > scale->high + step * 1e-9)
			break;
		ticks[count++] = i * step;
	}
	return count;
}

static void put_label(char *buffer, double value, svg_label *label)
{
	if (label != NULL)
		label(buffer, value);
	else
		snprintf(buffer, LABEL_BYTES, "%.6g", value);
}

void svg_axis_x(FILE *to, const struct svg_area *area, const struct svg_scale *scale,
		svg_label *label)
{
	double ticks[SVG_TICKS_MAX], bottom = area->top + area->height;
	size_t count = svg_ticks(scale, ticks);
	char text[LABEL_BYTES];

	for (size_t i = 0; i < count; i++) {
		double x = svg_place(scale, ticks[i]);

		put_label(text, ticks[i], label);
		svg_line(to, x, area->top, x, bottom, "grid");
		svg_text(to, x, bottom + 3 * LABEL_DROP + LABEL_GAP, SVG_MIDDLE, "dim", text);
	}
	svg_line(to, area->left, bottom, area->left + area->width, bottom, "axis");
}

void svg_axis_y(FILE *to, const struct svg_area *area, const struct svg_scale *scale,
		svg_label *label)
{
	double ticks[SVG_TICKS_MAX], right = area->left + area->width;
	size_t count = svg_ticks(scale, ticks);
	char text[LABEL_BYTES];

	for (size_t i = 0; i < count; i++) {
		double y = svg_place(scale, ticks[i]);

		put_label(text, ticks[i], label);
		svg_line(to, area->left, y, right, y, "grid");
		svg_text(to, area->left - LABEL_GAP, y + LABEL_DROP, SVG_END, "dim", text);
	}
	svg_line(to, area->left, area->top, area->left, area->top + area->height, "axis");
}
