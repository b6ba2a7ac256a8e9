/* weir metrics: figures of processes as OpenMetrics text, printed or served. */
#include "metrics.h"

#include "command.h"
#include "http.h"
#include "processes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A process that was asked for by its id; with its start, so that nobody who gets the id
 * later is taken for it. */
struct wanted {
	pid_t pid;
	uint64_t start;
};

struct request {
	const char *listen; /* or NULL */
	struct wanted *wanted;
	size_t wanted_count; /* 0: all processes */
};

/* Figures of the processes that one text is about. */
struct figures {
	struct weir_snapshot *snapshots;
	size_t count;
	size_t room;
};

/* Samples of two containers must differ, so the label is the id that the process has here. */
static bool add(void *context, const struct process *process)
{
	struct figures *figures = context;
	struct weir_snapshot *more;

	if (figures->count == figures->room) {
		figures->room = figures->room * 2 + 16;
		more = realloc(figures->snapshots, figures->room * sizeof *more);
		if (more == NULL)
			return false;
		figures->snapshots = more;
	}
	more = &figures->snapshots[figures->count++];
	*more = process->snapshot;
	more->pid = (uint64_t)process->pid;
	return true;
}

static bool add_wanted(const struct request *request, struct figures *figures)
{
	struct process process;
	bool added = true;

	for (size_t i = 0; added && i < request->wanted_count; i++)
		if (process_read(request->wanted[i].pid, &process) == PROCESS_OK &&
		    process.start == request->wanted[i].start)
			added = add(figures, &process);
	return added;
}

static void print_family(FILE *to, size_t family, const struct figures *figures, char *buffer)
{
	struct weir_text text;

	weir_text_init(&text, buffer, WEIR_METRICS_FAMILY_BYTES);
	weir_metrics_format_family(&text, family);
	fwrite(text.data, 1, text.used, to);
	for (size_t i = 0; i < figures->count; i++) {
		weir_text_init(&text, buffer, WEIR_METRICS_FAMILY_BYTES);
		weir_metrics_format_samples(&text, family, &figures->snapshots[i]);
		fwrite(text.data, 1, text.used, to);
	}
}

static bool print_families(FILE *to, const struct figures *figures)
{
	char *buffer = malloc(WEIR_METRICS_FAMILY_BYTES);

	if (buffer == NULL)
		return false;
	for (size_t i = 0; i < weir_metrics_family_count(); i++)
		print_family(to, i, figures, buffer);
	fputs(WEIR_METRICS_END, to);
	free(buffer);
	return true;
}

/* False when memory is short; whether all could be written, the file says. */
static bool print_metrics(FILE *to, const struct request *request)
{
	struct figures figures = { 0 };
	bool printed = request->wanted_count > 0 ? add_wanted(request, &figures)
						 : processes_each(add, &figures);

	printed = printed && print_families(to, &figures);
	free(figures.snapshots);
	return printed;
}

/* Serving. */

static char *make_text(void *context, size_t *bytes)
{
	char *text = NULL;
	FILE *to = open_memstream(&text, bytes);
	bool printed = to != NULL && print_metrics(to, context) && !ferror(to);

	if (to != NULL && fclose(to) != 0)
		printed = false;
	if (printed)
		return text;
	free(text);
	return NULL;
}

static void say_url(const char *url)
{
	fprintf(stderr, "weir metrics: listening on %s\n", url);
}

static int serve(const struct command *command, struct request *request)
{
	struct http_text text = { WEIR_METRICS_TYPE, make_text, request };
	union http_address address;
	int listener;

	if (!http_is_built()) {
		command_complain(command, "--listen: this command was built without "
					  "libmicrohttpd, which serves HTTP");
		return COMMAND_FAILED;
	}
	if (!http_parse_address(request->listen, &address))
		return command_usage(command, "--listen %s: wanted %s", request->listen,
				     HTTP_ADDRESSES);
	listener = http_listen(&address);
	if (listener < 0 || !http_serve(listener, &text, say_url)) {
		command_complain(command, "--listen %s: %s", request->listen, strerror(errno));
		return COMMAND_FAILED;
	}
	return COMMAND_OK;
}

/* Process ids. */

/* Finds a process, or says why not, and returns the exit status for it. */
static int want(const struct command *command, struct request *request, const char *text)
{
	struct process process;
	enum process_result result;
	pid_t pid;

	if (!process_take_pid(command, text, &pid))
		return COMMAND_USAGE;
	result = process_read(pid, &process);
	if (result != PROCESS_OK) {
		command_complain(command, "%d: %s", (int)pid, process_explain(result));
		return process_status(result);
	}
	request->wanted[request->wanted_count++] = (struct wanted){ pid, process.start };
	return COMMAND_OK;
}

static bool is_wanted(const struct request *request, const char *text)
{
	pid_t pid;
	size_t i = 0;

	if (!process_parse_pid(text, &pid))
		return false;
	while (i < request->wanted_count && request->wanted[i].pid != pid)
		i++;
	return i < request->wanted_count;
}

/* The status of the last that failed, or COMMAND_PARTLY when others did not. */
static int want_all(const struct command *command, struct request *request, char **pids)
{
	int status = COMMAND_OK, found;

	for (; *pids != NULL; pids++) {
		found = is_wanted(request, *pids) ? COMMAND_OK : want(command, request, *pids);
		if (found == COMMAND_USAGE)
			return found;
		if (found != COMMAND_OK)
			status = found;
	}
	return status != COMMAND_OK && request->wanted_count > 0 ? COMMAND_PARTLY : status;
}

/* Processes that are not there are told at once, not at each scrape. */
static int print_or_serve(const struct command *command, struct request *request, char **pids)
{
	int status = want_all(command, request, pids);

	if (status != COMMAND_OK && (status != COMMAND_PARTLY || request->listen != NULL))
		return status;
	if (request->listen != NULL)
		return serve(command, request);
	if (!print_metrics(stdout, request)) {
		command_complain(command, "%s", strerror(errno));
		return COMMAND_FAILED;
	}
	return status;
}

static bool take_option(void *context, const char *name, const char *value)
{
	struct request *request = context;

	(void)name; /* there is one */
	request->listen = value;
	return true;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct request request = { 0 };
	int first = command_parse(command, argc, argv, false, take_option, &request);
	int status;

	if (first < 0)
		return COMMAND_USAGE;
	request.wanted = calloc((size_t)argc, sizeof *request.wanted);
	if (request.wanted == NULL) {
		command_complain(command, "%s", strerror(errno));
		return COMMAND_FAILED;
	}
	status = print_or_serve(command, &request, argv + first);
	free(request.wanted);
	return status;
}

static const struct command_option options[] = {
	{ "listen", 'l', "ADDR:PORT", "serve them at /metrics, for Prometheus to scrape" },
	{ NULL, 0, NULL, NULL },
};

const struct command command_metrics = {
	.name = "metrics",
	.arguments = "[PID...]",
	.summary = "print or serve figures as OpenMetrics text",
	.details =
		"Of all processes under weir that may be read, or of these. With --listen the "
		"text is made anew for each request, until SIGINT or SIGTERM; processes that end "
		"are left out. ADDR:PORT is " HTTP_ADDRESSES
		"; port 0 takes a free one, and the URL is printed once it is served. Anybody who "
		"can connect may read: there is no password.",
	.options = options,
	.run = run,
};
