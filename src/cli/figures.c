#include "figures.h"

#include <math.h>
#include <stdlib.h>

/* Measures. */

static const struct {
	const char *name;
	enum { SECONDS, NUMBER, BYTES } unit;
} measures[] = {
	[FIGURES_WALL] = { "wall_s", SECONDS },	    [FIGURES_USER] = { "user_s", SECONDS },
	[FIGURES_SYSTEM] = { "system_s", SECONDS }, [FIGURES_FAULTS] = { "faults", NUMBER },
	[FIGURES_PEAK] = { "peak_bytes", BYTES },   [FIGURES_MEAN] = { "mean_bytes", BYTES },
	[FIGURES_FINAL] = { "final_bytes", BYTES },
};

const char *figures_name(enum figures_measure measure)
{
	return measures[measure].name;
}

bool figures_are_bytes(enum figures_measure measure)
{
	return measures[measure].unit == BYTES;
}

bool figures_are_seconds(enum figures_measure measure)
{
	return measures[measure].unit == SECONDS;
}

/* Intervals. */

double figures_ratio(double value, double base)
{
	if (base > 0)
		return value / base;
	return value > 0 ? HUGE_VAL : 1;
}

/* The chance that fewer than k of `count` throws of a coin are heads grows by a term of the
 * binomial distribution with each k. */
size_t figures_rank(size_t count)
{
	double term = 1, outside;
	size_t k = 1;

	for (size_t i = 0; i < count; i++)
		term /= 2;
	outside = term;
	while (k < count / 2) {
		term *= (double)(count - k + 1) / (double)k;
		if (2 * (outside + term) > 0.1)
			break;
		outside += term;
		k++;
	}
	return k;
}

static int compare_numbers(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const double *sorted, size_t count)
{
	double lower = sorted[(count - 1) / 2], upper = sorted[count / 2];

	return lower + (upper > lower ? (upper - lower) / 2 : 0);
}

struct figures_interval figures_interval_of(double *values, size_t count)
{
	size_t rank = figures_rank(count);

	if (count == 0)
		return (struct figures_interval){ 0, 0, 0, 0 };
	qsort(values, count, sizeof *values, compare_numbers);
	return (struct figures_interval){ median(values, count), values[rank - 1],
					  values[count - rank], count };
}

enum figures_verdict figures_judge(const struct figures_interval *ratio)
{
	if (ratio->count < FIGURES_RUNS_ENOUGH)
		return FIGURES_TOO_FEW;
	if (ratio->high < 1)
		return FIGURES_LESS;
	return ratio->low > 1 ? FIGURES_MORE : FIGURES_NOISE;
}

/* Samples. */

static size_t bounded(size_t count)
{
	return count < FIGURES_RUNS_MAX ? count : FIGURES_RUNS_MAX;
}

struct figures_interval figures_values(const struct figures_sample *samples, size_t count,
				       enum figures_measure measure)
{
	double values[FIGURES_RUNS_MAX];

	for (size_t i = 0; i < bounded(count); i++)
		values[i] = samples[i].values[measure];
	return figures_interval_of(values, bounded(count));
}

struct figures_interval figures_ratios(const struct figures_sample *samples,
				       const struct figures_sample *base, size_t count,
				       enum figures_measure measure)
{
	double ratios[FIGURES_RUNS_MAX];

	for (size_t i = 0; i < bounded(count); i++)
		ratios[i] = figures_ratio(samples[i].values[measure], base[i].values[measure]);
	return figures_interval_of(ratios, bounded(count));
}

static double size_of(const struct figures_sample *sample)
{
	return (sample->values[FIGURES_PEAK] + sample->values[FIGURES_MEAN]) / 2;
}

struct figures_interval figures_sizes(const struct figures_sample *samples,
				      const struct figures_sample *base, size_t count)
{
	double ratios[FIGURES_RUNS_MAX];

	for (size_t i = 0; i < bounded(count); i++)
		ratios[i] = figures_ratio(size_of(&samples[i]), size_of(&base[i]));
	return figures_interval_of(ratios, bounded(count));
}

/* Scores. */

/* Squared, so that no root has to be taken. */
static double score(const struct figures_sample *sample, const struct figures_sample *base,
		    enum figures_preference preference)
{
	double time = figures_ratio(sample->values[FIGURES_WALL], base->values[FIGURES_WALL]);
	double memory = figures_ratio(sample->values[FIGURES_PEAK], base->values[FIGURES_PEAK]) *
			figures_ratio(sample->values[FIGURES_FINAL], base->values[FIGURES_FINAL]);

	return preference == FIGURES_SPEED ? time * time * time * time * time * time * memory
					   : time * time * memory * memory * memory;
}

struct figures_interval figures_scores(const struct figures_sample *samples,
				       const struct figures_sample *base, size_t count,
				       enum figures_preference preference)
{
	double scores[FIGURES_RUNS_MAX];

	for (size_t i = 0; i < bounded(count); i++)
		scores[i] = score(&samples[i], &base[i], preference);
	return figures_interval_of(scores, bounded(count));
}

/* Of programs with equal scores. */
static double tie_breaker(const struct figures_sample *samples, const struct figures_sample *base,
			  size_t count, enum figures_preference preference)
{
	if (preference == FIGURES_MEMORY)
		return figures_ratios(samples, base, count, FIGURES_WALL).middle;
	return figures_ratios(samples, base, count, FIGURES_PEAK).middle *
	       figures_ratios(samples, base, count, FIGURES_FINAL).middle;
}

static size_t lowest_score(const struct figures_sample *const *programs, size_t program_count,
			   size_t count, enum figures_preference preference)
{
	size_t best = 0;
	double lowest = HUGE_VAL;

	for (size_t i = 0; i < program_count; i++) {
		double middle = figures_scores(programs[i], programs[0], count, preference).middle;

		if (middle < lowest) {
			lowest = middle;
			best = i;
		}
	}
	return best;
}

size_t figures_best(const struct figures_sample *const *programs, size_t program_count,
		    size_t count, enum figures_preference preference)
{
	size_t first = lowest_score(programs, program_count, count, preference), best = first;
	double least = tie_breaker(programs[first], programs[first], count, preference);

	for (size_t i = 0; i < program_count; i++) {
		struct figures_interval scores =
			figures_scores(programs[i], programs[first], count, preference);
		double breaker = tie_breaker(programs[i], programs[first], count, preference);

		if (figures_judge(&scores) == FIGURES_NOISE && breaker < least) {
			least = breaker;
			best = i;
		}
	}
	return best;
}
