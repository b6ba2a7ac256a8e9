/* The result as a page for a browser: one file, with pictures in it and no script. */
#include "print.h"
#include "profile_plots.h"
#include "svg.h"

#include <inttypes.h>
#include <string.h>

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
	      ".key svg{vertical-align:-1px}.key span{white-space:nowrap;margin-right:1em}\n"
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

/* Their colours are the pictures' own, whose style holds for the page. */
static void put_key(FILE *to, const char *const *names, size_t count)
{
	fputs("<p class=\"key\">", to);
	for (size_t i = 0; i < count; i++)
		fprintf(to,
			"<span><svg width=\"12\" height=\"12\"><rect width=\"12\" height=\"12\" "
			"class=\"s%zu\"/></svg> %s</span> ",
			i, names[i]);
	fputs("</p>\n", to);
}

static void put_plots(const struct profile_figures *figures, FILE *to)
{
	static const char *const names[] = { "live", "retained under the limit (model)" };

	put_heading(to, "Large requests by size");
	profile_plot_sizes(figures, to);
	put_heading(to, "Lifetimes of blocks");
	profile_plot_lives(figures, to);
	put_heading(to, "Live bytes over time");
	put_key(to, names, 2);
	profile_plot_live(figures, to);
	put_heading(to, "What a limit would find retained, in percent of the bytes asked for");
	profile_plot_limits(figures, to);
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
	profile_plot_memory(result, to);
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
	if (result->figures->requests > 0)
		put_plots(result->figures, to);
	put_memory(result, to);
	fputs("</body></html>\n", to);
}
