/* The search of `weir tune`: for the settings with which a program has the smallest resident size,
 * the mean of its peak and of its mean over time, within a part of the fastest time.
 *
 * Each step measures what it proposes in turn with the fastest and the best so far. What is slower
 * than may be, or not smaller than the best by more than noise and a hundredth, is dropped. In the
 * end the best is measured once more, against the best preset, which it has to beat again. */
#ifndef WEIR_CLI_TUNING_H
#define WEIR_CLI_TUNING_H

#include "rounds.h"
#include "tally.h"

#define TUNING_CLASSES_BYTES 256
#define TUNING_NAME_BYTES 512

struct tuning_settings {
	const char *preset;
	uint64_t limit_bytes; /* 0: the preset's */
	uint64_t decay_ms;    /* 0: the preset's */
	bool background;
	char classes[TUNING_CLASSES_BYTES]; /* class limits; "" for none */
};

enum tuning_outcome {
	TUNING_UNKNOWN,
	TUNING_FAILED,	/* the program did */
	TUNING_SLOWER,	/* than may be */
	TUNING_LARGER,	/* than the best, or not smaller by more than noise */
	TUNING_SMALLER, /* than the best, but another one of the step is smaller still */
	TUNING_TAKEN,
	TUNING_FASTEST, /* of the presets, and not the best */
};

struct tuning_candidate {
	const char *step; /* "preset", "limit", ... */
	struct tuning_settings settings;
	struct contender *contender;
	struct tally tally;
	struct figures_interval wall; /* to the fastest */
	struct figures_interval size; /* to the best of then */
	enum tuning_outcome outcome;
};

struct tuning {
	struct rounds rounds;
	struct contenders contenders;
	unsigned runs;
	double slack; /* 1.05: within 5 % of the fastest time */

	struct tuning_candidate candidates[CONTENDERS_MAX];
	size_t count;
	struct tuning_candidate *fastest;
	struct tuning_candidate *preset; /* the best of them */
	struct tuning_candidate *best;

	/* Of the end: the best against the fastest, the best preset and the program without weir.
	 */
	struct figures_interval end_wall, end_size, end_plain_wall, end_plain_size;
	struct figures_sample end_sample; /* medians of the best */
	bool fell_back; /* the best was not better once more: it is the preset now */
};

/* Takes variables that the search sets out of this command's environment. */
void tuning_clear_environment(void);

/* Whether the program made any large request under weir. */
bool tuning_is_served(const struct tuning *tuning);

/* Searches; false where the program fails or the command is to end, which was said. */
bool tuning_search(struct tuning *tuning);

/* The size that what a step took left, as a part of what it was before; 1 where it took nothing. */
double tuning_gain(const struct tuning *tuning, const char *step);

/* Of what has a smaller limit than the best and was too slow the one with the largest, or NULL. */
const struct tuning_candidate *tuning_too_small(const struct tuning *tuning);

/* The settings as they are typed: preset=moderate,limit=24M. Into TUNING_NAME_BYTES. */
void tuning_format(char *name, const struct tuning_settings *settings);

#endif
