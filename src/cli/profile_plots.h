/* The pictures of a profile, each an SVG element that stands alone. */
#ifndef WEIR_CLI_PROFILE_PLOTS_H
#define WEIR_CLI_PROFILE_PLOTS_H

#include "profile_result.h"

void profile_plot_sizes(const struct profile_figures *figures, FILE *to);
void profile_plot_lives(const struct profile_figures *figures, FILE *to);
void profile_plot_live(const struct profile_figures *figures, FILE *to);
void profile_plot_limits(const struct profile_figures *figures, FILE *to);

/* Where there are samples. */
void profile_plot_memory(const struct profile_result *result, FILE *to);

#endif
