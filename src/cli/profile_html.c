/* The result as a page for a browser: one file, with pictures in it and no script. */
#include "print.h"
#include "profile_result.h"
#include "svg.h"

#include <inttypes.h>
#include <string.h>

#define WIDTH 860.0
#define HEIGHT 260.0
#define LEFT 84.0
#define TOP 20.0
#define ROOM 40.0 /* below, for labels */

static const struct svg_area area = { LEFT, TOP, WIDTH - LEFT - 20, HEIGHT - TOP - ROOM };

/* Text. */

static void put_begin(FILE *to, const char *program)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>weir profile: ",
	      to);
	svg_put_escaped(to, program);
	fputs("</title>\n<style>\n"
	      "body{font:15px/1.5 system-ui,sans-serif;max-width:900px;margin:2em auto;"
	      "padding:0 1em;background:#fff;color:#24292f}\n"
	      "h2{margin:1.6em 0 .4em;font-size:1.15em}svg{max-width:100%;height:auto}\n"
	      "code{font:13px ui-monospace,monospace}table{border-collapse:collapse}\n"
	      "td,th{padding:.25em .8em;text-align:left;vertical-align:top;"
	      "border-bottom:1px solid #d8dee4}td.n{text-align:right}\n"
	      ".verdict{padding:.7em 1em;border-left:4px solid #0072b2;background:#f6f8fa}\n"
	      ".key span{display:inline-block;width:1em;height:1em;margin:0 .4em 0 1em;"
	      "vertical-align:-2px}\n"
	      "@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}"
	      ".verdict{background:#161b22;border-color:#56b4e9}td,th{border-color:#2d333b}}\n"
	      "</style></head><body>\n",
	      to);
}

static void put_heading(FILE *to, const char *heading)
{
	fprintf(to, "<h2>%s</h2>\n", heading);
}

static void put_code(FILE *to, const char *text)
{
	fputs("<code>", to);
	svg_put_escaped(to, text);
	fputs("</code>", to);
}

static void put_command(const struct profile_result *result, FILE *to)
{
	fputs("<h1>weir profile</h1>\n<p>", to);
	for (char *const *word = result->argv; *word != NULL; word++) {
		put_code(to, *word);
		fputc(' ', to);
	}
	fprintf(to, "<br>ran %.3f s, exit status %d</p>\n<p class=\"verdict\">",
		(double)result->wall_ns / 1e9, child_exit_status(result->child));
	svg_put_escaped(to, result->advice->summary);
	fputs("</p>\n", to);
}

static void put_settings(const struct profile_advice *advice, FILE *to)
{
	put_heading(to, "Settings");
	if (advice->count == 0) {
		fputs("<p>none to recommend</p>\n", to);
		return;
	}
	fputs("<table id=\"settings\">\n", to);
	for (size_t i = 0; i < advice->count; i++) {
		fprintf(to, "<tr><td><code>%s=", advice->settings[i].name);
		svg_put_escaped(to, advice->settings[i].value);
		fputs("</code></td><td>", to);
		svg_put_escaped(to, advice->settings[i].reason);
		fputs("</td></tr>\n", to);
	}
	fputs("</table>\n", to);
}

static void put_row(FILE *to, const char *name, const char *value)
{
	fprintf(to, "<tr><td>%s</td><td class=\"n\">%s</td></tr>\n", name, value);
}

static void put_size_row(FILE *to, const char *name, uint64_t bytes)
{
	char size[PRINT_SIZE_BYTES];

	put_row(to, name, print_size(size, bytes));
}

static void put_share_row(FILE *to, const char *name, uint64_t part, uint64_t whole)
{
	char share[PRINT_SIZE_BYTES];

	put_row(to, name, print_share(share, part, whole));
}

static void put_figures(const struct profile_result *result, FILE *to)
{
	const struct profile_figures *figures = result->figures;
	const struct profile_statistics *statistics = &result->evidence->statistics;
	struct profile_saving saving = profile_save(result->evidence);
	char number[PRINT_SIZE_BYTES];

	put_heading(to, "Figures");
	fputs("<table id=\"figures\">\n", to);
	snprintf(number, sizeof number, "%" PRIu64, figures->requests);
	put_row(to, "large requests", number);
	put_size_row(to, "bytes asked for", figures->requested_bytes);
	put_size_row(to, "peak of live bytes", figures->peak_live_bytes);
	put_share_row(to, "hits of weir", statistics->hits, statistics->hits + statistics->misses);
	put_share_row(to, "bytes found retained (estimate)", saving.found_bytes,
		      figures->kept.asked_bytes);
	put_size_row(to, "faulted by the C library (estimate)", figures->libc_faulted_bytes);
	put_size_row(to, "faults saved (estimate)", saving.bytes);
	put_share_row(to, "frees by another thread", figures->freed_foreign, figures->freed);
	snprintf(number, sizeof number, "%" PRIu64, figures->grown);
	put_row(to, "blocks grown by realloc, times", number);
	snprintf(number, sizeof number, "%" PRIu64, profile_gaps(result).lost);
	put_row(to, "calls that are missing", number);
	fputs("</table>\n", to);
}

/* Pictures. */

