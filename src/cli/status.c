/* weir status: one process in full. */
#include "channel.h"
#include "command.h"
#include "print.h"

#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

#define BAR_WIDTH 30

static const struct command_option options[] = {
	{ "json", 'j', NULL, "one object, with the fields of WEIR_REPORT" },
	{ NULL, 0, NULL, NULL },
};

static bool take_option(void *context, const char *name, const char *value)
{
	(void)name;
	(void)value;
	*(bool *)context = true;
	return true;
}

static void print_json(const struct weir_snapshot *snapshot)
{
	static char json[WEIR_SNAPSHOT_JSON_BYTES];
	struct weir_text text;

	weir_text_init(&text, json, sizeof json);
	weir_snapshot_format_json(&text, snapshot);
	puts(json);
}

/* The page for people. */

static void print_label(const char *label)
{
	printf("  %-11s", label);
}

static void print_heading(const char *heading)
{
	printf("\n%s%s%s\n", print_bold(), heading, print_plain());
}

static void print_size_line(const char *label, uint64_t bytes)
{
	char size[PRINT_SIZE_BYTES];

	print_label(label);
	printf("%11s", print_size(size, bytes));
}

/* Live and retained, as parts of the most there was or may be. */
static void print_held(const char *label, uint64_t bytes, uint64_t blocks, uint64_t peak_bytes,
		       uint64_t whole_bytes)
{
	char bar[BAR_WIDTH + 1], peak[PRINT_SIZE_BYTES];

	print_bar(bar, BAR_WIDTH, bytes, whole_bytes);
	print_size_line(label, bytes);
	printf("  %s  %" PRIu64 " %s, peak %s\n", bar, blocks, blocks == 1 ? "block" : "blocks",
	       print_size(peak, peak_bytes));
}

static void print_holdings(const struct weir_snapshot *snapshot)
{
	char peak[PRINT_SIZE_BYTES];
	uint64_t whole = snapshot->peak_footprint_bytes;

	print_held("live", snapshot->live_bytes, snapshot->live_blocks, snapshot->peak_live_bytes,
		   whole);
	print_held("retained", snapshot->retained_bytes, snapshot->retained_blocks,
		   snapshot->peak_retained_bytes, whole);
	print_size_line("together", snapshot->live_bytes + snapshot->retained_bytes);
	printf("  peak %s\n", print_size(peak, whole));
	print_size_line("limit", snapshot->limit_bytes);
	puts("  of what is retained");
	if (snapshot->state != WEIR_STATE_READY || snapshot->ceiling_bytes >= snapshot->limit_bytes)
		return;
	print_size_line("ceiling", snapshot->ceiling_bytes);
	puts("  for now, under memory pressure");
}

static void print_requests(const struct weir_snapshot *snapshot)
{
	char share[PRINT_SIZE_BYTES];

	print_label("requests");
	printf("%11" PRIu64 "  %s served by retained blocks\n", snapshot->requests,
	       print_share(share, snapshot->hits, snapshot->requests));
}

static void print_released(const struct weir_snapshot *snapshot)
{
	char size[PRINT_SIZE_BYTES], time[PRINT_SIZE_BYTES];
	const char *label = "released";

	for (unsigned t = 0; t < WEIR_TRIGGER_COUNT; t++) {
		const struct weir_snapshot_released *released = &snapshot->released[t];

		if (released->releases == 0 && released->bytes == 0)
			continue;
		print_label(label);
		printf("%11s  by %s: %" PRIu64 " %s in %" PRIu64 " %s, %s\n",
		       print_size(size, released->bytes), weir_trigger_name((enum weir_trigger)t),
		       released->blocks, released->blocks == 1 ? "block" : "blocks",
		       released->releases, released->releases == 1 ? "release" : "releases",
		       print_time(time, released->ns));
		label = "";
	}
}

