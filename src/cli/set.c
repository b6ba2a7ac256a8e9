/* weir set: changes settings in a running process. */
#include "channel.h"
#include "clean.h"
#include "command.h"
#include "print.h"
#include "request.h"
#include "setting.h"

#include <inttypes.h>
#include <string.h>

static const struct command_option options[] = {
	{ "json", 'j', NULL, "an array of objects, one for each setting" },
	{ NULL, 0, NULL, NULL },
};

/* What the process answered to one request: its setting, where it comes from now, and what the
 * change released. */
struct change {
	char setting[WEIR_REQUEST_BYTES_MAX];
	char origin[32];
	uint64_t released_bytes;
	uint64_t blocks;
	uint64_t ns;
};

static bool take_option(void *context, const char *name, const char *value)
{
	(void)name;
	(void)value;
	*(bool *)context = true;
	return true;
}

/* The protocol's words end at spaces. */
static bool is_setting(const char *typed)
{
	char name[SETTING_NAME_BYTES];
	const char *value = setting_split(typed, name);

	return value && *value && !strpbrk(typed, " \t\r\n") &&
	       strlen(typed) < WEIR_REQUEST_BYTES_MAX / 2;
}

static bool are_settings(const struct command *command, char **typed, int count)
{
	for (int i = 0; i < count; i++) {
		if (is_setting(typed[i]))
			continue;
		command_usage(command, "%s: not a setting; accepted: NAME=VALUE, as limit=64M",
			      typed[i]);
		return false;
	}
	return true;
}

/* ok NAME=VALUE<tab>ORIGIN released_bytes=N ... */
static bool parse_answer(const char *answer, struct change *change)
{
	if (sscanf(answer, "ok %1023[^\t]%31s", change->setting, change->origin) != 2)
		return false;
	change->released_bytes = channel_number(answer, "released_bytes");
	change->blocks = channel_number(answer, "blocks");
	change->ns = channel_number(answer, "ns");
	return true;
}

static void print_object(const struct change *change, bool is_first)
{
	size_t length = strcspn(change->setting, "=");
	char name[SETTING_NAME_BYTES];

	snprintf(name, sizeof name, "%.*s", (int)length, change->setting);
	fputs(is_first ? "{\"name\":" : ",\n {\"name\":", stdout);
	print_json_string(stdout, name);
	fputs(",\"value\":", stdout);
	print_json_string(stdout, change->setting + length + (change->setting[length] == '='));
	fputs(",\"origin\":", stdout);
	print_json_string(stdout, change->origin);
	printf(",\"released_bytes\":%" PRIu64 ",\"blocks\":%" PRIu64 ",\"ns\":%" PRIu64 "}",
	       change->released_bytes, change->blocks, change->ns);
}

static void print_line(const struct process *process, const struct change *change)
{
	char size[PRINT_SIZE_BYTES], time[PRINT_SIZE_BYTES];

	printf("%s[%d]: %s (%s)", process->snapshot.program, (int)process->pid, change->setting,
	       change->origin);
	if (change->released_bytes > 0)
		printf("; released %s (%" PRIu64 " blocks), %s",
		       print_size(size, change->released_bytes), change->blocks,
		       print_time(time, change->ns));
	putchar('\n');
}

/* NULL or, until the next call, why it was not changed. */
static const char *change_one(const struct process *process, const char *typed,
			      struct change *change)
{
	static char answer[2 * WEIR_REQUEST_BYTES_MAX];
	char name[SETTING_NAME_BYTES], line[WEIR_REQUEST_BYTES_MAX];
	const char *value = setting_split(typed, name);

	snprintf(line, sizeof line, "set %s %s", name, value);
	if (!channel_ask(process, line, answer, sizeof answer))
		return "no answer from its control socket";
	clean_text(answer, "\t");
	if (parse_answer(answer, change))
		return NULL;
	return strncmp(answer, "error: ", strlen("error: ")) == 0 ? answer + strlen("error: ")
								  : answer;
}

/* How many settings were changed. */
static int change_all(const struct command *command, const struct process *process, char **typed,
		      int count, bool as_json)
{
	struct change change;
	int done = 0;

	for (int i = 0; i < count; i++) {
		const char *error = change_one(process, typed[i], &change);

		if (error)
			command_complain(command, "%s[%d]: %s", process->snapshot.program,
					 (int)process->pid, error);
		else if (as_json)
			print_object(&change, done == 0);
		else
			print_line(process, &change);
		done += !error;
	}
	return done;
}

static int change(const struct command *command, pid_t pid, char **typed, int count, bool as_json)
{
	struct process process;
	enum process_result result = process_read(pid, &process);
	int done;

	if (result != PROCESS_OK) {
		command_complain(command, "%d: %s", (int)pid, process_explain(result));
		return process_status(result);
	}
	if (channel_of(&process) != CHANNEL_SOCKET) {
		command_complain(command,
				 "%s[%d]: no control socket: start the program with "
				 "WEIR_SOCKET=auto; it is there from the first large request on",
				 process.snapshot.program, (int)pid);
		return COMMAND_NO_ACCESS;
	}
	fputs(as_json ? "[" : "", stdout);
	done = change_all(command, &process, typed, count, as_json);
	fputs(as_json ? "]\n" : "", stdout);
	if (done == count)
		return COMMAND_OK;
	return done == 0 ? COMMAND_FAILED : COMMAND_PARTLY;
}

static int run(const struct command *command, int argc, char **argv)
{
	bool as_json = false;
	int first = command_parse(command, argc, argv, false, take_option, &as_json);
	pid_t pid;

	if (first < 0)
		return COMMAND_USAGE;
	if (argc - first < 2)
		return command_usage(command, "a process id and settings are wanted");
	if (!process_take_pid(command, argv[first], &pid))
		return COMMAND_USAGE;
	if (!are_settings(command, argv + first + 1, argc - first - 1))
		return COMMAND_USAGE;
	return change(command, pid, argv + first + 1, argc - first - 1, as_json);
}

const struct command command_set = {
	.name = "set",
	.arguments = "PID NAME=VALUE...",
	.summary = "change settings of a running process",
	.details =
		"By its control socket (WEIR_SOCKET). Names may be typed without WEIR_ and in "
		"lower case: limit=64M. These can be changed: WEIR_LIMIT, WEIR_FOOTPRINT, "
		"WEIR_CLASS_BLOCKS, WEIR_MAX_ALLOC, WEIR_DECAY, WEIR_LIVE_LIMIT where it was set "
		"at the start, and the limits of WEIR_CLASS_LIMITS. What is retained beyond a lower limit is released before the "
		"command ends.",
	.options = options,
	.run = run,
};