static void bytes_label(char *buffer, double value)
{
	print_size(buffer, value < 0 ? 0 : (uint64_t)value);
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
		scale.high = bars[i].value > scale.high ? (double)bars[i].value : scale.high;
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

static void put_sizes(const struct profile_figures *figures, FILE *to)
{
	struct bar bars[BARS_MAX];
	char names[BARS_MAX][PRINT_SIZE_BYTES], tips[BARS_MAX][96], bytes[PRINT_SIZE_BYTES];
	size_t count = 0;

	put_heading(to, "Large requests by size");
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

static void put_lives(const struct profile_figures *figures, FILE *to)
{
	struct bar bars[PROFILE_LIVES];
	char tips[PROFILE_LIVES][96], bytes[PRINT_SIZE_BYTES];

	put_heading(to, "Lifetimes of blocks");
	for (unsigned i = 0; i < PROFILE_LIVES; i++) {
		snprintf(tips[i], sizeof tips[i], "%s: %" PRIu64 " blocks, %s",
			 profile_life_name(i), figures->lives[i].blocks,
			 print_size(bytes, figures->lives[i].bytes));
		bars[i] = (struct bar){ profile_life_name(i), figures->lives[i].blocks, tips[i] };
	}
	put_bars(to, "lifetimes of blocks", bars, PROFILE_LIVES);
}

static void put_key(FILE *to, const char *const *names, size_t count)
{
	static const char *const colours[] = { "#0072b2", "#d55e00", "#009e73",
					       "#cc79a7", "#b58900", "#6e7781" };

	fputs("<p class=\"key\">", to);
	for (size_t i = 0; i < count; i++)
		fprintf(to, "<span style=\"background:%s\"></span>%s", colours[i], names[i]);
	fputs("</p>\n", to);
}

static void put_axes(FILE *to, struct svg_scale *x, struct svg_scale *y, double span_s, double most)
{
	*x = (struct svg_scale){ 0, span_s, area.left, area.left + area.width };
	*y = (struct svg_scale){ 0, most * 1.05 + 1, area.top + area.height, area.top };
	svg_axis_x(to, &area, x, seconds_label);
	svg_axis_y(to, &area, y, bytes_label);
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

static void put_live(const struct profile_figures *figures, FILE *to)
{
	static const char *const names[] = { "live", "retained under the limit (model)" };
	const struct profile_moments *moments = &figures->moments;
	uint64_t most = figures->peak_live_bytes;
	struct svg_scale x, y;

	put_heading(to, "Live bytes over time");
	put_key(to, names, 2);
	svg_begin(to, WIDTH, HEIGHT, "live bytes over time");
	for (size_t i = 0; i < moments->count; i++)
		most = weir_max(most, moments->most[i][PROFILE_RETAINED_BYTES]);
	put_axes(to, &x, &y, (double)(moments->count * moments->width_ns) / 1e9, (double)most);
	put_moments(to, moments, PROFILE_RETAINED_BYTES, &x, &y, "l1");
	put_moments(to, moments, PROFILE_LIVE_BYTES, &x, &y, "l0");
	svg_end(to);
}

static void put_limits(const struct profile_result *result, FILE *to)
{
	const struct profile_kept *kept = &result->figures->kept;
	struct bar bars[PROFILE_LIMITS];
	char names[PROFILE_LIMITS][PRINT_SIZE_BYTES], tips[PROFILE_LIMITS][96];
	char share[PRINT_SIZE_BYTES];
	size_t count = 0;

	put_heading(to, "What a limit would find retained, in percent of the bytes asked for");
	for (unsigned i = 0; i < PROFILE_LIMITS; i += 2) {
		print_size(names[count], profile_limit_bytes(i));
		strcpy(strchr(names[count], '.'), strchr(names[count], ' ') + 1);
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

static void put_bands(const struct profile_result *result, FILE *to)
{
	uint64_t start_ns = result->samples[0].ns;
	uint64_t last_ns = result->samples[result->sample_count - 1].ns;
	struct svg_scale x, y;

	svg_begin(to, WIDTH, HEIGHT, "resident memory over time");
	put_axes(to, &x, &y, (double)(last_ns - start_ns) / 1e9 * 1.02 + 0.001,
		 (double)census_sum(&result->evidence->peak.memory));
	for (unsigned kind = 0; kind < CENSUS_KINDS; kind++)
		put_band(to, result, kind, &x, &y, start_ns);
	svg_end(to);
}

static void put_memory(const struct profile_result *result, FILE *to)
{
	const char *names[CENSUS_KINDS];

	put_heading(to, "Resident memory over time");
	if (result->sample_count == 0) {
		fputs("<p>the program ended before it could be looked at</p>\n", to);
		return;
	}
	for (unsigned kind = 0; kind < CENSUS_KINDS; kind++)
		names[kind] = census_label(kind);
	put_key(to, names, CENSUS_KINDS);
	put_bands(result, to);
	fputs("<table id=\"memory\">\n", to);
	for (unsigned kind = 0; kind < CENSUS_KINDS; kind++)
		put_size_row(to, names[kind], result->evidence->peak.memory.bytes[kind]);
	put_size_row(to, "in all, when it was most", census_sum(&result->evidence->peak.memory));
	fputs("</table>\n", to);
}

void profile_html(const struct profile_result *result, FILE *to)
{
	put_begin(to, result->argv[0]);
	put_command(result, to);
	put_settings(result->advice, to);
	put_figures(result, to);
	if (result->figures->requests > 0) {
		put_sizes(result->figures, to);
		put_lives(result->figures, to);
		put_live(result->figures, to);
		put_limits(result, to);
	}
	put_memory(result, to);
	fputs("</body></html>\n", to);
}
