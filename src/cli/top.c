/* weir top: the processes under weir, live, and keys to sort them and to release. */
#include "channel.h"
#include "command.h"
#include "os.h"
#include "print.h"
#include "processes.h"
#include "releasing.h"
#include "terminal.h"
#include "top_view.h"
#include "units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DELAY_MS_MIN 100
#define DELAY_MS_MAX (3600 * 1000)

/* Where no terminal says it. */
#define LINES 24
#define COLUMNS 80
#define TABLE_COLUMNS 120

/* A channel is looked for by connecting to the process, so not at each refresh. */
#define CHANNEL_MS 10000

/* How often a release that is under way is looked after. */
#define RELEASING_MS 20

/* A refresh so soon after the last one says no rate. */
#define RATE_MS_MIN 100

#define STATUS_BYTES 512

struct top {
	uint64_t delay_ms;
	bool is_once;
	bool is_ended;
	struct top_view view;
	size_t room; /* of view.rows */
	uint64_t read_ms;
	uint64_t channels_ms; /* when all channels were looked for */
	bool has_status;      /* until the next event; else help stands there */
	char status[STATUS_BYTES];
};

/* Reading. */

/* A refresh: the rows so far, and the new ones. */
struct refresh {
	const struct top_row *before;
	size_t before_count;
	struct top *top;
	uint64_t elapsed_ms; /* since the last one */
	bool keeps_channels;
};

static const struct top_row *row_before(const struct refresh *refresh,
					const struct process *process)
{
	for (size_t i = 0; i < refresh->before_count; i++)
		if (refresh->before[i].pid == process->pid &&
		    refresh->before[i].start == process->start)
			return &refresh->before[i];
	return NULL;
}

/* The counts are another process's and may go down. */
static void put_rate(struct top_row *row, const struct refresh *refresh,
		     const struct top_row *before)
{
	row->has_rate = before->has_rate;
	row->rate = before->rate;
	if (refresh->elapsed_ms < RATE_MS_MIN)
		return;
	row->has_rate = row->requests >= before->requests;
	if (!row->has_rate)
		return;
	row->rate = (uint64_t)((double)(row->requests - before->requests) * 1000.0 /
			       (double)refresh->elapsed_ms);
}

static struct top_row row_of(const struct refresh *refresh, const struct process *process)
{
	const struct weir_snapshot *snapshot = &process->snapshot;
	const struct top_row *before = row_before(refresh, process);
	struct top_row row = {
		.pid = process->pid,
		.start = process->start,
		.live_bytes = snapshot->live_bytes,
		.retained_bytes = snapshot->retained_bytes,
		.limit_bytes = snapshot->limit_bytes,
		.requests = snapshot->requests,
		.hits = snapshot->hits,
	};

	memcpy(row.program, snapshot->program, sizeof row.program);
	if (before != NULL)
		put_rate(&row, refresh, before);
	row.channel = before != NULL && refresh->keeps_channels ? before->channel
								: channel_name(channel_of(process));
	return row;
}

static bool add_row(void *context, const struct process *process)
{
	struct refresh *refresh = context;
	struct top *top = refresh->top;
	struct top_row *more;

	if (top->view.count == top->room) {
		top->room = top->room * 2 + 16;
		more = realloc(top->view.rows, top->room * sizeof *more);
		if (more == NULL)
			return false;
		top->view.rows = more;
	}
	top->view.rows[top->view.count++] = row_of(refresh, process);
	return true;
}

static bool refresh(struct top *top)
{
	struct top_row *before = top->view.rows;
	uint64_t now = weir_os_now_ns() / 1000000;
	struct refresh refresh = { before, top->view.count, top, now - top->read_ms,
				   now - top->channels_ms < CHANNEL_MS };
	bool complete;

	top->view.rows = NULL;
	top->view.count = 0;
	top->room = 0;
	top->read_ms = now;
	if (!refresh.keeps_channels)
		top->channels_ms = now;
	complete = processes_each(add_row, &refresh);
	free(before);
	return complete;
}

/* Showing. */

static bool show_once(struct top *top)
{
	unsigned lines;

	top->view.columns = TABLE_COLUMNS;
	terminal_size(&lines, &top->view.columns);
	top_view_arrange(&top->view);
	top_view_print(&top->view, stdout);
	return putchar('\n') != EOF;
}

static void show(struct top *top)
{
	char *lines = NULL;
	size_t bytes;
	FILE *to = open_memstream(&lines, &bytes);

	if (to == NULL)
		return;
	top->view.lines = LINES;
	top->view.columns = COLUMNS;
	terminal_size(&top->view.lines, &top->view.columns);
	top->view.status = top->has_status ? top->status : TOP_VIEW_HELP;
	top_view_arrange(&top->view);
	top_view_print(&top->view, to);
	if (fclose(to) == 0)
		terminal_show(lines);
	free(lines);
}

/* Releasing. */

