/* weir config: the settings in force, and where each comes from. */
#include "config.h"
#include "cgroup.h"
#include "command.h"
#include "print.h"
#include "process.h"
#include "setting.h"

#include <stdlib.h>
#include <string.h>

struct request {
	bool json;
};

static bool take(void *context, const char *name, const char *value)
{
	struct request *request = context;

	(void)name;
	(void)value;
	request->json = true;
	return true;
}

/* Lines of NAME=VALUE, tab, origin. */

struct setting {
	const char *name;
	const char *value;
	const char *origin;
};

/* Cuts the next one out of the lines; false at their end. */
static bool next_setting(char **lines, struct setting *setting)
{
	char *line = strsep(lines, "\n");
	char *value = line == NULL ? NULL : strchr(line, '=');
	char *origin = value == NULL ? NULL : strrchr(value, '\t');

	if (origin == NULL)
		return false;
	*value = '\0';
	*origin = '\0';
	*setting = (struct setting){ line, value + 1, origin + 1 };
	return true;
}

static void print_for_people(char *lines)
{
	static const char *const headings[] = { "VARIABLE", "VALUE", "FROM" };
	static const bool right[] = { false, false, false };
	struct print_table *table = print_table_new(headings, right, 3);
	struct setting setting;

	while (next_setting(&lines, &setting))
		print_table_row(table, (const char *const[]){ setting.name, setting.value,
							      setting.origin });
	print_table_end(table, stdout);
}

static void print_json(char *lines)
{
	const char *separator = "{";
	struct setting setting;

	while (next_setting(&lines, &setting)) {
		fputs(separator, stdout);
		print_json_string(stdout, setting.name);
		fputs(":{\"value\":", stdout);
		print_json_string(stdout, setting.value);
		fputs(",\"origin\":", stdout);
		print_json_string(stdout, setting.origin);
		putchar('}');
		separator = ",";
	}
	puts("}");
}

static void print(const struct request *request, char *lines)
{
	if (request->json)
		print_json(lines);
	else
		print_for_people(lines);
}

/* Of a process. */

static int show_process(const struct command *command, const struct request *request,
			const char *argument)
{
	static struct process process;
	enum process_result result;
	pid_t pid;

	if (!process_take_pid(command, argument, &pid))
		return COMMAND_USAGE;
	result = process_read(pid, &process);
	if (result != PROCESS_OK) {
		command_complain(command, "%s: %s", argument, process_explain(result));
		return process_status(result);
	}
	if (process.settings[0] == '\0') {
		command_complain(command, "%s: weir is %s there and shows no settings", argument,
				 weir_state_name(process.snapshot.state));
		return COMMAND_FAILED;
	}
	print(request, process.settings);
	return COMMAND_OK;
}

/* Of a program that this shell would start. */

struct listener {
	const struct command *command;
};

static void complain(void *context, const char *line)
{
	const struct listener *listener = context;

	command_complain(listener->command, "%s", line);
}

static int show_own(const struct command *command, const struct request *request)
{
	static char lines[WEIR_STATS_SETTINGS_BYTES];
	static struct weir_config config;
	struct listener listener = { command };
	struct weir_config_sink sink = { complain, &listener };
	struct weir_text text;
	char name[SETTING_PROGRAM_BYTES];

	weir_config_load(&config, NULL, setting_accepted_program(name), &sink);
	weir_config_resolve(&config, weir_memory_limit_bytes(""), &sink);
	weir_text_init(&text, lines, sizeof lines);
	weir_config_format_settings(&text, &config);
	print(request, lines);
	return COMMAND_OK;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct request request = { false };
	int first = command_parse(command, argc, argv, false, take, &request);

	if (first < 0)
		return COMMAND_USAGE;
	if (argc - first > 1)
		return command_usage(command, "one process at a time");
	return first == argc ? show_own(command, &request)
			     : show_process(command, &request, argv[first]);
}

static const struct command_option options[] = {
	{ "json", 'j', NULL, "one JSON object: by variable its value and origin" },
	{ NULL, 0, NULL, NULL },
};

const struct command command_config = {
	.name = "config",
	.arguments = "[PID]",
	.summary = "show the settings in force, and where each comes from",
	.details = "With PID those of a process under weir; without, those that a program would "
		   "get which is started from here. A value is the default, the preset's, the "
		   "environment's, or was set while the process runs.",
	.options = options,
	.run = run,
};
