/* A program that is started under weir and recorded: where its processes write their parts, and
 * the one trace that they make together. */
#ifndef WEIR_CLI_RECORDING_H
#define WEIR_CLI_RECORDING_H

#include "child.h"
#include "launch.h"

struct recording {
	struct launch *launch;
	char **argv;
	struct child child;
	char directory[PATH_MAX]; /* of the parts */
};

/* Starts it, with its parts in a directory of their own beside `path`. `limit` is
 * WEIR_RECORD_LIMIT, or NULL. False after a complaint. */
bool recording_start(struct recording *recording, struct launch *launch, char **argv,
		     const char *path, const char *limit);

/* Once the program has ended: puts all parts into one file, and removes them. Those of processes
 * that still run are as long as they are now. Returns how many there were, or -1 after a complaint,
 * and then they are left where they are. */
int recording_gather(struct recording *recording, const char *path);

#endif
