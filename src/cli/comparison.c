#include "comparison.h"

#include "print.h"

#include <math.h>
#include <string.h>

#define CELL_BYTES 64

const struct comparison_column comparison_columns[COMPARISON_COLUMNS] = {
	{ FIGURES_WALL, "WALL" },     { FIGURES_USER, "USER" }, { FIGURES_SYSTEM, "SYSTEM" },
	{ FIGURES_FAULTS, "FAULTS" }, { FIGURES_PEAK, "PEAK" }, { FIGURES_FINAL, "FINAL" },
};

struct figures_interval comparison_ratio(const struct comparison *comparison, size_t place,
					 enum figures_measure measure)
{
	return figures_ratios(comparison->each[place]->samples, comparison->each[0]->samples,
			      comparison->runs, measure);
}

const char *comparison_value(char *buffer, enum figures_measure measure, double value)
{
	if (figures_are_bytes(measure))
		return print_size(buffer, (uint64_t)value);
	if (figures_are_seconds(measure) && value < 10)
		return print_time(buffer, (uint64_t)(value * 1e9));
	snprintf(buffer, PRINT_SIZE_BYTES, figures_are_seconds(measure) ? "%.1f s" : "%.0f", value);
	return buffer;
}

/* The table. */

/* Half of the interval's width, as a part of the median. */
static void put_spread(char *cell, const struct figures_interval *interval)
{
	double spread = interval->middle > 0
				? (interval->high - interval->low) / 2 / interval->middle * 100
				: 0;
	size_t length = strlen(cell);

	if (interval->count > 1 && isfinite(spread))
		snprintf(cell + length, CELL_BYTES - length, " ±%.0f%%", spread);
}

static void put_base(char *cell, const struct comparison *comparison, enum figures_measure measure)
{
	struct figures_interval values =
		figures_values(comparison->each[0]->samples, comparison->runs, measure);
	char value[PRINT_SIZE_BYTES];

	snprintf(cell, CELL_BYTES, "%s", comparison_value(value, measure, values.middle));
	put_spread(cell, &values);
}

static void put_ratio(char *cell, const struct figures_interval *ratio)
{
	bool noise = figures_judge(ratio) == FIGURES_NOISE;

	if (!isfinite(ratio->middle)) {
		snprintf(cell, CELL_BYTES, "-");
		return;
	}
	snprintf(cell, CELL_BYTES, "%s%.*f", noise ? "~" : "", ratio->middle < 9.995 ? 2 : 1,
		 ratio->middle);
	put_spread(cell, ratio);
}

static void add_row(struct print_table *table, const struct comparison *comparison, size_t place)
{
	char cells[COMPARISON_COLUMNS][CELL_BYTES];
	const char *row[COMPARISON_COLUMNS + 1] = { comparison->each[place]->name };

	for (size_t c = 0; c < COMPARISON_COLUMNS; c++) {
		enum figures_measure measure = comparison_columns[c].measure;
		struct figures_interval ratio = comparison_ratio(comparison, place, measure);

		if (place == 0)
			put_base(cells[c], comparison, measure);
		else
			put_ratio(cells[c], &ratio);
		row[c + 1] = cells[c];
	}
	print_table_row(table, row);
}

static void print_figures(const struct comparison *comparison, FILE *to)
{
	static const bool right[COMPARISON_COLUMNS + 1] = { false, true, true, true,
							    true,  true, true };
	const char *headings[COMPARISON_COLUMNS + 1] = { "UNDER" };
	struct print_table *table;

	for (size_t c = 0; c < COMPARISON_COLUMNS; c++)
		headings[c + 1] = comparison_columns[c].heading;
	table = print_table_new(headings, right, COMPARISON_COLUMNS + 1);
	for (size_t i = 0; i < comparison->count; i++)
		add_row(table, comparison, i);
	print_table_end(table, to);
}

static void print_legend(const struct comparison *comparison, FILE *to)
{
	fprintf(to, "\nMedians of %zu run%s%s", comparison->runs, comparison->runs == 1 ? "" : "s",
		comparison->count > 1 ? "; below the first line ratios to it. " : ". ");
	if (comparison->count == 1)
		fputc('\n', to);
	else if (comparison->runs < FIGURES_RUNS_ENOUGH)
		fprintf(to, "Too few to tell\ndifferences from noise: -n %d or more does.\n",
			FIGURES_RUNS_ENOUGH);
	else
		fputs("~ is noise: the\ninterval of the ratio, of which ± is the half, includes "
		      "1.\n",
		      to);
}

/* The winner. */

