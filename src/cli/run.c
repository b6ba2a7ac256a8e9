/* weir run: starts a program under weir. */
#include "launch.h"

#include <string.h>

static bool take_limit(struct launch *launch, const char *value)
{
	return launch_add(launch, "WEIR_LIMIT", value);
}

static bool take_preset(struct launch *launch, const char *value)
{
	return launch_add(launch, "WEIR_PRESET", value);
}

static bool take_socket(struct launch *launch, const char *value)
{
	return launch_add(launch, "WEIR_SOCKET", value == NULL ? "auto" : value);
}

static bool take_only(struct launch *launch, const char *value)
{
	(void)value;
	launch->only = true;
	return launch_add(launch, "WEIR_ONLY", "1");
}

static bool take_set(struct launch *launch, const char *value)
{
	return launch_add_typed(launch, "--set", value);
}

static const struct {
	const char *name;
	bool (*take)(struct launch *launch, const char *value);
} takers[] = {
	{ "limit", take_limit },   { "preset", take_preset },
	{ "socket", take_socket }, { "backend", launch_find_backend },
	{ "set", take_set },	   { "only", take_only },
};

static bool take(void *context, const char *name, const char *value)
{
	size_t i = 0;

	while (strcmp(takers[i].name, name) != 0)
		i++;
	return takers[i].take(context, value);
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
	{ "limit", 'l', "SIZE", "most bytes retained, as WEIR_LIMIT: `256M`, `25%`" },
	{ "preset", 'p', "off|minimal|moderate|default|aggressive",
	  "starting values of the settings, as WEIR_PRESET" },
	{ "socket", 's', "[PATH]",
	  "serve a control socket, as WEIR_SOCKET; without PATH at a place of its own" },
	{ "backend", 'b', "jemalloc|mimalloc|tcmalloc|PATH",
	  "preload this allocator behind weir, for the small requests" },
	{ "set", 0, "NAME=VALUE",
	  "any other setting; the name goes without WEIR_ and in lower case, too. May be repeated" },
	{ "only", 0, NULL, "keep weir out of the programs that CMD starts, as WEIR_ONLY" },
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
