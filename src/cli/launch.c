#include "launch.h"

#include "config.h"
#include "preload.h"
#include "setting.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Settings. */

static char **place_of(struct launch *launch, const char *setting)
{
	size_t length = strcspn(setting, "=") + 1;
	size_t i = 0;

	while (i < launch->setting_count && strncmp(launch->settings[i], setting, length) != 0)
		i++;
	if (i == launch->setting_count && i < LAUNCH_SETTINGS_MAX)
		launch->setting_count++;
	return i < LAUNCH_SETTINGS_MAX ? &launch->settings[i] : NULL;
}

bool launch_add(struct launch *launch, const char *name, const char *value)
{
	char **place;
	char *setting;

	if (asprintf(&setting, "%s=%s", name, value) < 0)
		return false;
	place = place_of(launch, setting);
	if (place != NULL)
		*place = setting;
	else
		command_complain(launch->command, "--set: more than there are settings");
	return place != NULL;
}

bool launch_add_typed(struct launch *launch, const char *option, const char *typed)
{
	char name[SETTING_NAME_BYTES];
	const char *text = setting_split(typed, name);

	if (text != NULL)
		return launch_add(launch, name, text);
	command_usage(launch->command, "%s %s: not of the form NAME=VALUE", option, typed);
	return false;
}

struct verdict {
	const struct command *command;
	bool bad;
};

/* The library goes on to say what it would use instead. */
static void refuse(void *context, const char *line)
{
	struct verdict *verdict = context;
	const char *rest = strstr(line, "; using ");
	size_t length = rest == NULL ? strlen(line) : (size_t)(rest - line);

	verdict->bad = true;
	command_complain(verdict->command, "%.*s", (int)length, line);
}

/* WEIR_PROGRAMS apart: a program that it does not name would hear of nothing else. */
static bool are_settings_good(const struct launch *launch, bool programs)
{
	static const char name[] = "WEIR_PROGRAMS=";
	struct verdict verdict = { launch->command, false };
	struct weir_config_sink sink = { refuse, &verdict };
	struct weir_config config;
	char *chosen[LAUNCH_SETTINGS_MAX + 1];
	size_t count = 0;

	for (size_t i = 0; i < launch->setting_count; i++)
		if ((strncmp(launch->settings[i], name, strlen(name)) == 0) == programs)
			chosen[count++] = launch->settings[i];
	chosen[count] = NULL;
	weir_config_load(&config, chosen, "", &sink);
	return !verdict.bad;
}

bool launch_check_settings(const struct launch *launch)
{
	return are_settings_good(launch, false) && are_settings_good(launch, true);
}

/* Libraries. */

bool launch_find_backend(struct launch *launch, const char *name)
{
	char reason[PRELOAD_REASON_BYTES];

	if (preload_find_backend(name, launch->backend, reason))
		return true;
	command_complain(launch->command, "--backend %s: %s", name, reason);
	return false;
}

static bool find_library(struct launch *launch)
{
	char tried[PRELOAD_TRIED_BYTES];

	if (preload_find_library(launch->library, tried))
		return true;
	command_complain(launch->command, PRELOAD_NOT_FOUND, tried);
	return false;
}

bool launch_prepare(struct launch *launch)
{
	return launch_check_settings(launch) && find_library(launch);
}

static bool is_listable(const struct launch *launch, const char *path)
{
	if (preload_is_listable(path))
		return true;
	command_complain(launch->command, PRELOAD_NOT_LISTABLE, path);
	return false;
}

static bool set_preload(const struct launch *launch)
{
	char *list;
	bool done;

	if (!is_listable(launch, launch->library) || !is_listable(launch, launch->backend))
		return false;
	list = preload_list(launch->library, launch->backend, getenv("LD_PRELOAD"), launch->sole);
	if (list == NULL)
		return false;
	done = (*list == '\0' ? unsetenv("LD_PRELOAD") : setenv("LD_PRELOAD", list, 1)) == 0;
	free(list);
	return done;
}

/* The program. */

void launch_say_obstacle(const struct launch *launch, const char *name,
			 const struct program *program)
{
	if (program->obstacle > PROGRAM_UNREADABLE)
		command_complain(launch->command, "%s %s; it runs without weir", program->path,
				 program_explain(program->obstacle));
	else if (launch->only && program->through_env)
		command_complain(launch->command,
				 "%s is started by env, so that --only holds for env alone; "
				 "name its interpreter instead",
				 name);
}

/* A foreign C library would stop the program over symbols that it lacks instead of leaving
 * weir out. */
bool launch_enter(const struct launch *launch, enum program_obstacle obstacle)
{
	for (size_t i = 0; i < launch->setting_count; i++)
		if (putenv(launch->settings[i]) != 0)
			return false;
	return obstacle == PROGRAM_OTHER_LIBC || set_preload(launch);
}

int launch_execute(const struct launch *launch, char **argv)
{
	struct program program;
	int error;

	program_find(argv[0], &program);
	if (!launch_enter(launch, program.obstacle))
		return LAUNCH_FAILED;
	launch_say_obstacle(launch, argv[0], &program);
	execvp(argv[0], argv);
	error = errno;
	command_complain(launch->command, "%s: %s", argv[0], strerror(error));
	return error == ENOENT ? LAUNCH_NOT_FOUND : LAUNCH_NOT_EXECUTABLE;
}
