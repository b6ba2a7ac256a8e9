/* weir release: gives back what processes retain. */
#include "channel.h"
#include "classes.h"
#include "command.h"
#include "option.h"
#include "print.h"
#include "processes.h"
#include "units.h"

#include <inttypes.h>
#include <string.h>

static const struct command_option options[] = {
	{ "all", 'a', NULL, "all processes under weir that this user may ask" },
	{ "keep", 'k', "SIZE", "leave this much retained: what was idle longest goes first" },
	{ "class", 'c', "RANGE", "only blocks of these sizes: 64K-1M, 16M" },
	{ "json", 'j', NULL, "an array of objects" },
	{ NULL, 0, NULL, NULL },
};

struct request {
	const struct command *command;
	bool all;
	bool as_json;
	const char *keep;
	const char *range;
	/* So far. */
	size_t done;
	size_t failed;
	int status; /* of the first that failed */
};

static bool is_size(const char *text)
{
	uint64_t bytes;

	return weir_units_parse_size(text, strlen(text), &bytes);
}

static bool is_range(const char *text)
{
	size_t min_bytes, max_bytes;

	return !strpbrk(text, " \t\r\n") &&
	       weir_option_parse_range(text, strlen(text), WEIR_LARGEST_REQUEST, &min_bytes,
				       &max_bytes);
}

static bool take_keep(struct request *request, const char *value)
{
	request->keep = value;
	return is_size(value) ||
	       !command_usage(request->command, "--keep=%s: accepted: a size, as 64M", value);
}

static bool take_class(struct request *request, const char *value)
{
	request->range = value;
	return is_range(value) ||
	       !command_usage(request->command,
			      "--class=%s: accepted: sizes up to 4G, as 64K-1M, 16M or *", value);
}

static bool take_option(void *context, const char *name, const char *value)
{
	struct request *request = context;

	if (strcmp(name, "keep") == 0)
		return take_keep(request, value);
	if (strcmp(name, "class") == 0)
		return take_class(request, value);
	if (strcmp(name, "all") == 0)
		request->all = true;
	else
		request->as_json = true;
	return true;
}

/* One result. */

static void open_object(struct request *request, pid_t pid)
{
	printf("%s{\"pid\":%d", request->done + request->failed == 0 ? "" : ",\n ", (int)pid);
}

static void fail(struct request *request, pid_t pid, const char *program, const char *why,
		 int status)
{
	if (request->as_json) {
		open_object(request, pid);
		fputs(",\"program\":", stdout);
		print_json_string(stdout, program);
		fputs(",\"error\":", stdout);
		print_json_string(stdout, why);
		putchar('}');
	} else if (*program) {
		command_complain(request->command, "%s[%d]: %s", program, (int)pid, why);
	} else {
		command_complain(request->command, "%d: %s", (int)pid, why);
	}
	if (request->failed++ == 0)
		request->status = status;
}

static void print_object(struct request *request, const struct process *process,
			 const struct channel_release *result)
{
	open_object(request, process->pid);
	fputs(",\"program\":", stdout);
	print_json_string(stdout, process->snapshot.program);
	printf(",\"channel\":\"%s\",\"released_bytes\":%" PRIu64 ",\"blocks\":%" PRIu64
	       ",\"ns\":%" PRIu64 ",\"resident_before_bytes\":%" PRIu64
	       ",\"resident_after_bytes\":%" PRIu64 "}",
	       channel_name(result->channel), result->released_bytes, result->blocks, result->ns,
	       result->resident_before_bytes, result->resident_after_bytes);
}

/* 655.1 -> 243.4 MiB: the first unit is left out where it is the same. */
static void print_change(uint64_t before_bytes, uint64_t after_bytes)
{
	char before[PRINT_SIZE_BYTES], after[PRINT_SIZE_BYTES];
	char *unit;

	print_size(before, before_bytes);
	print_size(after, after_bytes);
	unit = strchr(before, ' ');
	if (unit && strchr(after, ' ') && strcmp(unit, strchr(after, ' ')) == 0)
		*unit = '\0';
	printf("RSS %s -> %s", before, after);
}

