/* What `weir compare` found, and how it is shown: the first contender is the base of ratios. */
#ifndef WEIR_CLI_COMPARISON_H
#define WEIR_CLI_COMPARISON_H

#include "contender.h"

#include <stdio.h>

struct comparison {
	char *const *argv;
	const struct contender *each[CONTENDERS_MAX]; /* that did not fail, one at least */
	size_t count;
	size_t runs;
	enum figures_preference preference;
	size_t winner;
};

/* The measures that are shown to people, in this order. */
struct comparison_column {
	enum figures_measure measure;
	const char *heading;
};
#define COMPARISON_COLUMNS 6
extern const struct comparison_column comparison_columns[COMPARISON_COLUMNS];

/* The ratio of a contender to the base. */
struct figures_interval comparison_ratio(const struct comparison *comparison, size_t place,
					 enum figures_measure measure);

/* A measure's value for people, into PRINT_SIZE_BYTES; returns it. */
const char *comparison_value(char *buffer, enum figures_measure measure, double value);

void comparison_print(const struct comparison *comparison, FILE *to);
void comparison_print_json(const struct comparison *comparison, FILE *to);

/* One panel a measure, a bar a contender. */
void comparison_plot(const struct comparison *comparison, FILE *to);

#endif
