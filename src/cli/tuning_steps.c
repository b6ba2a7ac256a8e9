/* The steps of a search behind the presets: limits, decay, limits of classes. */
#include "tuning_candidates.h"
#include "units.h"

#include <stdlib.h>
#include <string.h>

#define LEAST_LIMIT_BYTES WEIR_MIB

/* What blocks may stay unused, where a run takes twice as long at least. */
static const uint64_t decays_ms[] = { 100, 300, 1000, 3000 };

/* The limit. */

static uint64_t round_limit(uint64_t bytes)
{
	return (bytes + WEIR_MIB - 1) / WEIR_MIB * WEIR_MIB;
}

static bool propose_limit(struct tuning *tuning, const struct tuning_settings *base, uint64_t bytes)
{
	struct tuning_settings settings = *base;

	settings.limit_bytes = bytes;
	return tuning_propose(tuning, "limit", &settings) != NULL;
}

static bool propose_limits(struct tuning *tuning, const struct tuning_candidate *base)
{
	uint64_t last = round_limit(base->tally.peak_retained_bytes);

	for (unsigned i = 1; i <= TUNING_LIMITS; i++) {
		uint64_t bytes = round_limit(base->tally.peak_retained_bytes >> i);

		if (bytes >= last)
			break;
		if (!propose_limit(tuning, &base->settings, bytes))
			return false;
		last = bytes;
	}
	return true;
}

/* The largest limit below the best that was tried; 0 for none. */
static uint64_t limit_below(const struct tuning *tuning)
{
	uint64_t largest = 0;

	for (size_t i = 0; i < tuning->count; i++) {
		const struct tuning_candidate *candidate = &tuning->candidates[i];
		uint64_t bytes = candidate->settings.limit_bytes;

		if (strcmp(candidate->step, "limit") == 0 &&
		    candidate->settings.preset == tuning->best->settings.preset &&
		    bytes < tuning->best->settings.limit_bytes && bytes > largest)
			largest = bytes;
	}
	return largest;
}

static bool bisect_limit(struct tuning *tuning)
{
	for (unsigned i = 0; i < TUNING_BISECTIONS && tuning->best->settings.limit_bytes > 0; i++) {
		uint64_t high = tuning->best->settings.limit_bytes;
		uint64_t middle = round_limit((limit_below(tuning) + high) / 2);
		size_t first = tuning->count;

		if (middle >= high || middle < LEAST_LIMIT_BYTES)
			break;
		if (!propose_limit(tuning, &tuning->best->settings, middle) ||
		    !tuning_take_best(tuning, first))
			return false;
	}
	return true;
}

bool tuning_try_limits(struct tuning *tuning)
{
	size_t first = tuning->count;

	if (!propose_limits(tuning, tuning->best) ||
	    (tuning->best != tuning->fastest && !propose_limits(tuning, tuning->fastest)))
		return false;
	return tuning_take_best(tuning, first) && bisect_limit(tuning);
}

/* Decay. */

static double best_wall_ms(const struct tuning *tuning)
{
	const struct contender *contender = tuning->best->contender;

	return figures_values(contender->samples, contender->sample_count, FIGURES_WALL).middle *
	       1000;
}

bool tuning_try_decays(struct tuning *tuning)
{
	const struct tuning_settings base = tuning->best->settings;
	size_t first = tuning->count;

	for (size_t i = 0; i < sizeof decays_ms / sizeof *decays_ms; i++) {
		struct tuning_settings settings = base;

		if ((double)decays_ms[i] * 2 > best_wall_ms(tuning))
			break;
		settings.decay_ms = decays_ms[i];
		if (tuning_propose(tuning, "decay", &settings) == NULL)
			return false;
		settings.background = true;
		if (tuning_propose(tuning, "decay", &settings) == NULL)
			return false;
	}
	return tuning_take_best(tuning, first);
}

/* Limits of classes: those of the doublings whose blocks were asked for least, by what they hold.
 */

struct doubling {
	unsigned region;
	uint64_t hits;
	uint64_t held_bytes; /* one block at least */
};

static size_t count_doublings(const struct tally *tally, struct doubling *doublings)
{
	size_t count = 0;

	for (unsigned region = 0; region < WEIR_REGION_COUNT; region++) {
		struct doubling *doubling = &doublings[count];

		*doubling = (struct doubling){ region, 0, weir_region_stride(region) };
		for (size_t i = 0; i < tally->class_count; i++) {
			uint64_t bytes = tally->classes[i].size_bytes;

			if (bytes > weir_region_stride(region) ||
			    bytes <= weir_region_stride(region) / 2)
				continue;
			doubling->hits += tally->classes[i].hits;
			doubling->held_bytes += tally->classes[i].retained_bytes;
		}
		count += doubling->hits > 0;
	}
	return count;
}

/* By the time that a retained byte saves, which is that of its page's fault each time. */
static int compare_doublings(const void *a, const void *b)
{
	const struct doubling *x = a, *y = b;
	double worth_x =
		(double)x->hits * (double)weir_region_stride(x->region) / (double)x->held_bytes;
	double worth_y =
		(double)y->hits * (double)weir_region_stride(y->region) / (double)y->held_bytes;

	return (worth_x > worth_y) - (worth_x < worth_y);
}

/* The requests that are served by the classes of one doubling, with room for colours (classes.h).
 */
static void put_range(char *classes, unsigned region)
{
	size_t stride = weir_region_stride(region);
	struct weir_text text;

	weir_text_init(&text, classes, TUNING_CLASSES_BYTES);
	weir_units_format_size_option(&text, stride / 2);
	weir_text_char(&text, '-');
	weir_units_format_size_option(&text, stride - stride / 16);
	weir_text_string(&text, ":0");
}

bool tuning_try_classes(struct tuning *tuning)
{
	struct doubling doublings[WEIR_REGION_COUNT + 1];
	size_t count = count_doublings(&tuning->best->tally, doublings);
	const struct tuning_settings base = tuning->best->settings;
	size_t first = tuning->count;

	qsort(doublings, count, sizeof *doublings, compare_doublings);
	for (size_t i = 0; count > 1 && i < count && i < TUNING_RANGES; i++) {
		struct tuning_settings settings = base;

		put_range(settings.classes, doublings[i].region);
		if (tuning_propose(tuning, "classes", &settings) == NULL)
			return false;
	}
	return tuning_take_best(tuning, first);
}
