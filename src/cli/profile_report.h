/* The statistics of processes under weir, as they were last seen: while they ran, or in the
 * report that each writes at its end. */
#ifndef WEIR_CLI_PROFILE_REPORT_H
#define WEIR_CLI_PROFILE_REPORT_H

#include "profile_advice.h"

struct profile_seen {
	uint64_t pid; /* in its own namespace */
	struct profile_statistics statistics;
};

/* All zero is none. */
struct profile_reports {
	struct profile_seen *seen;
	size_t count;
};

/* What a process shows while it runs. */
void profile_reports_see(struct profile_reports *reports, const struct weir_snapshot *snapshot);

/* A line of WEIR_REPORT, in place of what was seen of the process. False where it is none. */
bool profile_reports_take(struct profile_reports *reports, const char *line);

/* All lines of all files of a directory. */
void profile_reports_read(struct profile_reports *reports, const char *directory);

struct profile_statistics profile_reports_sum(const struct profile_reports *reports);
void profile_reports_end(struct profile_reports *reports);

#endif
