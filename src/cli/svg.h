/* Pictures as SVG 1.1, self-contained: shapes, text and the axes of plots. Pure, but for the
 * stream that it writes to; a number that is none is written as 0.
 *
 * Colours are classes of a style that follows the reader's light or dark setting:
 *   ground; text, dim, strong (text); axis, grid, mark (lines);
 *   s0 to s5 (areas of the series), l0 to l5 (their lines).
 * Several pictures may stand in one HTML page: the style is the same in each. */
#ifndef WEIR_CLI_SVG_H
#define WEIR_CLI_SVG_H

#include <stdio.h>

#define SVG_SERIES 6
#define SVG_TICKS_MAX 8

enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };

/* A rectangle of the picture, in its pixels, down from the top. */
struct svg_area {
	double left;
	double top;
	double width;
	double height;
};

/* Where values lie: `low` at the pixel `from`, `high` at `to`. */
struct svg_scale {
	double low;
	double high;
	double from;
	double to;
};

/* The title is for readers who do not see the picture, and a tip over it. */
void svg_begin(FILE *to, double width, double height, const char *title);
void svg_end(FILE *to);

/* Text fit for XML: control characters and what is no UTF-8 become `?`. */
void svg_put_escaped(FILE *to, const char *text);

/* y is the base line's. */
void svg_text(FILE *to, double x, double y, enum svg_anchor anchor, const char *style,
	      const char *text);

/* A filled rectangle with a tip, or NULL. */
void svg_box(FILE *to, const struct svg_area *area, const char *style, const char *tip);
void svg_line(FILE *to, double x1, double y1, double x2, double y2, const char *style);

/* A line through points; `steps` goes to each along x first. */
struct svg_point {
	double x;
	double y;
};
void svg_lines(FILE *to, const struct svg_point *points, size_t count, const char *style);
void svg_steps(FILE *to, const struct svg_point *points, size_t count, const char *style);

/* The pixel of a value. */
double svg_place(const struct svg_scale *scale, double value);

/* Round values of a scale, ascending, SVG_TICKS_MAX at most; none where it has no length. */
size_t svg_ticks(const struct svg_scale *scale, double *ticks);

/* Axes along the lower and the left side of an area: a grid line across it and a label at each
 * tick. The label of a value is put into 32 bytes; NULL: the number. */
typedef void svg_label(char *buffer, double value);
void svg_axis_x(FILE *to, const struct svg_area *area, const struct svg_scale *scale,
		svg_label *label);
void svg_axis_y(FILE *to, const struct svg_area *area, const struct svg_scale *scale,
		svg_label *label);

#endif
