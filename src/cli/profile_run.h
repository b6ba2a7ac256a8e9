/* Runs a program under weir with all that weir profile wants to know of it: the trace, the
 * reports of its processes, and looks at their memory while they run. */
#ifndef WEIR_CLI_PROFILE_RUN_H
#define WEIR_CLI_PROFILE_RUN_H

#include "profile_report.h"
#include "recording.h"

#define PROFILE_SAMPLES 512

struct profile_run {
	struct launch *launch;
	struct recording recording;
	char directory[PATH_MAX]; /* of its own */
	char reports_path[PATH_MAX];
	char trace_path[PATH_MAX]; /* which may be the user's */
	struct profile_reports reports;
	struct census_sample *samples;
	size_t sample_count;
	struct census_sample peak; /* when most was resident */
	uint64_t wall_ns;
	int parts; /* of the trace: how many processes; or -1, which was explained */
};

/* `keep` is where the trace is to stay, or NULL; `most` WEIR_RECORD_LIMIT. False after a
 * complaint, where the program was not started. */
bool profile_run(struct profile_run *run, struct launch *launch, char **argv, const char *keep,
		 const char *most);

/* Removes what is not to stay. */
void profile_run_end(struct profile_run *run);

#endif
