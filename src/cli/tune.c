/* weir tune: finds settings for a program, and prints them for those who deploy it. */
#include "tune.h"
#include "command.h"
#include "deploy.h"

#include <stdlib.h>
#include <string.h>

#define RUNS_DEFAULT 5
#define RUNS_MOST 500 /* of which the end makes twice as many */
#define WITHIN_DEFAULT 5
#define WITHIN_MOST 1000

struct request {
	const struct command *command;
	const char *format;
	bool json;
	struct tuning tuning;
};

/* Options. */

static bool take_number(const struct request *request, const char *option, const char *value,
			double most, double *number)
{
	char *end;

	*number = strtod(value, &end);
	if (end != value && *end == '\0' && *number >= 0 && *number <= most)
		return true;
	command_usage(request->command, "--%s %s: accepted are numbers up to %.0f", option, value,
		      most);
	return false;
}

static bool take_runs(void *context, const char *value)
{
	struct request *request = context;
	const double most = RUNS_MOST;
	double runs;

	if (!take_number(request, "runs", value, most, &runs))
		return false;
	request->tuning.runs = (unsigned)runs;
	if (request->tuning.runs > 0 && runs == request->tuning.runs)
		return true;
	command_usage(request->command, "--runs %s: accepted are 1 to %.0f", value, most);
	return false;
}

static bool take_within(void *context, const char *value)
{
	struct request *request = context;
	double percent;

	if (!take_number(request, "within", value, WITHIN_MOST, &percent))
		return false;
	request->tuning.slack = 1 + percent / 100;
	return true;
}

static bool take_format(void *context, const char *value)
{
	struct request *request = context;

	request->format = value;
	if (deploy_is_format(value))
		return true;
	command_usage(request->command, "--format %s: accepted are %s", value, deploy_formats);
	return false;
}

static bool take_json(void *context, const char *value)
{
	struct request *request = context;

	(void)value;
	request->json = true;
	return true;
}

static const struct command_taker takers[] = {
	{ "runs", take_runs },
	{ "within", take_within },
	{ "format", take_format },
	{ "json", take_json },
	{ NULL, NULL },
};

static bool take(void *context, const char *name, const char *value)
{
	return command_take_by(takers, context, name, value);
}

/* The command. */

static int tune(struct request *request)
{
	int status;
	bool done;

	tuning_clear_environment();
	status = rounds_begin(&request->tuning.rounds);
	if (status != COMMAND_OK)
		return status;
	done = tuning_search(&request->tuning);
	rounds_end(&request->tuning.rounds);
	if (!done)
		return COMMAND_FAILED;
	if (request->json)
		tune_print_json(&request->tuning);
	else
		tune_print(&request->tuning, request->format);
	return COMMAND_OK;
}

static int run(const struct command *command, int argc, char **argv)
{
	static struct request request = { .format = "all",
					  .tuning = { .runs = RUNS_DEFAULT,
						      .slack = 1 + WITHIN_DEFAULT / 100.0 } };
	int first, status;

	request.command = request.tuning.rounds.command = request.tuning.contenders.command =
		command;
	first = command_parse(command, argc, argv, true, take, &request);
	if (first < 0)
		return COMMAND_USAGE;
	if (first == argc)
		return command_usage(command, "which program?");
	request.tuning.rounds.argv = argv + first;
	status = tune(&request);
	contenders_free(&request.tuning.contenders);
	return status;
}

static const struct command_option options[] = {
	{ "runs", 'n', "RUNS", "how often CMD runs with each in a step; 5 by default" },
	{ "within", 'w', "PERCENT",
	  "how much longer than with the fastest preset it may take; 5 by default" },
	{ "format", 'f', "containerfile|pod|systemd|all",
	  "how the environment is written; in all ways by default" },
	{ "json", 'j', NULL, "one JSON object with what was tried and the settings" },
	{ NULL, 0, NULL, NULL },
};

const struct command command_tune = {
	.name = "tune",
	.arguments = "[--] CMD [ARG...]",
	.summary = "find the settings with which a program is small and fast enough",
	.details =
		"Searches WEIR_PRESET, WEIR_LIMIT, WEIR_DECAY with WEIR_BACKGROUND, and "
		"WEIR_CLASS_LIMITS for the smallest resident size within PERCENT of the wall time "
		"of the fastest preset. The resident size is the mean of the peak, which a "
		"container's memory limit has to allow, and of the mean over time, which it costs "
		"its machine. CMD runs as under `weir compare`, some 30 times RUNS; it should do "
		"what it does in service, with its pauses.\n"
		"\n"
		"First all presets are tried, then halves of what they retained as a limit and "
		"two more between the best and the next one below, then decay in less than half of "
		"the time of a run, then none of the blocks of a doubling of sizes that were asked "
		"for least, by what they hold. In each step what is proposed runs in turn with the "
		"fastest preset and the best so far; it is taken where its median is fast enough "
		"and its resident size smaller by a hundredth and by more than noise. In the end "
		"the best, the presets and CMD without weir run twice as often once more: where "
		"the best is too slow then, or no smaller than the best preset, the preset is "
		"recommended.\n"
		"\n"
		"The searched variables of the environment are left out, other ones hold. The exit "
		"status is that of `weir compare`.",
	.options = options,
	.run = run,
};
