/* weir check: whether weir is loaded in a process. */
#include "command.h"
#include "process.h"

#include <stdio.h>

static const char *const states[] = {
	[WEIR_STATE_OFF] = "but told not to work (WEIR_DISABLE, WEIR_PROGRAMS)",
	[WEIR_STATE_IDLE] = "and waits for the first large request",
	[WEIR_STATE_READY] = "and serves large requests",
	[WEIR_STATE_UNAVAILABLE] = "but found no addresses to reserve, so that all passes through",
};

static const char *explain_state(enum weir_state state)
{
	return state <= WEIR_STATE_UNAVAILABLE ? states[state] : "in an unknown state";
}

static bool take_no_option(void *context, const char *name, const char *value)
{
	(void)context;
	(void)name;
	(void)value;
	return true;
}

static int check(pid_t pid)
{
	struct process process;
	enum process_result result = process_read(pid, &process);

	if (result == PROCESS_OK) {
		printf("%s[%d]: weir %s is loaded %s\n", process.snapshot.program, (int)pid,
		       process.snapshot.version, explain_state(process.snapshot.state));
		return COMMAND_OK;
	}
	if (process_has_library(pid)) {
		printf("%d: weir is loaded; its figures: %s\n", (int)pid, process_explain(result));
		return COMMAND_OK;
	}
	printf("%d: %s\n", (int)pid, process_explain(result));
	return process_status(result);
}

static int run(const struct command *command, int argc, char **argv)
{
	int first = command_parse(command, argc, argv, false, take_no_option, NULL);
	pid_t pid;

	if (first < 0)
		return COMMAND_USAGE;
	if (!process_take_only_pid(command, argc - first, argv + first, &pid))
		return COMMAND_USAGE;
	return check(pid);
}

const struct command command_check = {
	.name = "check",
	.arguments = "PID",
	.summary = "say whether weir is loaded in a process",
	.details =
		"The exit status is 0 when it is loaded, at work or not, 3 when it is not, 4 when "
		"this user may not know, and 1 when there is no such process.",
	.options = NULL,
	.run = run,
};
