#include "tuning_candidates.h"

#include "units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORTH 0.99 /* the size ratio to the best that is worth a setting */

/* Settings. */

static void put_size(struct weir_text *text, const char *name, uint64_t bytes)
{
	weir_text_string(text, name);
	weir_units_format_size_option(text, bytes);
}

void tuning_format(char *name, const struct tuning_settings *settings)
{
	struct weir_text text;

	weir_text_init(&text, name, TUNING_NAME_BYTES);
	weir_text_string(&text, "preset=");
	weir_text_string(&text, settings->preset);
	if (settings->limit_bytes > 0)
		put_size(&text, ",limit=", settings->limit_bytes);
	if (settings->decay_ms > 0) {
		weir_text_string(&text, ",decay=");
		weir_units_format_time_option(&text, settings->decay_ms);
	}
	if (settings->background)
		weir_text_string(&text, ",background=1");
	if (settings->classes[0] != '\0') {
		weir_text_string(&text, ",class-limits=");
		weir_text_string(&text, settings->classes);
	}
}

/* Candidates. */

static void put_report_path(char *path, size_t size, const struct tuning *tuning,
			    const struct tuning_candidate *candidate)
{
	snprintf(path, size, "%s/%zu.report", tuning->rounds.directory,
		 (size_t)(candidate - tuning->candidates));
}

static bool ask_for_report(struct tuning *tuning, struct tuning_candidate *candidate)
{
	char path[PATH_MAX + 32], value[PATH_MAX + 48];

	put_report_path(path, sizeof path, tuning, candidate);
	snprintf(value, sizeof value, "exit:%s", path);
	return launch_add(&candidate->contender->launch, "WEIR_REPORT", value);
}

struct tuning_candidate *tuning_propose(struct tuning *tuning, const char *step,
					const struct tuning_settings *settings)
{
	struct tuning_candidate *candidate = &tuning->candidates[tuning->count];
	char name[TUNING_NAME_BYTES];

	/* One place is for the program without weir. */
	if (tuning->count + 1 == CONTENDERS_MAX)
		return NULL;
	tuning_format(name, settings);
	candidate->step = step;
	candidate->settings = *settings;
	candidate->contender = contenders_add_weir(&tuning->contenders, name, name);
	if (candidate->contender == NULL || !ask_for_report(tuning, candidate))
		return NULL;
	tuning->count++;
	return candidate;
}

bool tuning_measure(struct tuning *tuning, struct contender *const *each, size_t count,
		    unsigned runs)
{
	unsigned planned = tuning->rounds.done + (unsigned)count * runs;

	for (size_t i = 0; i < count; i++)
		each[i]->sample_count = 0;
	if (tuning->rounds.total < planned)
		tuning->rounds.total = planned;
	return rounds_run(&tuning->rounds, each, count, runs);
}

void tuning_read_reports(struct tuning *tuning, size_t first)
{
	char path[PATH_MAX + 32];

	for (size_t i = first; i < tuning->count; i++) {
		put_report_path(path, sizeof path, tuning, &tuning->candidates[i]);
		tally_read(&tuning->candidates[i].tally, path);
	}
}

static void judge(const struct tuning *tuning, struct tuning_candidate *candidate)
{
	const struct figures_sample *samples = candidate->contender->samples;
	size_t count = candidate->contender->sample_count;

	candidate->wall =
		figures_ratios(samples, tuning->fastest->contender->samples, count, FIGURES_WALL);
	candidate->size = figures_sizes(samples, tuning->best->contender->samples, count);
	if (candidate->contender->failed)
		candidate->outcome = TUNING_FAILED;
	else if (candidate->wall.middle > tuning->slack)
		candidate->outcome = TUNING_SLOWER;
	else if (candidate->size.middle > WORTH || candidate->size.high >= 1)
		candidate->outcome = TUNING_LARGER;
	else
		candidate->outcome = TUNING_SMALLER;
}

static struct tuning_candidate *smallest(struct tuning *tuning, size_t first)
{
	struct tuning_candidate *found = NULL;

	for (size_t i = first; i < tuning->count; i++) {
		struct tuning_candidate *candidate = &tuning->candidates[i];

		judge(tuning, candidate);
		if (candidate->outcome == TUNING_SMALLER &&
		    (found == NULL || candidate->size.middle < found->size.middle))
			found = candidate;
	}
	return found;
}

bool tuning_take_best(struct tuning *tuning, size_t first)
{
	struct contender *each[CONTENDERS_MAX] = { tuning->fastest->contender };
	size_t count = 1;
	struct tuning_candidate *found;

	if (first == tuning->count)
		return true;
	if (tuning->best != tuning->fastest)
		each[count++] = tuning->best->contender;
	for (size_t i = first; i < tuning->count; i++)
		each[count++] = tuning->candidates[i].contender;
	if (!tuning_measure(tuning, each, count, tuning->runs) ||
	    tuning->fastest->contender->failed || tuning->best->contender->failed)
		return false;
	tuning_read_reports(tuning, first);
	found = smallest(tuning, first);
	if (found != NULL) {
		found->outcome = TUNING_TAKEN;
		tuning->best = found;
	}
	return true;
}