/* Its name, as WEIR_SIGNAL takes it where there is one. */
static void print_signal_name(int number)
{
	if (number >= SIGRTMIN && number <= SIGRTMAX)
		printf("RTMIN+%d", number - SIGRTMIN);
	else
		printf("%s", number == SIGUSR1 ? "USR1" : number == SIGUSR2 ? "USR2" : "unknown");
}

static void print_signal(const struct process *process)
{
	static const char *const owners[] = {
		[WEIR_SIGNAL_OFF] = "off",
		[WEIR_SIGNAL_WEIR] = "releases",
		[WEIR_SIGNAL_PROGRAM] = "the program's own, weir leaves it alone",
	};
	const struct weir_snapshot *snapshot = &process->snapshot;
	enum weir_signal_owner owner = snapshot->signal_owner;

	print_label("signal");
	if (owner == WEIR_SIGNAL_OFF || owner > WEIR_SIGNAL_PROGRAM) {
		puts(weir_signal_owner_name(owner));
		return;
	}
	print_signal_name(snapshot->signal);
	printf(" (%d): %s\n", snapshot->signal, owners[owner]);
}

static void print_ways(const struct process *process)
{
	const struct weir_snapshot *snapshot = &process->snapshot;

	print_signal(process);
	print_label("socket");
	printf("%s\n", snapshot->socket[0] ? snapshot->socket : "none");
	print_label("channel");
	printf("%s\n", channel_name(channel_of(process)));
	if (!snapshot->backend[0])
		return;
	print_label("backend");
	printf("%s\n", snapshot->backend);
}

static bool is_counter(const struct weir_snapshot_field *field)
{
	return field->at >= offsetof(struct weir_snapshot, counters) &&
	       field->at < offsetof(struct weir_snapshot, released);
}

/* Those of weir.h's table, and the mappings; the other figures stand above. */
static void print_counters(const struct weir_snapshot *snapshot)
{
	bool any = false;

	for (unsigned i = 0; i < WEIR_SNAPSHOT_FIELDS; i++) {
		const struct weir_snapshot_field *field = &weir_snapshot_fields[i];
		uint64_t value = weir_snapshot_value(snapshot, field);

		if (!is_counter(field) || value == 0)
			continue;
		if (!any)
			print_heading("Counters");
		any = true;
		printf("  %-20s %13" PRIu64 "  %s%s%s\n", field->name, value, print_dim(),
		       field->help, print_plain());
	}
}

static void add_class(struct print_table *table, const struct weir_snapshot_class *class)
{
	char size[PRINT_SIZE_BYTES], hits[24], misses[24], live[24], retained[PRINT_SIZE_BYTES],
		blocks[24];
	const char *const cells[] = { size, hits, misses, live, blocks, retained };

	print_size(size, class->size_bytes);
	print_size(retained, class->retained_bytes);
	snprintf(hits, sizeof hits, "%" PRIu64, class->hits);
	snprintf(misses, sizeof misses, "%" PRIu64, class->misses);
	snprintf(live, sizeof live, "%" PRIu64, class->live_blocks);
	snprintf(blocks, sizeof blocks, "%" PRIu64, class->retained_blocks);
	print_table_row(table, cells);
}

static void print_classes(const struct weir_snapshot *snapshot)
{
	static const char *const headings[] = { "BLOCKS UP TO", "HITS",	    "MISSES",
						"LIVE",		"RETAINED", "RETAINED BYTES" };
	static const bool right[] = { true, true, true, true, true, true };
	struct print_table *table = NULL;

	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++) {
		if (!weir_snapshot_class_is_used(&snapshot->classes[c]))
			continue;
		if (!table) {
			putchar('\n');
			table = print_table_new(headings, right,
						sizeof headings / sizeof *headings);
		}
		add_class(table, &snapshot->classes[c]);
	}
	if (table)
		print_table_end(table, stdout);
}

