/* weir record: runs a program under weir and keeps a trace of its large requests. */
#include "launch_options.h"
#include "recording.h"

#include <string.h>

struct request {
	struct launch launch;
	const char *output;
	const char *most; /* WEIR_RECORD_LIMIT, or NULL */
};

static bool take(void *context, const char *name, const char *value)
{
	struct request *request = context;

	if (launch_has_option(name))
		return launch_take_option(&request->launch, name, value);
	*(strcmp(name, "output") == 0 ? &request->output : &request->most) = value;
	return true;
}

static int record(struct request *request, char **argv)
{
	const struct command *command = request->launch.command;
	struct recording recording;
	int status, parts;

	if (!recording_start(&recording, &request->launch, argv, request->output, request->most))
		return LAUNCH_FAILED;
	child_wait(&recording.child, -1);
	status = child_exit_status(&recording.child);
	parts = recording_gather(&recording, request->output);
	if (parts < 0)
		return LAUNCH_FAILED;
	if (parts == 0)
		command_complain(command, "%s is empty: no process made a large request under weir",
				 request->output);
	return status;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct request request = { .launch = { .command = command } };
	int first = command_parse(command, argc, argv, true, take, &request);

	if (first < 0)
		return LAUNCH_FAILED;
	if (first == argc || request.output == NULL) {
		command_usage(command, first == argc ? "which program?"
						     : "-o FILE: where is the trace to go?");
		return LAUNCH_FAILED;
	}
	return record(&request, argv + first);
}

static const struct command_option options[] = {
	{ "output", 'o', "FILE", "the trace" },
	{ "most", 'm', "SIZE",
	  "longest part of a process, as WEIR_RECORD_LIMIT: 1G unless said otherwise" },
	LAUNCH_OPTIONS,
	{ NULL, 0, NULL, NULL },
};

const struct command command_record = {
	.name = "record",
	.arguments = "-o FILE [--] CMD [ARG...]",
	.summary = "run a program under weir and keep a trace of its large requests",
	.details =
		"Runs CMD as `weir run` does, and has each of its processes write what it asks for, "
		"and when, into a part of its own: 40 bytes for a block, and no memory but 64 KiB "
		"a thread. When CMD ends the parts become FILE, which `weir replay` and `weir "
		"compare` take. Processes that CMD leaves behind are recorded until then.\n"
		"\n"
		"What is written is in the file at once, so that nothing is lost with a process "
		"that is killed. A part that reaches its longest size, or a full disk, ends there; "
		"a line on stderr says so, and whoever reads the trace is told how many calls it "
		"lacks. While CMD runs the parts are in a directory beside FILE; they are left "
		"there if `weir record` itself is killed, and each is a trace.\n"
		"\n"
		"The exit status is CMD's, 128 and the signal when one ended it; or that of `weir "
		"run` when it could not be run.",
	.options = options,
	.run = run,
};
