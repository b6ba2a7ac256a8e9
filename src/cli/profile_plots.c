#include "profile_plots.h"

#include "print.h"
#include "svg.h"
#include "units.h"

#include <inttypes.h>

#define WIDTH 860.0
#define HEIGHT 260.0
#define LEFT 84.0
#define TOP 20.0
#define ROOM 40.0 /* below, for labels */

static const struct svg_area area = { LEFT, TOP, WIDTH - LEFT - 20, HEIGHT - TOP - ROOM };

/* Axes of bytes have round numbers in a unit. */
static void kib_label(char *buffer, double value)
{
	snprintf(buffer, PRINT_SIZE_BYTES, "%g KiB", value);
}

static void mib_label(char *buffer, double value)
{
	snprintf(buffer, PRINT_SIZE_BYTES, "%g MiB", value);
}

static void gib_label(char *buffer, double value)
{
	snprintf(buffer, PRINT_SIZE_BYTES, "%g GiB", value);
}

static const struct unit {
	uint64_t from_bytes;
	double bytes;
	svg_label *label;
} units[] = {
	{ 2 * WEIR_GIB, (double)WEIR_GIB, gib_label },
	{ 2 * WEIR_MIB, (double)WEIR_MIB, mib_label },
	{ 0, (double)WEIR_KIB, kib_label },
};

static const struct unit *unit_of(uint64_t most)
{
	const struct unit *unit = units;

	while (most < unit->from_bytes)
		unit++;
	return unit;
}

static void seconds_label(char *buffer, double value)
{
	snprintf(buffer, PRINT_SIZE_BYTES, "%g s", value);
}

struct bar {
	const char *name;
	uint64_t value;
	const char *tip;
};

/* Columns side by side, with names below, and a number above each. */
static void put_bars(FILE *to, const char *title, const struct bar *bars, size_t count)
{
	struct svg_scale scale = { 0, 1, area.top + area.height, area.top };
	double step = area.width / (double)weir_max(count, (size_t)1);

	svg_begin(to, WIDTH, HEIGHT, title);
	for (size_t i = 0; i < count; i++)
		scale.high =
			(double)bars[i].value > scale.high ? (double)bars[i].value : scale.high;
	svg_axis_y(to, &area, &scale, NULL);
	for (size_t i = 0; i < count; i++) {
		double left = area.left + (double)i * step;
		double y = svg_place(&scale, (double)bars[i].value);
		struct svg_area box = { left + step * 0.12, y, step * 0.76,
					area.top + area.height - y };

		svg_box(to, &box, "s0", bars[i].tip);
		svg_text(to, left + step / 2, area.top + area.height + 18, SVG_MIDDLE, "dim",
			 bars[i].name);
	}
	svg_end(to);
}

#define BARS_MAX (PROFILE_SIZES + PROFILE_LIVES)

void profile_plot_sizes(const struct profile_figures *figures, FILE *to)
{
	struct bar bars[BARS_MAX];
	char names[BARS_MAX][PRINT_SIZE_BYTES], tips[BARS_MAX][96], bytes[PRINT_SIZE_BYTES];
	size_t count = 0;

	for (unsigned i = 0; i < PROFILE_SIZES; i++) {
		if (figures->sizes[i].requests == 0)
			continue;
		print_size(names[count], profile_size_bytes(i));
		snprintf(tips[count], sizeof tips[count], "up to %s: %" PRIu64 " requests, %s",
			 names[count], figures->sizes[i].requests,
			 print_size(bytes, figures->sizes[i].bytes));
		bars[count] = (struct bar){ names[count], figures->sizes[i].requests, tips[count] };
		count++;
	}
	put_bars(to, "large requests by size", bars, count);
}

void profile_plot_lives(const struct profile_figures *figures, FILE *to)
{
	struct bar bars[PROFILE_LIVES];
	char tips[PROFILE_LIVES][96], bytes[PRINT_SIZE_BYTES];

	for (unsigned i = 0; i < PROFILE_LIVES; i++) {
		snprintf(tips[i], sizeof tips[i], "%s: %" PRIu64 " blocks, %s",
			 profile_life_name(i), figures->lives[i].blocks,
			 print_size(bytes, figures->lives[i].bytes));
		bars[i] = (struct bar){ profile_life_name(i), figures->lives[i].blocks, tips[i] };
	}
	put_bars(to, "lifetimes of blocks", bars, PROFILE_LIVES);
}

