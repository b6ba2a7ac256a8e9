/* weir replay: makes the calls of a trace again, with the allocator that there is. */
#include "command.h"
#include "print.h"
#include "replay_figures.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct request {
	const struct command *command;
	struct replay_options options;
	int32_t pid;
	bool json;
};

/* Options. */

static bool take_touch(void *context, const char *value)
{
	struct request *request = context;
	static const char *const names[] = {
		[REPLAY_TOUCH_RECORDED] = "recorded",
		[REPLAY_TOUCH_ALL] = "all",
		[REPLAY_TOUCH_NONE] = "none",
	};
	unsigned i = 0;

	while (i < sizeof names / sizeof *names && strcmp(names[i], value) != 0)
		i++;
	request->options.touch = (enum replay_touch)i;
	if (i < sizeof names / sizeof *names)
		return true;
	command_usage(request->command, "--touch %s: it is recorded, all or none", value);
	return false;
}

static bool take_process(void *context, const char *value)
{
	struct request *request = context;
	char *end;
	long pid = strtol(value, &end, 10);

	request->pid = (int32_t)pid;
	if (*value != '\0' && *end == '\0' && pid > 0 && pid <= INT32_MAX)
		return true;
	command_usage(request->command, "--process %s: not a process id", value);
	return false;
}

static bool take_paced(void *context, const char *value)
{
	struct request *request = context;

	(void)value;
	return request->options.is_paced = true;
}

static bool take_json(void *context, const char *value)
{
	struct request *request = context;

	(void)value;
	return request->json = true;
}

static const struct command_taker takers[] = {
	{ "touch", take_touch }, { "process", take_process },
	{ "paced", take_paced }, { "json", take_json },
	{ NULL, NULL },
};

static bool take(void *context, const char *name, const char *value)
{
	return command_take_by(takers, context, name, value);
}

/* What is said. */

static void say_gaps(const struct request *request, const struct trace *trace, const char *path)
{
	struct trace_gaps gaps = trace_missing(trace);

	if (gaps.lost > 0)
		command_complain(request->command, "%s lacks %" PRIu64 " calls at its end: %s",
				 path, gaps.lost, strerror(gaps.error));
	if (gaps.cut_bytes > 0)
		command_complain(request->command,
				 "%s was cut: %" PRIu64 " bytes at its end are no "
				 "whole unit",
				 path, gaps.cut_bytes);
}

static void print_people(const struct replay_plan *plan, const struct weir_trace_process *process,
			 const struct replay_figures *figures)
{
	char wall[PRINT_SIZE_BYTES], user[PRINT_SIZE_BYTES], system[PRINT_SIZE_BYTES];
	char peak[PRINT_SIZE_BYTES], final[PRINT_SIZE_BYTES], live[PRINT_SIZE_BYTES];

	printf("%s[%d]: %" PRIu32 " calls by %" PRIu32 " thread%s in %s, user %s, system %s\n",
	       process->program, (int)process->pid, plan->step_count, plan->thread_count,
	       plan->thread_count == 1 ? "" : "s", print_time(wall, figures->wall_ns),
	       print_time(user, figures->user_ns), print_time(system, figures->system_ns));
	printf("%" PRIu64 " faults; resident at most %s, at the end %s, of that %s live\n",
	       figures->minor_faults + figures->major_faults, print_size(peak, figures->peak_bytes),
	       print_size(final, figures->final_bytes), print_size(live, figures->live_bytes));
	if (plan->left_out > 0)
		printf("%" PRIu64 " calls were left out: the backend's, refused, or of blocks that "
		       "were there before\n",
		       plan->left_out);
	if (figures->failed > 0)
		printf("%" PRIu64 " calls got no memory\n", figures->failed);
}

static void print_json(const struct replay_plan *plan, const struct weir_trace_process *process,
		       const struct replay_figures *figures)
{
	printf("{\"program\":");
	print_json_string(stdout, process->program);
	printf(",\"pid\":%d,\"calls\":%" PRIu32 ",\"left_out\":%" PRIu64 ",\"threads\":%" PRIu32,
	       (int)process->pid, plan->step_count, plan->left_out, plan->thread_count);
	replay_figures_print(figures, stdout);
	puts("}");
}

/* What it does. */

static int play(const struct request *request, struct replay_plan *plan,
		const struct weir_trace_process *process)
{
	struct replay_figures figures;

	if (!replay_run(plan, &request->options, &figures)) {
		command_complain(request->command, "no threads or tables to replay with: %s",
				 strerror(errno));
		return COMMAND_FAILED;
	}
	(request->json ? print_json : print_people)(plan, process, &figures);
	return fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

/* The reader has let go of its memory before anything is replayed. */
static int replay(const struct request *request, const char *path)
{
	char problem[TRACE_PROBLEM_BYTES];
	struct trace *trace = trace_open(path, problem);
	struct weir_trace_process process;
	struct replay_plan plan;

	if (trace == NULL || !replay_plan_make(&plan, trace, request->pid, problem)) {
		command_complain(request->command, "%s", problem);
		trace_close(trace);
		return COMMAND_FAILED;
	}
	say_gaps(request, trace, path);
	process = *trace_process(trace, plan.process);
	trace_close(trace);
	return play(request, &plan, &process);
}

static int run(const struct command *command, int argc, char **argv)
{
	struct request request = { .command = command };
	int first = command_parse(command, argc, argv, false, take, &request);

	if (first < 0)
		return COMMAND_USAGE;
	if (first + 1 != argc)
		return command_usage(command, "one trace, of `weir record`");
	return replay(&request, argv[first]);
}

static const struct command_option options[] = {
	{ "touch", 't', "recorded|all|none",
	  "what is written to of each block, a byte a page; where the trace does not know what was "
	  "touched it was all of it" },
	{ "paced", 'p', NULL, "make each call no earlier than it was recorded" },
	{ "process", 0, "PID", "of a trace of several; else the one with the most calls" },
	{ "json", 'j', NULL, "print JSON" },
	{ NULL, 0, NULL, NULL },
};

const struct command command_replay = {
	.name = "replay",
	.arguments = "FILE",
	.summary = "make the large requests of a trace again",
	.details =
		"Makes the calls of one process of a trace, by as many threads as there were at "
		"once, with the allocator that `weir replay` itself has: that of LD_PRELOAD, or the "
		"C library's. `weir compare FILE` does so with each allocator in turn; `weir run "
		"--limit 64M weir replay FILE` with weir and settings.\n"
		"\n"
		"Each thread makes its calls in their order, each block sees its calls in theirs, "
		"and no thread runs ahead by more than 256 calls or 32 MiB; else threads run freely, "
		"and as fast as they can unless --paced. Figures are from the first call to the "
		"last; resident memory is what is anonymous.",
	.options = options,
	.run = run,
};
