/* All that weir profile has found out, for those who show it. */
#ifndef WEIR_CLI_PROFILE_RESULT_H
#define WEIR_CLI_PROFILE_RESULT_H

#include "child.h"
#include "profile_advice.h"

#include <stdio.h>

struct profile_result {
	char *const *argv;
	const struct child *child; /* it has ended */
	uint64_t wall_ns;
	const struct trace *trace; /* NULL: no process made a large request */
	const struct profile_figures *figures;
	const struct profile_evidence *evidence;
	const struct profile_advice *advice;
	const struct census_sample *samples; /* in order of time */
	size_t sample_count;
};

/* What the trace lacks; nothing where there is none. */
struct trace_gaps profile_gaps(const struct profile_result *result);

/* The bytes that found what they needed, of those asked for; and the requests that weir says were
 * hits. Each ends in a newline. */
void profile_page(const struct profile_result *result, FILE *to);
void profile_json(const struct profile_result *result, FILE *to);
void profile_html(const struct profile_result *result, FILE *to);

#endif
