#include "launch_options.h"

#include <string.h>

static bool take_limit(struct launch *launch, const char *value)
{
	return launch_add(launch, "WEIR_LIMIT", value);
}

static bool take_preset(struct launch *launch, const char *value)
{
	return launch_add(launch, "WEIR_PRESET", value);
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

static const struct taker {
	const char *name;
	bool (*take)(struct launch *launch, const char *value);
} takers[] = {
	{ "limit", take_limit }, { "preset", take_preset }, { "backend", launch_find_backend },
	{ "set", take_set },	 { "only", take_only },
};

static const struct taker *find(const char *name)
{
	for (size_t i = 0; i < sizeof takers / sizeof *takers; i++)
		if (strcmp(takers[i].name, name) == 0)
			return &takers[i];
	return NULL;
}

bool launch_has_option(const char *name)
{
	return find(name) != NULL;
}

bool launch_take_option(struct launch *launch, const char *name, const char *value)
{
	const struct taker *taker = find(name);

	return taker != NULL && taker->take(launch, value);
}