static void print_line(const struct process *process, const struct channel_release *result)
{
	char size[PRINT_SIZE_BYTES], time[PRINT_SIZE_BYTES];

	printf("%s[%d]: released %s (%" PRIu64 " %s); ", process->snapshot.program,
	       (int)process->pid, print_size(size, result->released_bytes), result->blocks,
	       result->blocks == 1 ? "block" : "blocks");
	print_change(result->resident_before_bytes, result->resident_after_bytes);
	printf(", %s\n", print_time(time, result->ns));
}

/* Nobody is asked, and no signal sent, for nothing. */
static void skip(struct request *request, const struct process *process)
{
	struct channel_release nothing = {
		.channel = channel_of(process),
		.resident_before_bytes = process_resident_bytes(process),
	};

	nothing.resident_after_bytes = nothing.resident_before_bytes;
	if (request->as_json)
		print_object(request, process, &nothing);
	else
		printf("%s[%d]: nothing retained\n", process->snapshot.program, (int)process->pid);
}

static bool release_one(void *context, const struct process *process)
{
	struct request *request = context;
	struct channel_release result;

	if (process->snapshot.retained_bytes == 0) {
		skip(request, process);
	} else if (!channel_release(process, request->keep, request->range, &result)) {
		fail(request, process->pid, process->snapshot.program, result.error,
		     result.channel == CHANNEL_NONE ? COMMAND_NO_ACCESS : COMMAND_FAILED);
		return true;
	} else if (request->as_json) {
		print_object(request, process, &result);
	} else {
		print_line(process, &result);
	}
	request->done++;
	return true;
}

static void release_named(struct request *request, char **pids, int count)
{
	struct process process;
	enum process_result result;
	pid_t pid = 0;

	for (int i = 0; i < count; i++) {
		process_parse_pid(pids[i], &pid);
		result = process_read(pid, &process);
		if (result == PROCESS_OK)
			release_one(request, &process);
		else
			fail(request, pid, "", process_explain(result), process_status(result));
	}
}

static int status_of(const struct request *request)
{
	if (request->failed == 0)
		return COMMAND_OK;
	return request->done > 0 ? COMMAND_PARTLY : request->status;
}

static int release(struct request *request, char **pids, int count)
{
	size_t hidden;

	if (request->as_json)
		putchar('[');
	if (!request->all)
		release_named(request, pids, count);
	else if (!processes_each(release_one, request))
		return COMMAND_FAILED;
	if (request->as_json)
		puts("]");
	hidden = request->all ? processes_count_hidden() : 0;
	if (hidden > 0) {
		command_complain(request->command, "%zu more %s under weir but %s", hidden,
				 hidden == 1 ? "process is" : "processes are",
				 process_explain(PROCESS_NO_ACCESS));
		if (request->failed == 0)
			request->status = COMMAND_NO_ACCESS;
		request->failed += hidden;
	}
	if (request->done + request->failed == 0)
		command_complain(request->command, "no process under weir that this user may see");
	return status_of(request);
}

static bool are_pids(const struct command *command, char **pids, int count)
{
	pid_t pid;

	for (int i = 0; i < count; i++)
		if (!process_take_pid(command, pids[i], &pid))
			return false;
	return true;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct request request = { .command = command };
	int first = command_parse(command, argc, argv, false, take_option, &request);

	if (first < 0)
		return COMMAND_USAGE;
	if (request.all == (first < argc))
		return command_usage(command, "process ids are wanted, or --all");
	if (!are_pids(command, argv + first, argc - first))
		return COMMAND_USAGE;
	return release(&request, argv + first, argc - first);
}

const struct command command_release = {
	.name = "release",
	.arguments = "PID...|--all",
	.summary = "give back to the system what processes retain",
	.details =
		"Asks by the control socket (WEIR_SOCKET), else by the signal (WEIR_SIGNAL), and "
		"waits until it is done. A signal goes only to a process whose handler is weir's, "
		"by its statistics page and by the kernel's list of caught signals. A process "
		"that retains nothing is left alone. --keep and --class need the socket.\n\n"
		"RSS is what the process has resident, before and after; the time is what the "
		"kernel took for the release.",
	.options = options,
	.run = run,
};
