/* The sheet of weir tune: what was tried, what is recommended, and the environment for it. */
#include "tune.h"

#include "print.h"

#include <math.h>

/* What was tried. */

static const char *const outcomes[] = {
	[TUNING_UNKNOWN] = "",
	[TUNING_FAILED] = "the program failed",
	[TUNING_SLOWER] = "too slow",
	[TUNING_LARGER] = "no smaller",
	[TUNING_SMALLER] = "smaller, not least",
	[TUNING_TAKEN] = "taken",
	[TUNING_FASTEST] = "fastest",
};

static void put_ratio(char *cell, const struct figures_interval *ratio)
{
	if (ratio->count == 0)
		snprintf(cell, PRINT_SIZE_BYTES, "-");
	else
		snprintf(cell, PRINT_SIZE_BYTES, "%.2f ±%.0f%%", ratio->middle,
			 (ratio->high - ratio->low) / 2 / ratio->middle * 100);
}

static void print_tried(const struct tuning *tuning)
{
	static const char *const headings[] = { "STEP", "SETTINGS", "WALL", "RESIDENT", "" };
	static const bool right[] = { false, false, true, true, false };
	struct print_table *table = print_table_new(headings, right, 5);

	for (size_t i = 0; i < tuning->count; i++) {
		const struct tuning_candidate *candidate = &tuning->candidates[i];
		char wall[PRINT_SIZE_BYTES], size[PRINT_SIZE_BYTES];

		put_ratio(wall, &candidate->wall);
		put_ratio(size, &candidate->size);
		print_table_row(table,
				(const char *[]){ candidate->step, candidate->contender->name, wall,
						  size, outcomes[candidate->outcome] });
	}
	print_table_end(table, stdout);
}

/* Output for people. */

static void print_end(const struct tuning *tuning)
{
	char peak[PRINT_SIZE_BYTES], mean[PRINT_SIZE_BYTES], wall[PRINT_SIZE_BYTES];
	const double *values = tuning->end_sample.values;

	printf("Once more, in %zu runs: %s, resident %s at most and %s over time.\n",
	       tuning->end_wall.count, print_time(wall, (uint64_t)(values[FIGURES_WALL] * 1e9)),
	       print_size(peak, (uint64_t)values[FIGURES_PEAK]),
	       print_size(mean, (uint64_t)values[FIGURES_MEAN]));
	printf("  %-28s wall %.2f\n", "to the fastest preset", tuning->end_wall.middle);
	printf("  %-28s resident %.2f\n", "to the best preset", tuning->end_size.middle);
	printf("  %-28s wall %.2f, resident %.2f\n", "to the program without weir",
	       tuning->end_plain_wall.middle, tuning->end_plain_size.middle);
	if (tuning->fell_back)
		puts("What the search had found was no better then, so this is the preset.");
}

static void warn_of_noise(const struct tuning *tuning)
{
	const struct figures_interval *wall = &tuning->end_wall;
	double spread = (wall->high - wall->low) / 2 / wall->middle;

	if (wall->count > 1 && isfinite(spread) && spread > tuning->slack - 1 &&
	    tuning->best != tuning->fastest)
		printf("The times spread by ±%.0f %%, more than they may differ: more runs (-n) or "
		       "a quieter machine would tell more.\n",
		       spread * 100);
}

static void print_useless(const struct tuning *tuning)
{
	if (tuning_is_served(tuning))
		puts("weir is best left out: without keeping anything the program is as fast, and "
		     "smaller.");
	else
		puts("weir cannot help: the program makes no large request.");
}

static void print_advice(const struct tuning *tuning, const char *format)
{
	struct tune_advice advice = { .count = 0 };

	tune_advise(&advice, tuning);
	printf("%sRecommended:%s\n", print_bold(), print_plain());
	for (size_t i = 0; i < advice.count; i++)
		printf("  %s=%s\n      %s\n", advice.variables[i].name, advice.variables[i].value,
		       advice.reasons[i]);
	putchar('\n');
	print_end(tuning);
	warn_of_noise(tuning);
	putchar('\n');
	deploy_print(stdout, format, advice.variables, advice.count);
}

void tune_print(const struct tuning *tuning, const char *format)
{
	print_tried(tuning);
	printf("\nMedians of %u runs: wall time to the fastest preset, resident size (mean of peak "
	       "and of\nmean over time) to the best so far; of presets to the fastest.\n\n",
	       tuning->runs);
	if (tune_is_worthwhile(tuning))
		print_advice(tuning, format);
	else
		print_useless(tuning);
}

/* JSON. */

static void put_candidate(const struct tuning_candidate *candidate, bool first)
{
	printf("%s{\"step\":\"%s\",\"settings\":", first ? "" : ",", candidate->step);
	print_json_string(stdout, candidate->contender->name);
	printf(",\"wall_ratio\":%.6g,\"resident_ratio\":%.6g,\"outcome\":\"%s\"}",
	       candidate->wall.middle, candidate->size.middle, outcomes[candidate->outcome]);
}

static void put_variables(const struct tuning *tuning)
{
	struct tune_advice advice = { .count = 0 };

	if (tune_is_worthwhile(tuning))
		tune_advise(&advice, tuning);
	for (size_t i = 0; i < advice.count; i++) {
		printf("%s\"%s\":", i == 0 ? "" : ",", advice.variables[i].name);
		print_json_string(stdout, advice.variables[i].value);
	}
}

void tune_print_json(const struct tuning *tuning)
{
	fputs("{\"tried\":[", stdout);
	for (size_t i = 0; i < tuning->count; i++)
		put_candidate(&tuning->candidates[i], i == 0);
	printf("],\"fastest\":\"%s\",\"best_preset\":\"%s\",\"fell_back\":%s,\"environment\":{",
	       tuning->fastest->settings.preset, tuning->preset->settings.preset,
	       tuning->fell_back ? "true" : "false");
	put_variables(tuning);
	printf("},\"wall_ratio\":%.6g,\"resident_ratio\":%.6g,\"plain_wall_ratio\":%.6g,"
	       "\"plain_resident_ratio\":%.6g}\n",
	       tuning->end_wall.middle, tuning->end_size.middle, tuning->end_plain_wall.middle,
	       tuning->end_plain_size.middle);
}
