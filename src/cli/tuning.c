#include "tuning.h"

#include "tuning_candidates.h"

#include <stdlib.h>
#include <string.h>

#define END_ROUNDS 2 /* times as many as in other steps */

static const char *const presets[] = { "off", "minimal", "moderate", "default", "aggressive" };
#define PRESET_COUNT (sizeof presets / sizeof *presets)

static const char *const searched[] = {
	"WEIR_PRESET", "WEIR_LIMIT",	    "WEIR_MAX",	       "WEIR_CLASS_BLOCKS",
	"WEIR_DECAY",  "WEIR_CLASS_LIMITS", "WEIR_BACKGROUND",
};

void tuning_clear_environment(void)
{
	for (size_t i = 0; i < sizeof searched / sizeof *searched; i++)
		unsetenv(searched[i]);
}

/* Presets. */

static struct tuning_candidate *fastest_preset(struct tuning *tuning)
{
	struct tuning_candidate *found = NULL;
	double least = 0;

	for (size_t i = 0; i < tuning->count; i++) {
		struct contender *contender = tuning->candidates[i].contender;
		double wall =
			figures_ratios(contender->samples, tuning->candidates[0].contender->samples,
				       contender->sample_count, FIGURES_WALL)
				.middle;

		if (!contender->failed && (found == NULL || wall < least)) {
			found = &tuning->candidates[i];
			least = wall;
		}
	}
	return found;
}

/* Sizes are shown as ratios to the fastest, until there is a best. */
static struct tuning_candidate *best_preset(struct tuning *tuning)
{
	struct tuning_candidate *found = tuning->fastest;

	for (size_t i = 0; i < tuning->count; i++) {
		struct tuning_candidate *candidate = &tuning->candidates[i];
		const struct contender *contender = candidate->contender;
		const struct figures_sample *base = tuning->fastest->contender->samples;

		candidate->wall = figures_ratios(contender->samples, base, contender->sample_count,
						 FIGURES_WALL);
		candidate->size = figures_sizes(contender->samples, base, contender->sample_count);
		candidate->outcome = contender->failed			      ? TUNING_FAILED
				     : candidate->wall.middle > tuning->slack ? TUNING_SLOWER
									      : TUNING_LARGER;
		if (candidate->outcome == TUNING_LARGER &&
		    candidate->size.middle < found->size.middle)
			found = candidate;
	}
	return found;
}

static bool try_presets(struct tuning *tuning)
{
	struct contender *each[PRESET_COUNT];

	for (size_t i = 0; i < PRESET_COUNT; i++) {
		struct tuning_settings settings = { .preset = presets[i] };
		struct tuning_candidate *candidate = tuning_propose(tuning, "preset", &settings);

		if (candidate == NULL)
			return false;
		each[i] = candidate->contender;
	}
	if (!rounds_warm_up(&tuning->rounds, each[PRESET_COUNT - 1]) ||
	    !tuning_measure(tuning, each, PRESET_COUNT, tuning->runs) || each[0]->failed)
		return false;
	tuning_read_reports(tuning, 0);
	tuning->fastest = fastest_preset(tuning);
	tuning->fastest->size.middle = 1;
	tuning->preset = tuning->best = best_preset(tuning);
	tuning->fastest->outcome = TUNING_FASTEST;
	tuning->best->outcome = TUNING_TAKEN;
	return true;
}

bool tuning_is_served(const struct tuning *tuning)
{
	return tuning->fastest->tally.requests > 0;
}

/* The end. */

static struct figures_sample medians_of(const struct contender *contender)
{
	struct figures_sample medians;

	for (size_t m = 0; m < FIGURES_MEASURES; m++)
		medians.values[m] = figures_values(contender->samples, contender->sample_count,
						   (enum figures_measure)m)
					    .middle;
	return medians;
}

static void judge_end(struct tuning *tuning, const struct contender *plain)
{
	const struct contender *best = tuning->best->contender;
	size_t count = best->sample_count;

	tuning->end_wall = figures_ratios(best->samples, tuning->fastest->contender->samples, count,
					  FIGURES_WALL);
	tuning->end_size = figures_sizes(best->samples, tuning->preset->contender->samples, count);
	tuning->end_plain_wall = figures_ratios(best->samples, plain->samples, count, FIGURES_WALL);
	tuning->end_plain_size = figures_sizes(best->samples, plain->samples, count);
	tuning->end_sample = medians_of(best);
}

static size_t list_finalists(const struct tuning *tuning, struct contender **each)
{
	size_t count = 0;

	each[count++] = tuning->contenders.each[tuning->contenders.count - 1];
	each[count++] = tuning->fastest->contender;
	if (tuning->preset != tuning->fastest)
		each[count++] = tuning->preset->contender;
	if (tuning->best != tuning->preset && tuning->best != tuning->fastest)
		each[count++] = tuning->best->contender;
	return count;
}

static bool confirm(struct tuning *tuning)
{
	struct contender *each[4];
	size_t count;

	if (!contenders_add(&tuning->contenders, "glibc"))
		return false;
	count = list_finalists(tuning, each);
	if (!tuning_measure(tuning, each, count, END_ROUNDS * tuning->runs))
		return false;
	for (size_t i = 0; i < count; i++)
		if (each[i]->failed)
			return false;
	judge_end(tuning, each[0]);
	if (tuning->best != tuning->preset &&
	    (tuning->end_wall.middle > tuning->slack || tuning->end_size.middle >= 1)) {
		tuning->fell_back = true;
		tuning->best = tuning->preset;
		judge_end(tuning, each[0]);
	}
	return true;
}

/* All that may be run, for the progress. */
static unsigned planned_runs(const struct tuning *tuning)
{
	const unsigned others = 2;

	return 1 + tuning->runs * ((unsigned)PRESET_COUNT + 2 * TUNING_LIMITS + others +
				   TUNING_BISECTIONS * (1 + others) + TUNING_RANGES + others +
				   END_ROUNDS * 4);
}

bool tuning_search(struct tuning *tuning)
{
	tuning->rounds.total = planned_runs(tuning);
	if (!try_presets(tuning))
		return false;
	if (!tuning_is_served(tuning))
		return true;
	if (tuning->best->tally.peak_retained_bytes > 0 &&
	    !(tuning_try_limits(tuning) && tuning_try_decays(tuning) && tuning_try_classes(tuning)))
		return false;
	return confirm(tuning);
}

double tuning_gain(const struct tuning *tuning, const char *step)
{
	double gain = 1;

	for (size_t i = 0; i < tuning->count; i++)
		if (tuning->candidates[i].outcome == TUNING_TAKEN &&
		    strcmp(tuning->candidates[i].step, step) == 0)
			gain *= tuning->candidates[i].size.middle;
	return gain;
}

const struct tuning_candidate *tuning_too_small(const struct tuning *tuning)
{
	const struct tuning_candidate *found = NULL;

	for (size_t i = 0; i < tuning->count; i++) {
		const struct tuning_candidate *candidate = &tuning->candidates[i];
		uint64_t bytes = candidate->settings.limit_bytes;

		if (candidate->outcome == TUNING_SLOWER && bytes > 0 &&
		    bytes < tuning->best->settings.limit_bytes &&
		    (found == NULL || bytes > found->settings.limit_bytes))
			found = candidate;
	}
	return found;
}
