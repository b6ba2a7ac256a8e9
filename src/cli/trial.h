/* One run of a program to measure it: in a session of its own, its output in files, its stdin
 * where this command's is a regular file from where that stands, else empty. What it leaves
 * running in its process group is ended with it.
 *
 * Between trial_begin and trial_end the signals that end a command are taken as events: SIGINT,
 * SIGTERM and SIGHUP end the program first. */
#ifndef WEIR_CLI_TRIAL_H
#define WEIR_CLI_TRIAL_H

#include "figures.h"
#include "launch.h"

void trial_begin(void);
/* Ends this command by the signal that was taken, if one was. */
void trial_end(void);

struct trial_files {
	char out[PATH_MAX];
	char err[PATH_MAX];
};

enum trial_result {
	TRIAL_ENDED,	   /* with this wait status */
	TRIAL_NOT_STARTED, /* with this errno */
	TRIAL_INTERRUPTED,
};

struct trial {
	enum trial_result result;
	int status;
	int error;
	struct figures_sample sample;
};

void trial_run(struct trial *trial, const struct launch *launch, enum program_obstacle obstacle,
	       char *const *argv, const struct trial_files *files);

#endif
