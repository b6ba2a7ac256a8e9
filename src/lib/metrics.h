/* The snapshots of processes as OpenMetrics text. Layer 4.
 *
 * OpenMetrics 1.0.0 wants the samples of one family in one place, so that whoever shows
 * several processes goes over the families and, in each, over the processes:
 *
 *   for each family f: weir_metrics_format_family(f), weir_metrics_format_samples(f, process)...
 *   WEIR_METRICS_END
 */
#ifndef WEIR_METRICS_H
#define WEIR_METRICS_H

#include "snapshot.h"

#define WEIR_METRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define WEIR_METRICS_END "# EOF\n"

/* Enough for the samples of one process in one family, with all classes and pools in use, and
 * for all families of one process. */
#define WEIR_METRICS_FAMILY_BYTES ((size_t)96 * 1024)
#define WEIR_METRICS_BYTES ((size_t)1280 * 1024)

size_t weir_metrics_family_count(void);

/* Name, type, unit and help: lines that begin with #. */
void weir_metrics_format_family(struct weir_text *text, size_t family);
void weir_metrics_format_samples(struct weir_text *text, size_t family,
				 const struct weir_snapshot *snapshot);

/* For documents. */
struct weir_metrics_help {
	const char *name; /* as samples have it */
	const char *type;
	const char *labels;
	const char *help;
};
void weir_metrics_describe(size_t family, struct weir_text *name, struct weir_metrics_help *help);

#endif
