/* weir compare: runs a program, or a trace, under each allocator, and says how they differ. */
#include "command.h"
#include "comparison.h"
#include "replay_figures.h"
#include "rounds.h"
#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUNS_DEFAULT 5

struct request {
	const struct command *command;
	struct contenders contenders;
	bool told; /* which they are */
	unsigned runs;
	enum figures_preference preference;
	const char *plot;
	bool json;
	struct rounds rounds;
};

/* Options. */

static bool take_number(struct request *request, const char *option, const char *value,
			unsigned long least, unsigned long most, unsigned long *number)
{
	char *end;

	errno = 0;
	*number = strtoul(value, &end, 10);
	if (errno == 0 && end != value && *end == '\0' && *number >= least && *number <= most)
		return true;
	command_usage(request->command, "--%s %s: accepted are %lu to %lu", option, value, least,
		      most);
	return false;
}

static bool take_runs(void *context, const char *value)
{
	struct request *request = context;
	unsigned long runs;

	if (!take_number(request, "runs", value, 1, FIGURES_RUNS_MAX, &runs))
		return false;
	request->runs = (unsigned)runs;
	return true;
}

static bool take_status(void *context, const char *value)
{
	struct request *request = context;
	unsigned long status;

	if (!take_number(request, "status", value, 0, 255, &status))
		return false;
	request->rounds.status = (int)status;
	return true;
}

static bool take_with(void *context, const char *value)
{
	struct request *request = context;

	request->told = true;
	return contenders_add(&request->contenders, value);
}

static bool take_prefer(void *context, const char *value)
{
	struct request *request = context;

	request->preference = strcmp(value, "memory") == 0 ? FIGURES_MEMORY : FIGURES_SPEED;
	if (request->preference == FIGURES_MEMORY || strcmp(value, "speed") == 0)
		return true;
	command_usage(request->command, "--prefer %s: accepted are speed and memory", value);
	return false;
}

static bool take_plot(void *context, const char *value)
{
	struct request *request = context;

	request->plot = value;
	return true;
}

static bool take_output(void *context, const char *value)
{
	struct request *request = context;

	request->rounds.output = value;
	return true;
}

static bool take_json(void *context, const char *value)
{
	struct request *request = context;

	(void)value;
	request->json = true;
	return true;
}

static const struct command_taker takers[] = {
	{ "runs", take_runs },	   { "with", take_with },
	{ "prefer", take_prefer }, { "plot", take_plot },
	{ "output", take_output }, { "status", take_status },
	{ "json", take_json },	   { NULL, NULL },
};

static bool take(void *context, const char *name, const char *value)
{
	return command_take_by(takers, context, name, value);
}

/* A trace is replayed by this command. */

static bool is_trace(const char *path)
{
	uint64_t magic = 0;
	FILE *file = fopen(path, "re");
	bool is = file != NULL && fread(&magic, sizeof magic, 1, file) == 1 &&
		  magic == WEIR_TRACE_PROCESS_MAGIC;

	if (file != NULL)
		fclose(file);
	return is;
}

static char **replaying(char *trace)
{
	static char self[PATH_MAX], replay[] = "replay", json[] = "--json";
	static char *argv[] = { self, replay, json, NULL, NULL };
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

	self[length < 0 ? 0 : length] = '\0';
	argv[3] = trace;
	return argv;
}

#define REPLAY_OUTPUT_BYTES 4096

/* Without the time that it takes to read the trace, and what it is kept in. */
static bool refine(struct figures_sample *sample, const char *out)
{
	char json[REPLAY_OUTPUT_BYTES] = "";
	FILE *file = fopen(out, "re");
	struct replay_figures figures;
	bool done = file != NULL && fgets(json, sizeof json, file) != NULL &&
		    replay_figures_read(&figures, json);

	if (file != NULL)
		fclose(file);
	if (!done)
		return false;
	sample->values[FIGURES_WALL] = (double)figures.wall_ns / 1e9;
	sample->values[FIGURES_USER] = (double)figures.user_ns / 1e9;
	sample->values[FIGURES_SYSTEM] = (double)figures.system_ns / 1e9;
	sample->values[FIGURES_FAULTS] = (double)figures.minor_faults;
	sample->values[FIGURES_PEAK] = (double)figures.peak_bytes;
	sample->values[FIGURES_FINAL] = (double)figures.final_bytes;
	return true;
}

/* What comes of it. */

static void compare(struct comparison *comparison, const struct request *request)
{
	const struct figures_sample *samples[CONTENDERS_MAX];

	*comparison = (struct comparison){ .argv = request->rounds.argv,
					   .runs = request->runs,
					   .preference = request->preference };
	for (size_t i = 0; i < request->contenders.count; i++) {
		const struct contender *contender = request->contenders.each[i];

		if (contender->failed)
			continue;
		samples[comparison->count] = contender->samples;
		comparison->each[comparison->count++] = contender;
	}
	comparison->winner =
		figures_best(samples, comparison->count, comparison->runs, comparison->preference);
}

