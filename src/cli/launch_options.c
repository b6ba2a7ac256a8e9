#include "launch_options.h"

static bool take_limit(void *launch, const char *value)
{
	return launch_add(launch, "WEIR_LIMIT", value);
}

static bool take_preset(void *launch, const char *value)
{
	return launch_add(launch, "WEIR_PRESET", value);
}

static bool take_backend(void *launch, const char *value)
{
	return launch_find_backend(launch, value);
}

static bool take_only(void *context, const char *value)
{
	struct launch *launch = context;

	(void)value;
	launch->only = true;
	return launch_add(launch, "WEIR_ONLY", "1");
}

static bool take_set(void *launch, const char *value)
{
	return launch_add_typed(launch, "--set", value);
}

static const struct command_taker takers[] = {
	{ "limit", take_limit }, { "preset", take_preset }, { "backend", take_backend },
	{ "set", take_set },	 { "only", take_only },	    { NULL, NULL },
};

bool launch_has_option(const char *name)
{
	return command_find_taker(takers, name) != NULL;
}

bool launch_take_option(struct launch *launch, const char *name, const char *value)
{
	return command_take_by(takers, launch, name, value);
}
