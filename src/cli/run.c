/* weir run: starts a program under weir. */
#include "command.h"
#include "config.h"
#include "preload.h"
#include "program.h"
#include "setting.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As env(1). */
enum { RUN_FAILED = 125, RUN_NOT_EXECUTABLE = 126, RUN_NOT_FOUND = 127 };

#define SETTINGS_MAX 64

struct request {
	const struct command *command;
	char *settings[SETTINGS_MAX + 1]; /* NAME=VALUE, up to a NULL */
	size_t setting_count;
	char backend[PATH_MAX]; /* or empty */
	char library[PATH_MAX];
	bool only;
};

/* Options. */

/* Of a name that is given twice the last counts. */
static char **place_of(struct request *request, const char *setting)
{
	size_t length = strcspn(setting, "=") + 1;
	size_t i = 0;

	while (i < request->setting_count && strncmp(request->settings[i], setting, length) != 0)
		i++;
	if (i == request->setting_count && i < SETTINGS_MAX)
		request->setting_count++;
	return i < SETTINGS_MAX ? &request->settings[i] : NULL;
}

static bool add_setting(struct request *request, const char *name, const char *value)
{
	char **place;
	char *setting;

	if (asprintf(&setting, "%s=%s", name, value) < 0)
		return false;
	place = place_of(request, setting);
	if (place != NULL)
		*place = setting;
	else
		command_complain(request->command, "--set: more than there are settings");
	return place != NULL;
}

static bool take_limit(struct request *request, const char *value)
{
	return add_setting(request, "WEIR_LIMIT", value);
}

static bool take_preset(struct request *request, const char *value)
{
	return add_setting(request, "WEIR_PRESET", value);
}

static bool take_socket(struct request *request, const char *value)
{
	return add_setting(request, "WEIR_SOCKET", value == NULL ? "auto" : value);
}

static bool take_only(struct request *request, const char *value)
{
	(void)value;
	request->only = true;
	return add_setting(request, "WEIR_ONLY", "1");
}

static bool take_set(struct request *request, const char *value)
{
	char name[SETTING_NAME_BYTES];
	const char *text = setting_split(value, name);

	if (text != NULL)
		return add_setting(request, name, text);
	command_usage(request->command, "--set %s: not of the form NAME=VALUE", value);
	return false;
}

static bool take_backend(struct request *request, const char *value)
{
	char reason[PRELOAD_REASON_BYTES];

	if (preload_find_backend(value, request->backend, reason))
		return true;
	command_complain(request->command, "--backend %s: %s", value, reason);
	return false;
}

static const struct {
	const char *name;
	bool (*take)(struct request *request, const char *value);
} takers[] = {
	{ "limit", take_limit },     { "preset", take_preset }, { "socket", take_socket },
	{ "backend", take_backend }, { "set", take_set },	{ "only", take_only },
};

static bool take(void *context, const char *name, const char *value)
{
	size_t i = 0;

	while (strcmp(takers[i].name, name) != 0)
		i++;
	return takers[i].take(context, value);
}

/* Settings are read as the library will read them. */

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
static bool are_settings_good(const struct request *request, bool programs)
{
	static const char name[] = "WEIR_PROGRAMS=";
	struct verdict verdict = { request->command, false };
	struct weir_config_sink sink = { refuse, &verdict };
	struct weir_config config;
	char *chosen[SETTINGS_MAX + 1];
	size_t count = 0;

	for (size_t i = 0; i < request->setting_count; i++)
		if ((strncmp(request->settings[i], name, strlen(name)) == 0) == programs)
			chosen[count++] = request->settings[i];
	chosen[count] = NULL;
	weir_config_load(&config, chosen, "", &sink);
	return !verdict.bad;
}

/* The program. */

static void say_obstacle(const struct request *request, const char *name,
			 const struct program *program)
{
	if (program->obstacle > PROGRAM_UNREADABLE)
		command_complain(request->command, "%s %s; it runs without weir", program->path,
				 program_explain(program->obstacle));
	else if (request->only && program->through_env)
		command_complain(request->command,
				 "%s is started by env, so that --only holds for env alone; "
				 "name its interpreter instead",
				 name);
}

static bool find_library(struct request *request)
{
	char tried[PRELOAD_TRIED_BYTES];

	if (preload_find_library(request->library, tried))
		return true;
	command_complain(request->command, PRELOAD_NOT_FOUND, tried);
	return false;
}

static bool is_listable(const struct request *request, const char *path)
{
	if (preload_is_listable(path))
		return true;
	command_complain(request->command, PRELOAD_NOT_LISTABLE, path);
	return false;
}

static bool set_preload(const struct request *request)
{
	const char *backend = request->backend[0] == '\0' ? NULL : request->backend;
	char *list;
	bool done;

	if (!is_listable(request, request->library) || !is_listable(request, request->backend))
		return false;
	list = preload_list(request->library, backend, getenv("LD_PRELOAD"));
	done = list != NULL && setenv("LD_PRELOAD", list, 1) == 0;
	free(list);
	return done;
}

/* putenv keeps the strings. A foreign C library would stop the program over symbols that it
 * lacks instead of leaving weir out. */
static bool set_environment(struct request *request, enum program_obstacle obstacle)
{
	for (size_t i = 0; i < request->setting_count; i++)
		if (putenv(request->settings[i]) != 0)
			return false;
	return obstacle == PROGRAM_OTHER_LIBC || set_preload(request);
}

static int execute(struct request *request, char **argv)
{
	struct program program;
	int error;

	program_find(argv[0], &program);
	if (!set_environment(request, program.obstacle))
		return RUN_FAILED;
	say_obstacle(request, argv[0], &program);
	execvp(argv[0], argv);
	error = errno;
	command_complain(request->command, "%s: %s", argv[0], strerror(error));
	return error == ENOENT ? RUN_NOT_FOUND : RUN_NOT_EXECUTABLE;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct request request = { .command = command };
	int first = command_parse(command, argc, argv, true, take, &request);

	if (first < 0)
		return RUN_FAILED;
	if (first == argc) {
		command_usage(command, "which program?");
		return RUN_FAILED;
	}
	if (!are_settings_good(&request, false) || !are_settings_good(&request, true) ||
	    !find_library(&request))
		return RUN_FAILED;
	return execute(&request, argv + first);
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
