/* weir run: starts a program under weir. */
#include "launch_options.h"

#include <string.h>

static bool take(void *context, const char *name, const char *value)
{
	if (strcmp(name, "socket") == 0)
		return launch_add(context, "WEIR_SOCKET", value == NULL ? "auto" : value);
	return launch_take_option(context, name, value);
}

static int run(const struct command *command, int argc, char **argv)
{
	struct launch launch = { .command = command };
	int first = command_parse(command, argc, argv, true, take, &launch);

	if (first < 0)
		return LAUNCH_FAILED;
	if (first == argc) {
		command_usage(command, "which program?");
		return LAUNCH_FAILED;
	}
	return launch_prepare(&launch) ? launch_execute(&launch, argv + first) : LAUNCH_FAILED;
}

static const struct command_option options[] = {
	LAUNCH_OPTIONS,
	{ "socket", 's', "[PATH]",
	  "serve a control socket, as WEIR_SOCKET; without PATH at a place of its own" },
	{ NULL, 0, NULL, NULL },
};

const struct command command_run = {
	.name = "run",
	.arguments = "[--] CMD [ARG...]",
	.summary = "start a program under weir",
	.details =
		"Sets the variables that the options stand for and puts weir first into LD_PRELOAD; "
		"what stands there already stays, behind it. A program that weir cannot be "
		"preloaded into (linked statically, set-user-id, with file capabilities, for "
		"another machine or C library) runs all the same, and a line on stderr says so.\n"
		"\n"
		"The exit status is CMD's; or 125 when weir itself fails, 126 when CMD cannot be "
		"run, 127 when it is not there.",
	.options = options,
	.run = run,
};
