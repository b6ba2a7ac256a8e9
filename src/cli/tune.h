/* What `weir tune` says of a search that is done. */
#ifndef WEIR_CLI_TUNE_H
#define WEIR_CLI_TUNE_H

#include "deploy.h"
#include "tuning.h"

#define TUNE_VARIABLES_MAX 6
#define TUNE_VALUE_BYTES 300

/* The environment that is recommended, and why. */
struct tune_advice {
	struct deploy_variable variables[TUNE_VARIABLES_MAX];
	char values[TUNE_VARIABLES_MAX][TUNE_VALUE_BYTES];
	char reasons[TUNE_VARIABLES_MAX][TUNE_VALUE_BYTES];
	size_t count;
};

/* The variables point into the advice. */
void tune_advise(struct tune_advice *advice, const struct tuning *tuning);

/* Whether the program is better off with weir than without. */
bool tune_is_worthwhile(const struct tuning *tuning);

void tune_print(const struct tuning *tuning, const char *format);
void tune_print_json(const struct tuning *tuning);

#endif
