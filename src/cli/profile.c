/* weir profile: runs a program and says what its large memory is, and which settings suit it. */
#include "launch_options.h"
#include "profile_result.h"
#include "profile_run.h"
#include "setting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct request {
	struct launch launch;
	const char *keep;   /* path of the trace, or NULL */
	const char *most;   /* WEIR_RECORD_LIMIT */
	const char *output; /* or NULL for stderr */
	const char *html;   /* or NULL */
	bool json;
};

/* Options. */

static bool take(void *context, const char *name, const char *value)
{
	struct request *request = context;
	const struct {
		const char *name;
		const char **value;
	} texts[] = { { "keep", &request->keep },
		      { "most", &request->most },
		      { "output", &request->output },
		      { "html", &request->html } };

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (strcmp(texts[i].name, name) == 0) {
			*texts[i].value = value;
			return true;
		}
	if (launch_has_option(name))
		return launch_take_option(&request->launch, name, value);
	request->json = true;
	return true;
}

/* Settings in force. */

static bool is_set_by(const struct launch *launch, const char *entry)
{
	size_t length = strcspn(entry, "=") + 1;
	size_t i = 0;

	while (i < launch->setting_count && strncmp(launch->settings[i], entry, length) != 0)
		i++;
	return i < launch->setting_count;
}

/* As the program got them: the launch's stand for those of the environment. */
static void load_config(const struct launch *launch, struct weir_config *config)
{
	char *settings[2 * LAUNCH_SETTINGS_MAX + 1], name[SETTING_PROGRAM_BYTES];
	size_t count = 0;

	for (size_t i = 0; i < launch->setting_count; i++)
		settings[count++] = launch->settings[i];
	for (char **entry = environ; *entry != NULL && count < 2 * LAUNCH_SETTINGS_MAX; entry++)
		if (strncmp(*entry, "WEIR_", 5) == 0 && !is_set_by(launch, *entry))
			settings[count++] = *entry;
	settings[count] = NULL;
	weir_config_load(config, settings, setting_accepted_program(name), &setting_silent);
}

static void find_settings(struct profile_evidence *evidence, const struct launch *launch)
{
	struct weir_config config;

	load_config(launch, &config);
	evidence->limit_bytes = evidence->statistics.limit_bytes;
	if (evidence->statistics.processes == 0)
		evidence->limit_bytes = config.limit_bytes;
	evidence->max_bytes = config.max_bytes;
	evidence->decay_ms = config.decay_ms;
	evidence->has_helper = weir_config_wants_helper(&config);
	evidence->has_pressure = config.pressure;
}

/* Output. */

typedef void show(const struct profile_result *result, FILE *to);

static bool write_file(const struct command *command, const char *path,
		       const struct profile_result *result, show *shown)
{
	FILE *to = fopen(path, "we");
	bool written = to != NULL;

	if (written) {
		shown(result, to);
		written = !ferror(to);
		written = fclose(to) == 0 && written;
	}
	if (!written)
		command_complain(command, "%s: %s", path, strerror(errno));
	return written;
}

static bool put(const struct request *request, const struct profile_result *result)
{
	const struct command *command = request->launch.command;
	show *shown = request->json ? profile_json : profile_page;
	bool done = true;

	if (request->html != NULL)
		done = write_file(command, request->html, result, profile_html);
	if (request->output != NULL)
		return write_file(command, request->output, result, shown) && done;
	shown(result, stderr);
	return done;
}

/* From the trace to the page. */

static bool put_result(const struct request *request, const struct profile_run *run,
		       const struct trace *trace, struct profile_evidence *evidence)
{
	struct profile_advice advice;
	struct profile_result result = {
		.argv = run->recording.argv,
		.child = &run->recording.child,
		.wall_ns = run->wall_ns,
		.trace = trace,
		.figures = evidence->figures,
		.evidence = evidence,
		.advice = &advice,
		.samples = run->samples,
		.sample_count = run->sample_count,
	};

	profile_advise(&advice, evidence);
	return put(request, &result);
}

