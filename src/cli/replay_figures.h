/* What a replay measured, as fields of the JSON that `weir replay` prints and `weir compare`
 * reads again. */
#ifndef WEIR_CLI_REPLAY_FIGURES_H
#define WEIR_CLI_REPLAY_FIGURES_H

#include "replay_run.h"

#include <stdio.h>

/* Each behind a comma: ,"wall_ns":5 */
void replay_figures_print(const struct replay_figures *figures, FILE *to);

/* Out of an object that has them. False where one is missing. */
bool replay_figures_read(struct replay_figures *figures, const char *json);

#endif