static void put_axes(FILE *to, struct svg_scale *x, struct svg_scale *y, double span_s,
		     uint64_t most)
{
	const struct unit *unit = unit_of(most);

	*x = (struct svg_scale){ 0, span_s, area.left, area.left + area.width };
	*y = (struct svg_scale){ 0, (double)most / unit->bytes * 1.05, area.top + area.height,
				 area.top };
	svg_axis_x(to, &area, x, seconds_label);
	svg_axis_y(to, &area, y, unit->label);
	y->high *= unit->bytes;
}

static void put_moments(FILE *to, const struct profile_moments *moments, unsigned value,
			const struct svg_scale *x, const struct svg_scale *y, const char *style)
{
	struct svg_point points[PROFILE_MOMENTS];
	double width_s = (double)moments->width_ns / 1e9;

	for (size_t i = 0; i < moments->count; i++)
		points[i] = (struct svg_point){
			svg_place(x, (double)i * width_s),
			svg_place(y, (double)moments->most[i][value]),
		};
	svg_steps(to, points, moments->count, style);
}

void profile_plot_live(const struct profile_figures *figures, FILE *to)
{
	const struct profile_moments *moments = &figures->moments;
	uint64_t most = figures->peak_live_bytes;
	struct svg_scale x, y;

	svg_begin(to, WIDTH, HEIGHT, "live bytes over time");
	for (size_t i = 0; i < moments->count; i++)
		most = weir_max(most, moments->most[i][PROFILE_RETAINED_BYTES]);
	put_axes(to, &x, &y, (double)(moments->count * moments->width_ns) / 1e9, most);
	put_moments(to, moments, PROFILE_RETAINED_BYTES, &x, &y, "l1");
	put_moments(to, moments, PROFILE_LIVE_BYTES, &x, &y, "l0");
	svg_end(to);
}

void profile_plot_limits(const struct profile_figures *figures, FILE *to)
{
	const struct profile_kept *kept = &figures->kept;
	struct bar bars[PROFILE_LIMITS];
	char names[PROFILE_LIMITS][PRINT_SIZE_BYTES], tips[PROFILE_LIMITS][96];
	char share[PRINT_SIZE_BYTES];
	struct weir_text name;
	size_t count = 0;

	for (unsigned i = 0; i < PROFILE_LIMITS; i += 2) {
		weir_text_init(&name, names[count], PRINT_SIZE_BYTES);
		weir_units_format_size_option(&name, profile_limit_bytes(i));
		snprintf(tips[count], sizeof tips[count], "%s: %s", names[count],
			 print_share(share, kept->found_bytes[i], kept->asked_bytes));
		bars[count] = (struct bar){
			names[count],
			(print_tenths(kept->found_bytes[i], kept->asked_bytes) + 5) / 10,
			tips[count],
		};
		count++;
	}
	put_bars(to, "found under each limit", bars, count);
}

/* Memory over time: bands, one above the other. */
static void put_band(FILE *to, const struct profile_result *result, unsigned kind,
		     const struct svg_scale *x, const struct svg_scale *y, uint64_t start_ns)
{
	char style[3] = { 's', (char)('0' + kind % SVG_SERIES), '\0' };

	for (size_t i = 0; i < result->sample_count; i++) {
		const struct census_sample *sample = &result->samples[i];
		uint64_t below = 0;
		double left = svg_place(x, (double)(sample->ns - start_ns) / 1e9);
		double right = area.left + area.width;
		double top, bottom;

		for (unsigned k = 0; k < kind; k++)
			below += sample->memory.bytes[k];
		if (i + 1 < result->sample_count)
			right = svg_place(x, (double)(sample[1].ns - start_ns) / 1e9);
		bottom = svg_place(y, (double)below);
		top = svg_place(y, (double)(below + sample->memory.bytes[kind]));
		svg_box(to, &(struct svg_area){ left, top, right - left, bottom - top }, style,
			census_label(kind));
	}
}

void profile_plot_memory(const struct profile_result *result, FILE *to)
{
	uint64_t start_ns = result->samples[0].ns;
	uint64_t last_ns = result->samples[result->sample_count - 1].ns;
	struct svg_scale x, y;

	svg_begin(to, WIDTH, HEIGHT, "resident memory over time");
	put_axes(to, &x, &y, (double)(last_ns - start_ns) / 1e9 * 1.02 + 0.001,
		 census_sum(&result->evidence->peak.memory));
	for (unsigned kind = 0; kind < CENSUS_KINDS; kind++)
		put_band(to, result, kind, &x, &y, start_ns);
	svg_end(to);
}