static bool is_level(const struct comparison *comparison, size_t place)
{
	struct figures_interval scores = figures_scores(
		comparison->each[place]->samples, comparison->each[comparison->winner]->samples,
		comparison->runs, comparison->preference);

	return place != comparison->winner && figures_judge(&scores) == FIGURES_NOISE;
}

static void print_level(const struct comparison *comparison, FILE *to)
{
	const char *before = "As good, but for noise: ";

	for (size_t i = 0; i < comparison->count; i++) {
		if (!is_level(comparison, i))
			continue;
		fprintf(to, "%s%s", before, comparison->each[i]->name);
		before = ", ";
	}
	if (before[0] == ',')
		fputs(".\n", to);
}

static const char *preference_name(const struct comparison *comparison)
{
	return comparison->preference == FIGURES_SPEED ? "speed" : "memory";
}

static void print_winner(const struct comparison *comparison, FILE *to)
{
	static const struct comparison_column said[] = { { FIGURES_WALL, "of the wall time" },
							 { FIGURES_PEAK, "of the peak" },
							 { FIGURES_FINAL, "of the final" } };
	const struct contender *winner = comparison->each[comparison->winner];

	fprintf(to, "Best for %s%s: %s%s%s", preference_name(comparison),
		comparison->runs < FIGURES_RUNS_ENOUGH ? ", as far as so few runs tell" : "",
		print_bold(), winner->name, print_plain());
	for (size_t i = 0; comparison->winner > 0 && i < 3; i++)
		fprintf(to, "%s %.2f %s", i == 0 ? "," : (i == 1 ? "," : " and"),
			comparison_ratio(comparison, comparison->winner, said[i].measure).middle,
			said[i].heading);
	if (comparison->winner > 0)
		fprintf(to, " resident size of %s", comparison->each[0]->name);
	fputs(".\n", to);
	print_level(comparison, to);
}

void comparison_print(const struct comparison *comparison, FILE *to)
{
	print_figures(comparison, to);
	print_legend(comparison, to);
	if (comparison->count > 1)
		print_winner(comparison, to);
}

/* JSON. */

static void put_number(FILE *to, const char *key, double value)
{
	fprintf(to, ",\"%s\":", key);
	if (isfinite(value))
		fprintf(to, "%.9g", value);
	else
		fputs("null", to);
}

static void put_figure(const struct comparison *comparison, size_t place,
		       enum figures_measure measure, FILE *to)
{
	static const char *const verdicts[] = {
		[FIGURES_TOO_FEW] = "too few runs",
		[FIGURES_NOISE] = "noise",
		[FIGURES_LESS] = "less",
		[FIGURES_MORE] = "more",
	};
	const struct contender *contender = comparison->each[place];
	struct figures_interval ratio = comparison_ratio(comparison, place, measure);
	struct figures_interval values =
		figures_values(contender->samples, comparison->runs, measure);

	fprintf(to, ",\"%s\":{\"runs\":[", figures_name(measure));
	for (size_t i = 0; i < comparison->runs; i++)
		fprintf(to, "%s%.9g", i == 0 ? "" : ",", contender->samples[i].values[measure]);
	fputc(']', to);
	put_number(to, "median", values.middle);
	put_number(to, "ratio", ratio.middle);
	put_number(to, "ratio_low", ratio.low);
	put_number(to, "ratio_high", ratio.high);
	fprintf(to, ",\"verdict\":\"%s\"}", verdicts[figures_judge(&ratio)]);
}

static void put_contender(const struct comparison *comparison, size_t place, FILE *to)
{
	fputs(place == 0 ? "{\"name\":" : ",{\"name\":", to);
	print_json_string(to, comparison->each[place]->name);
	for (size_t m = 0; m < FIGURES_MEASURES; m++)
		put_figure(comparison, place, (enum figures_measure)m, to);
	fprintf(to, ",\"level_with_winner\":%s}",
		place == comparison->winner || is_level(comparison, place) ? "true" : "false");
}

void comparison_print_json(const struct comparison *comparison, FILE *to)
{
	fputs("{\"command\":[", to);
	for (size_t i = 0; comparison->argv[i] != NULL; i++) {
		fputs(i == 0 ? "" : ",", to);
		print_json_string(to, comparison->argv[i]);
	}
	fprintf(to, "],\"runs\":%zu,\"prefer\":\"%s\",\"winner\":", comparison->runs,
		preference_name(comparison));
	print_json_string(to, comparison->each[comparison->winner]->name);
	fputs(",\"contenders\":[", to);
	for (size_t i = 0; i < comparison->count; i++)
		put_contender(comparison, i, to);
	fputs("]}\n", to);
}
