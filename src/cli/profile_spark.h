/* Live bytes over time in one line of a terminal. */
#ifndef WEIR_CLI_PROFILE_SPARK_H
#define WEIR_CLI_PROFILE_SPARK_H

#include "profile_figures.h"

#include <stdio.h>

/* In a set of characters that has no blocks, of letters. Ends in a newline. */
void profile_spark(const struct profile_figures *figures, FILE *to);

#endif