static bool read_and_put(const struct request *request, const struct profile_run *run,
			 struct trace *trace, struct profile_evidence *evidence)
{
	struct profile *profile = profile_begin(trace, evidence->limit_bytes);
	bool done = false;

	evidence->figures = profile == NULL ? NULL : profile_read(profile, trace);
	if (evidence->figures != NULL)
		done = put_result(request, run, trace, evidence);
	else
		command_complain(request->launch.command, "%s",
				 trace_problem(trace)[0] == '\0' ? "out of memory"
								 : trace_problem(trace));
	profile_end(profile);
	return done;
}

static bool open_and_put(const struct request *request, const struct profile_run *run,
			 struct profile_evidence *evidence)
{
	char problem[TRACE_PROBLEM_BYTES];
	struct trace *trace = trace_open(run->trace_path, problem);
	bool done;

	if (trace == NULL) {
		command_complain(request->launch.command, "%s", problem);
		return false;
	}
	done = read_and_put(request, run, trace, evidence);
	trace_close(trace);
	return done;
}

static bool conclude(const struct request *request, const struct profile_run *run)
{
	static const struct profile_figures none;
	struct profile_evidence evidence = {
		.figures = &none,
		.statistics = profile_reports_sum(&run->reports),
		.peak = run->peak,
	};

	find_settings(&evidence, &request->launch);
	if (run->parts < 0)
		return false;
	return run->parts == 0 ? put_result(request, run, NULL, &evidence)
			       : open_and_put(request, run, &evidence);
}

static int profile(struct request *request, char **argv)
{
	struct profile_run run;
	int status;

	if (!profile_run(&run, &request->launch, argv, request->keep, request->most))
		return LAUNCH_FAILED;
	status = child_exit_status(&run.recording.child);
	if (!conclude(request, &run))
		status = LAUNCH_FAILED;
	profile_run_end(&run);
	return status;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct request request = { .launch = { .command = command }, .most = "256M" };
	int first = command_parse(command, argc, argv, true, take, &request);

	if (first < 0)
		return LAUNCH_FAILED;
	if (first == argc) {
		command_usage(command, "which program?");
		return LAUNCH_FAILED;
	}
	return profile(&request, argv + first);
}

static const struct command_option options[] = {
	{ "output", 'o', "FILE", "where the page goes; stderr unless said otherwise" },
	{ "json", 'j', NULL, "as JSON in place of the page" },
	{ "html", 0, "FILE", "a page with plots for a browser, too" },
	{ "keep", 'k', "TRACE", "keep the trace, for `weir replay`" },
	{ "most", 'm', "SIZE", "longest trace of a process, as WEIR_RECORD_LIMIT; 256M" },
	LAUNCH_OPTIONS,
	{ NULL, 0, NULL, NULL },
};

const struct command command_profile = {
	.name = "profile",
	.arguments = "[--] CMD [ARG...]",
	.summary = "run a program and say what its large memory is, and which settings suit it",
	.details =
		"Runs CMD as `weir run` does, with its large requests recorded, and looks at its "
		"memory a few times a second. When CMD ends, also by a signal, a page says what was "
		"asked for in which sizes, how long blocks lived, what was live over time, how often "
		"weir had what was needed, how many page faults that saved, and whose the memory was "
		"when most was resident, so that you see when weir cannot help; then the settings "
		"that suit it, each with its reason. Processes that CMD starts are counted in.\n"
		"\n"
		"stdout is CMD's alone, which may be a pipe; so the page goes to stderr, or to FILE. "
		"docs/PROFILE.md says how estimates are made, and names the fields of `--json`. "
		"WEIR_RECORD and WEIR_REPORT are set by `weir profile` itself.\n"
		"\n"
		"The exit status is CMD's, 128 and the signal when one ended it; that of `weir run` "
		"when it could not be run; or 125 when there is no page.",
	.options = options,
	.run = run,
};
