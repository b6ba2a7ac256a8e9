/* What runs of a program measured, and what can be said of differences. Pure.
 *
 * Two programs are compared by the ratios of their runs of one round, which ran one after the
 * other, so that what slows the machine down for a while is in both. Of the ratios the median
 * counts. Its interval is that of the order statistics: the k-th smallest to the k-th largest,
 * with the largest k for which the chance that the true median lies outside, by the binomial
 * distribution, is 10 % at most. Below five runs no k is enough. */
#ifndef WEIR_CLI_FIGURES_H
#define WEIR_CLI_FIGURES_H

#include <stdbool.h>
#include <stddef.h>

enum figures_measure {
	FIGURES_WALL,	/* seconds, from the start to the end of the program */
	FIGURES_USER,	/* seconds, of it and of what it waited for */
	FIGURES_SYSTEM, /* seconds */
	FIGURES_FAULTS, /* page faults that read no file */
	FIGURES_PEAK,	/* bytes resident at most, of it and its descendants together */
	FIGURES_MEAN,	/* bytes resident, over the time of the run */
	FIGURES_FINAL,	/* bytes resident shortly before its end */
	FIGURES_MEASURES,
};

/* How a measure is called in JSON, and in what it is given there. */
const char *figures_name(enum figures_measure measure);
bool figures_are_bytes(enum figures_measure measure);
bool figures_are_seconds(enum figures_measure measure);

struct figures_sample {
	double values[FIGURES_MEASURES];
};

struct figures_interval {
	double middle; /* the median */
	double low;
	double high;
	size_t count;
};

enum figures_verdict {
	FIGURES_TOO_FEW, /* values to say anything */
	FIGURES_NOISE,	 /* the interval of the ratio includes 1 */
	FIGURES_LESS,
	FIGURES_MORE,
};

#define FIGURES_RUNS_MAX 1000
#define FIGURES_RUNS_ENOUGH 5

/* 1 for nothing to nothing, and infinite for something to nothing. */
double figures_ratio(double value, double base);

/* Sorts the values. Of none all is 0. */
struct figures_interval figures_interval_of(double *values, size_t count);

/* Which value from either end bounds the interval, from 1. */
size_t figures_rank(size_t count);

/* Of the interval of a ratio. */
enum figures_verdict figures_judge(const struct figures_interval *ratio);

/* Of a measure: the values alone, and the ratios to a base by round. */
struct figures_interval figures_values(const struct figures_sample *samples, size_t count,
				       enum figures_measure measure);
struct figures_interval figures_ratios(const struct figures_sample *samples,
				       const struct figures_sample *base, size_t count,
				       enum figures_measure measure);

/* The ratios of what a container has to hold: the mean of the peak and of the mean resident size.
 */
struct figures_interval figures_sizes(const struct figures_sample *samples,
				      const struct figures_sample *base, size_t count);

/* What somebody prefers. The score of a run is a product of wall time t and of the resident
 * size m = sqrt(peak * final): t^3 m for speed, t m^3 for memory, the lower the better. So 10 %
 * of the one weigh as much as 33 % of the other. */
enum figures_preference { FIGURES_SPEED, FIGURES_MEMORY };

/* The ratios of two programs' scores, squared, by round. */
struct figures_interval figures_scores(const struct figures_sample *samples,
				       const struct figures_sample *base, size_t count,
				       enum figures_preference preference);

/* The place of the best of `programs`: that of the lowest median score relative to the first
 * program; but of those whose score differs from its by noise, the one with the smaller resident
 * size, or, where memory is preferred, the shorter time. */
size_t figures_best(const struct figures_sample *const *programs, size_t program_count,
		    size_t count, enum figures_preference preference);

#endif
