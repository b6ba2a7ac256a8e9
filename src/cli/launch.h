/* How the command starts a program: the settings of weir, the library and a backend, and what
 * they come to in the environment of the program.
 *
 * Filled with add and find calls, then prepared once; the process that is about to become the
 * program enters or executes it. Whatever is wrong is said as the command's complaint. */
#ifndef WEIR_CLI_LAUNCH_H
#define WEIR_CLI_LAUNCH_H

#include "command.h"
#include "program.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* Exit statuses, as env(1). */
enum { LAUNCH_FAILED = 125, LAUNCH_NOT_EXECUTABLE = 126, LAUNCH_NOT_FOUND = 127 };

#define LAUNCH_SETTINGS_MAX 64

struct launch {
	const struct command *command;
	char *settings[LAUNCH_SETTINGS_MAX + 1]; /* NAME=VALUE, up to a NULL */
	size_t setting_count;
	char library[PATH_MAX]; /* weir's; empty: without weir */
	char backend[PATH_MAX]; /* or empty */
	bool only;		/* WEIR_ONLY was asked for */
	bool sole;		/* other allocators that LD_PRELOAD names are left out of it */
};

/* A setting by its variable's name; of a name that is given twice the last counts. */
bool launch_add(struct launch *launch, const char *name, const char *value);

/* A setting as it is typed (setting.h) behind an option of this name. */
bool launch_add_typed(struct launch *launch, const char *option, const char *typed);

/* A backend by its name or path. */
bool launch_find_backend(struct launch *launch, const char *name);

/* Reads the settings as the library will read them. */
bool launch_check_settings(const struct launch *launch);

/* Checks the settings and finds weir's library. */
bool launch_prepare(struct launch *launch);

/* Says what keeps weir out of a program that was found by this name. */
void launch_say_obstacle(const struct launch *launch, const char *name,
			 const struct program *program);

/* Sets the environment of this process, which is about to become a program with that obstacle.
 * The environment keeps the launch's strings. */
bool launch_enter(const struct launch *launch, enum program_obstacle obstacle);

/* Becomes the program; returns one of the statuses above, which was explained, where it cannot. */
int launch_execute(const struct launch *launch, char **argv);

#endif
