/* Runs a program under contenders in turn, a round after another: each once a round, in an order
 * that is drawn anew each time, so that what changes on the machine hits all alike. */
#ifndef WEIR_CLI_ROUNDS_H
#define WEIR_CLI_ROUNDS_H

#include "contender.h"
#include "trial.h"

struct rounds {
	const struct command *command; /* complaints are its */
	char **argv;
	const char *output; /* the directory for what the program prints, or NULL */
	int status;	    /* exit status with which the program ends well */
	/* NULL, or puts what the program printed of itself, into that file, in place of what was
	 * seen of it from outside. False where it printed nothing of the kind. */
	bool (*refine)(struct figures_sample *sample, const char *out);
	unsigned total; /* runs that are planned, for the progress */

	unsigned done;
	struct program program;
	char directory[PATH_MAX];
	bool keeps; /* what the program printed is worth a look */
};

/* Looks the program up and makes room for its output. Returns an exit status, which was
 * explained: COMMAND_OK, or that of the command. */
int rounds_begin(struct rounds *rounds);

/* Removes what nobody asked for. Does not return where the command was told to end. */
void rounds_end(struct rounds *rounds);

/* One run that does not count, to see whether the program works and to have its files read. */
bool rounds_warm_up(struct rounds *rounds, struct contender *contender);

/* So many more samples of each, but of those that failed. False where none is left, or where the
 * command is to end. */
bool rounds_run(struct rounds *rounds, struct contender *const *each, size_t count, unsigned runs);

#endif