static void add_pool(struct print_table *table, const struct weir_snapshot_pool *pool)
{
	char name[WEIR_POOL_NAME_BYTES + 16], size[PRINT_SIZE_BYTES], leased[PRINT_SIZE_BYTES],
		blocks[24], retained[PRINT_SIZE_BYTES], limit[PRINT_SIZE_BYTES], leases[24],
		hits[PRINT_SIZE_BYTES];
	const char *const cells[] = { name, size, blocks, leased, retained, limit, leases, hits };

	snprintf(name, sizeof name, "%s%s%s%s", pool->name,
		 pool->state == WEIR_POOL_OPEN ? "" : " (",
		 pool->state == WEIR_POOL_OPEN ? "" : weir_pool_state_name(pool->state),
		 pool->state == WEIR_POOL_OPEN ? "" : ")");
	if (pool->block_bytes > 0)
		print_size(size, pool->block_bytes);
	else
		snprintf(size, sizeof size, "any size");
	snprintf(blocks, sizeof blocks, "%" PRIu64, pool->leased_blocks);
	print_size(leased, pool->leased_bytes);
	print_size(retained, pool->retained_bytes);
	print_size(limit, pool->limit_bytes);
	snprintf(leases, sizeof leases, "%" PRIu64, pool->leases);
	print_share(hits, pool->hits, pool->leases);
	print_table_row(table, cells);
}

static void print_pools(const struct weir_snapshot *snapshot)
{
	static const char *const headings[] = { "POOL",	    "BLOCKS OF", "LEASED", "LEASED BYTES",
						"RETAINED", "LIMIT",	 "LEASES", "HITS" };
	static const bool right[] = { false, true, true, true, true, true, true, true };
	struct print_table *table;

	if (snapshot->pool_count == 0)
		return;
	putchar('\n');
	table = print_table_new(headings, right, sizeof headings / sizeof *headings);
	for (uint32_t i = 0; i < snapshot->pool_count; i++)
		add_pool(table, &snapshot->pools[i]);
	print_table_end(table, stdout);
}

static void print_page(const struct process *process)
{
	const struct weir_snapshot *snapshot = &process->snapshot;

	printf("%s%s[%d]%s", print_bold(), snapshot->program, (int)process->pid, print_plain());
	if (process->inner_pid != process->pid)
		printf(" (%d inside its container)", (int)process->inner_pid);
	printf(", weir %s, %s\n\n", snapshot->version, weir_state_name(snapshot->state));
	print_holdings(snapshot);
	print_requests(snapshot);
	print_released(snapshot);
	print_ways(process);
	print_counters(snapshot);
	print_pools(snapshot);
	print_classes(snapshot);
}

static int run(const struct command *command, int argc, char **argv)
{
	static struct process process;
	bool as_json = false;
	int first = command_parse(command, argc, argv, false, take_option, &as_json);
	enum process_result result;
	pid_t pid;

	if (first < 0)
		return COMMAND_USAGE;
	if (!process_take_only_pid(command, argc - first, argv + first, &pid))
		return COMMAND_USAGE;
	result = process_read(pid, &process);
	if (result != PROCESS_OK) {
		command_complain(command, "%d: %s", (int)pid, process_explain(result));
		return process_status(result);
	}
	if (as_json)
		print_json(&process.snapshot);
	else
		print_page(&process);
	return COMMAND_OK;
}

const struct command command_status = {
	.name = "status",
	.arguments = "PID",
	.summary = "show what one process holds and has done",
	.details =
		"Reads the figures out of the process's memory, while it goes on undisturbed; "
		"where that is not allowed, asks its control socket. Where the program made pools "
		"of its own, each has a line: what is leased from it, what it keeps and at most, "
		"and the share of leases that kept blocks served; the figures above are those of "
		"the whole process. The last table has a line "
		"for each size class in use: requests that retained blocks served and that none "
		"did, blocks that the program has, blocks that are kept, and the bytes kept, with "
		"the surplus of live blocks.",
	.options = options,
	.run = run,
};