static void release_rows(struct top *top, const struct top_row *rows, size_t count)
{
	if (count == 0)
		return;
	top->has_status = true;
	if (releasing_start(rows, count))
		snprintf(top->status, sizeof top->status, "releasing...");
	else
		snprintf(top->status, sizeof top->status, "a release is still under way");
}

static void release_selected(struct top *top)
{
	release_rows(top, top->view.rows + top->view.selected, top->view.count > 0 ? 1 : 0);
}

static void release_all(struct top *top)
{
	release_rows(top, top->view.rows, top->view.count);
}

/* Events. */

static void quit(struct top *top)
{
	top->is_ended = true;
}

static long page_of(const struct top *top)
{
	return (long)top_view_room(&top->view);
}

/* What an event moves the selection by: rows, pages, all there are. */
static long rows_of(const struct top *top, int event)
{
	switch (event) {
	case TERMINAL_UP:
	case 'k':
		return -1;
	case TERMINAL_DOWN:
	case 'j':
		return 1;
	case TERMINAL_PAGE_UP:
		return -page_of(top);
	case TERMINAL_PAGE_DOWN:
		return page_of(top);
	case TERMINAL_HOME:
		return -(long)top->view.count;
	case TERMINAL_END:
		return (long)top->view.count;
	default:
		return 0;
	}
}

static const struct {
	int event;
	void (*act)(struct top *top);
} actions[] = {
	{ 'r', release_selected },
	{ 'R', release_all },
	{ 'q', quit },
	{ TERMINAL_QUIT, quit },
};

static void act(struct top *top, int event)
{
	const struct top_order *order = top_order_of_key(event);

	top->has_status = false;
	if (order != NULL)
		top->view.order = order;
	top_view_move(&top->view, rows_of(top, event));
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
		if (actions[i].event == event)
			actions[i].act(top);
}

/* Acts on events until it is time to look again: also when a release is over, because the
 * figures are others then. */
static void wait_and_act(struct top *top)
{
	uint64_t now, due = top->read_ms + top->delay_ms;
	int event;

	while (!top->is_ended && (now = weir_os_now_ns() / 1000000) < due) {
		event = terminal_wait(releasing_is_on() ? weir_min(due - now, RELEASING_MS)
							: due - now);
		if (event != TERMINAL_NOTHING) {
			act(top, event);
			show(top);
		}
		if (releasing_take(top->status, sizeof top->status)) {
			top->has_status = true;
			return;
		}
	}
}

static bool watch(struct top *top)
{
	bool is_well = terminal_begin();

	while (is_well && !top->is_ended) {
		is_well = refresh(top);
		show(top);
		if (is_well)
			wait_and_act(top);
	}
	terminal_end();
	return is_well;
}

/* The command. */

static const struct command_option options[] = {
	{ "delay", 'd', "SECONDS", "between two refreshes, 0.1 to 3600; 2 unless told" },
	{ "sort", 's', "KEY", "retained (the default), live, hits, pid or name" },
	{ "once", '1', NULL, "print one table and end" },
	{ NULL, 0, NULL, NULL },
};

static bool take_delay(struct top *top, const char *value)
{
	return weir_units_parse_time(value, strlen(value), &top->delay_ms) &&
	       top->delay_ms >= DELAY_MS_MIN && top->delay_ms <= DELAY_MS_MAX;
}

static bool take_sort(struct top *top, const char *value)
{
	top->view.order = top_order_find(value);
	return top->view.order != NULL;
}

static bool take_option(void *context, const char *name, const char *value)
{
	struct top *top = context;

	if (strcmp(name, "once") == 0) {
		top->is_once = true;
		return true;
	}
	if (strcmp(name, "delay") == 0 ? take_delay(top, value) : take_sort(top, value))
		return true;
	command_usage(&command_top, "--%s %s: wanted %s", name, value,
		      strcmp(name, "delay") == 0 ? "0.1 to 3600 seconds"
						 : "retained, live, hits, pid or name");
	return false;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct top top = { .delay_ms = 2000,
			   .view = { .order = top_orders, .has_colour = print_has_colour() } };
	int first = command_parse(command, argc, argv, false, take_option, &top);
	bool is_well;

	if (first < 0)
		return COMMAND_USAGE;
	if (first < argc)
		return command_usage(command, "%s: no operand is wanted", argv[first]);
	if (top.is_once || !terminal_is_there())
		is_well = refresh(&top) && show_once(&top);
	else
		is_well = watch(&top);
	free(top.view.rows);
	if (is_well)
		return COMMAND_OK;
	command_complain(command, "%s", strerror(errno));
	return COMMAND_FAILED;
}

const struct command command_top = {
	.name = "top",
	.arguments = "",
	.summary = "watch processes under weir, sort them, release them",
	.details =
		"Keys: up, down, j, k select; r releases what the selected process retains, R what "
		"all of them do; t, l, h, p, n sort by retained, live, hits, process id, name; "
		"? shows the keys, q ends.\n\n"
		"Bars are drawn against the largest footprint: # is live, + is retained. Without a "
		"terminal, or with --once, one table is printed.",
	.options = options,
	.run = run,
};