static bool plot(const struct request *request, const struct comparison *comparison)
{
	FILE *to = fopen(request->plot, "we");
	bool done = to != NULL;

	if (done) {
		comparison_plot(comparison, to);
		done = !ferror(to);
		done = fclose(to) == 0 && done;
	}
	if (!done)
		command_complain(request->command, "%s: %s", request->plot, strerror(errno));
	return done;
}

static int show(const struct request *request)
{
	static struct comparison comparison;

	compare(&comparison, request);
	if (request->json)
		comparison_print_json(&comparison, stdout);
	else
		comparison_print(&comparison, stdout);
	if (request->plot != NULL && !plot(request, &comparison))
		return COMMAND_FAILED;
	return comparison.count < request->contenders.count ? COMMAND_PARTLY : COMMAND_OK;
}

static int measure(struct request *request)
{
	struct contenders *contenders = &request->contenders;
	int status = rounds_begin(&request->rounds);
	bool done;

	if (status != COMMAND_OK)
		return status;
	request->rounds.total = 1 + request->runs * (unsigned)contenders->count;
	done = rounds_warm_up(&request->rounds, contenders->each[0]) &&
	       rounds_run(&request->rounds, contenders->each, contenders->count, request->runs);
	rounds_end(&request->rounds);
	return done ? show(request) : COMMAND_FAILED;
}

static bool find_contenders(struct request *request)
{
	if (!request->told && !contenders_add_usual(&request->contenders))
		return false;
	if (request->contenders.count > 0)
		return true;
	command_complain(request->command, "nothing is left to compare");
	return false;
}

static int run(const struct command *command, int argc, char **argv)
{
	static struct request request = { .runs = RUNS_DEFAULT };
	int first, status;

	request.command = request.contenders.command = request.rounds.command = command;
	first = command_parse(command, argc, argv, true, take, &request);
	if (first < 0)
		return COMMAND_USAGE;
	if (first == argc)
		return command_usage(command, "which program, or which trace?");
	if (!find_contenders(&request))
		return COMMAND_FAILED;
	request.rounds.argv = argv + first;
	if (argc - first == 1 && is_trace(argv[first])) {
		request.rounds.argv = replaying(argv[first]);
		request.rounds.refine = refine;
	}
	status = measure(&request);
	contenders_free(&request.contenders);
	return status;
}

static const struct command_option options[] = {
	{ "runs", 'n', "RUNS", "how often CMD runs under each; 5 by default" },
	{ "with", 'w', "LIST",
	  "under what: `glibc`, `jemalloc`, `mimalloc`, `tcmalloc`, the path of a library, `weir`, "
	  "`weir+BACKEND`, with commas between; behind weir its settings: "
	  "`'weir[limit=64M,decay=1s]'`. All that are installed by default, and weir with presets" },
	{ "prefer", 'p', "speed|memory", "what the best is to be best for; speed by default" },
	{ "plot", 0, "FILE.svg", "draw the ratios as bars" },
	{ "output", 'o', "DIR",
	  "keep what CMD prints there, of its last run under each; else it is kept only where "
	  "CMD fails" },
	{ "status", 0, "STATUS", "the exit status with which CMD ends well; 0 by default" },
	{ "json", 'j', NULL, "one JSON object with the figures of all runs" },
	{ NULL, 0, NULL, NULL },
};

const struct command command_compare = {
	.name = "compare",
	.arguments = "[--] CMD [ARG...] | TRACE",
	.summary = "measure a program under each allocator, and say which is best for it",
	.details =
		"Runs CMD under each of LIST in turn, once a round, in an order that is drawn anew "
		"each round, after one run that does not count. A TRACE of `weir record` is "
		"replayed instead, and the figures are those of `weir replay`. CMD reads what stdin is where that is a file, from there on in "
		"each run, and nothing elsewhere; it has no terminal; what it leaves running in "
		"its process group is ended. What else is preloaded or set in the environment "
		"holds for all, but other allocators in LD_PRELOAD are left out.\n"
		"\n"
		"Shown are the medians under the first of LIST, and for the others the medians of "
		"the ratios to it, each of two runs of the same round: wall, user and system time, "
		"page faults that read no file, and the resident size, at most and shortly before "
		"the end, of CMD and all its descendants together, with shared pages counted for "
		"each of them. User and system time and faults are of CMD and of what it waited "
		"for.\n"
		"\n"
		"The interval of a ratio is that of the order statistics: from the k-th smallest "
		"to the k-th largest of its values, with the largest k for which the true median "
		"lies outside with a chance of 10 % at most; of 5 to 7 runs from the smallest to "
		"the largest. `±` is half of it, in parts of the median. A difference is noise, "
		"`~`, where the interval includes 1. Of twenty programs that do not differ one or "
		"two will seem to.\n"
		"\n"
		"The best is what has the lowest score: of the wall time t and the resident size "
		"m, the root of peak times final size, t^3 m for speed and t m^3 for memory, so "
		"that 10 % of the one weigh as much as 33 % of the other. Of those whose scores "
		"differ by noise the one with the smaller resident size is named, for memory the "
		"faster one.\n"
		"\n"
		"The exit status is 1 where CMD fails in its first run, which then says where its "
		"stderr is; 5 where it fails under some of LIST, which are left out; 126 or 127 "
		"where CMD cannot be run or is not there.",
	.options = options,
	.run = run,
};
