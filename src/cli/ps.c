/* weir ps: the processes under weir. */
#include "channel.h"
#include "command.h"
#include "print.h"
#include "processes.h"

#include <inttypes.h>
#include <string.h>

enum form { FORM_TABLE, FORM_JSON, FORM_PIDS };

static const struct command_option options[] = {
	{ "json", 'j', NULL, "an array of objects" },
	{ "pids", 0, NULL, "process ids alone, one a line" },
	{ NULL, 0, NULL, NULL },
};

static const char *const headings[] = {
	"PID", "PROGRAM", "STATE", "LIVE", "RETAINED", "LIMIT", "HITS", "CHANNEL",
};
static const bool right[] = { true, false, false, true, true, true, true, false };

#define COLUMN_COUNT (sizeof headings / sizeof *headings)

struct listing {
	enum form form;
	struct print_table *table;
	size_t count;
};

static bool take_option(void *context, const char *name, const char *value)
{
	(void)value;
	*(enum form *)context = strcmp(name, "json") == 0 ? FORM_JSON : FORM_PIDS;
	return true;
}

static void add_row(struct print_table *table, const struct process *process)
{
	const struct weir_snapshot *snapshot = &process->snapshot;
	char pid[16], live[PRINT_SIZE_BYTES], retained[PRINT_SIZE_BYTES], limit[PRINT_SIZE_BYTES],
		hits[PRINT_SIZE_BYTES];
	const char *const cells[COLUMN_COUNT] = {
		pid,
		snapshot->program,
		weir_state_name(snapshot->state),
		print_size(live, snapshot->live_bytes),
		print_size(retained, snapshot->retained_bytes),
		print_size(limit, snapshot->limit_bytes),
		print_share(hits, snapshot->hits, snapshot->requests),
		channel_name(channel_of(process)),
	};

	snprintf(pid, sizeof pid, "%d", (int)process->pid);
	print_table_row(table, cells);
}

static void print_object(const struct process *process, bool is_first)
{
	const struct weir_snapshot *snapshot = &process->snapshot;

	printf("%s{\"pid\":%d,\"inner_pid\":%d,\"program\":", is_first ? "" : ",\n ",
	       (int)process->pid, (int)process->inner_pid);
	print_json_string(stdout, snapshot->program);
	printf(",\"state\":\"%s\",\"live_bytes\":%" PRIu64 ",\"retained_bytes\":%" PRIu64
	       ",\"limit_bytes\":%" PRIu64 ",\"requests\":%" PRIu64 ",\"hits\":%" PRIu64
	       ",\"channel\":\"%s\"}",
	       weir_state_name(snapshot->state), snapshot->live_bytes, snapshot->retained_bytes,
	       snapshot->limit_bytes, snapshot->requests, snapshot->hits,
	       channel_name(channel_of(process)));
}

static bool show(void *context, const struct process *process)
{
	struct listing *listing = context;

	if (listing->form == FORM_PIDS)
		printf("%d\n", (int)process->pid);
	else if (listing->form == FORM_JSON)
		print_object(process, listing->count == 0);
	else
		add_row(listing->table, process);
	listing->count++;
	return true;
}

/* What the list lacks. */
static void explain(const struct command *command, const struct listing *listing)
{
	size_t hidden = processes_count_hidden();

	if (listing->count == 0 && hidden == 0)
		command_complain(command, "no process under weir that this user may see");
	if (hidden > 0)
		command_complain(command, "%zu more %s under weir but %s", hidden,
				 hidden == 1 ? "process is" : "processes are",
				 process_explain(PROCESS_NO_ACCESS));
}

static bool list(struct listing *listing)
{
	bool done;

	if (listing->form == FORM_JSON)
		putchar('[');
	if (listing->form == FORM_TABLE)
		listing->table = print_table_new(headings, right, COLUMN_COUNT);
	done = processes_each(show, listing);
	if (listing->form == FORM_JSON)
		puts("]");
	if (listing->form == FORM_TABLE && listing->count > 0)
		print_table_end(listing->table, stdout);
	return done;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct listing listing = { .form = FORM_TABLE };
	int first = command_parse(command, argc, argv, false, take_option, &listing.form);

	if (first < 0)
		return COMMAND_USAGE;
	if (first < argc)
		return command_usage(command, "%s: it takes no operands", argv[first]);
	channel_clean_stale();
	if (!list(&listing))
		return COMMAND_FAILED;
	if (listing.form != FORM_PIDS)
		explain(command, &listing);
	return COMMAND_OK;
}

const struct command command_ps = {
	.name = "ps",
	.arguments = "",
	.summary = "list the processes under weir",
	.details =
		"LIVE is what the program has in large blocks, RETAINED what weir keeps for its "
		"next requests, up to LIMIT; HITS is the share of requests that retained blocks "
		"served. CHANNEL is how `weir release` would ask the process: by its control "
		"socket, by its signal, or not at all. A process that has weir loaded but told "
		"not to work is off.\n\n"
		"Other users' processes are seen by root alone. Control sockets of this user that "
		"ended processes left behind are removed.",
	.options = options,
	.run = run,
};
