/* The result as a page for a terminal. */
#include "clean.h"
#include "print.h"
#include "profile_result.h"
#include "profile_spark.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

#define BAR_WIDTH 24
#define COMMAND_BYTES 200

struct trace_gaps profile_gaps(const struct profile_result *result)
{
	const struct trace_gaps none = { .lost = 0 };

	return result->trace == NULL ? none : trace_missing(result->trace);
}

static void put_heading(FILE *to, const char *heading)
{
	fprintf(to, "\n%s\n", heading);
}

/* #### of a part of the largest. */
static void put_bar(FILE *to, uint64_t part, uint64_t most)
{
	uint64_t width = (print_tenths(part, most) * BAR_WIDTH + 500) / 1000;

	for (uint64_t i = 0; i < weir_max(width, (uint64_t)(part > 0)); i++)
		fputc('#', to);
	fputc('\n', to);
}

/* Of a process. */
static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "es";
}

static const char *seconds(char *buffer, uint64_t ns)
{
	snprintf(buffer, PRINT_SIZE_BYTES, ns < 10000000000 ? "%.3f s" : "%.1f s",
		 (double)ns / 1e9);
	return buffer;
}

/* The run. */

/* A program may be all of a script. */
static void put_words(char *const *words, FILE *to)
{
	char text[COMMAND_BYTES];
	size_t used = 0;

	for (; *words != NULL && used < sizeof text; words++)
		used += (size_t)snprintf(text + used, sizeof text - used, " %s", *words);
	clean_text(text, "");
	fprintf(to, "%s%s", text, used < sizeof text ? "" : "...");
}

static void put_command(const struct profile_result *result, FILE *to)
{
	char time[PRINT_SIZE_BYTES];
	int status = result->child->status;

	fputs("weir profile:", to);
	put_words(result->argv, to);
	fprintf(to, "\nran %s, ", seconds(time, result->wall_ns));
	if (WIFSIGNALED(status))
		fprintf(to, "ended by signal %d (%s)\n", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else
		fprintf(to, "exit status %d\n", WEXITSTATUS(status));
}

static void put_processes(const struct profile_result *result, FILE *to)
{
	char size[PRINT_SIZE_BYTES];
	size_t count = result->figures->process_count;

	for (size_t i = 0; i < weir_min(count, (size_t)8); i++)
		fprintf(to, "  %s[%" PRId32 "]: %" PRIu64 " large requests, peak live %s\n",
			trace_process(result->trace, i)->program,
			trace_process(result->trace, i)->pid,
			result->figures->processes[i].requests,
			print_size(size, result->figures->processes[i].peak_live_bytes));
	if (count > 8)
		fprintf(to, "  and %zu more processes\n", count - 8);
}

static void put_missing(const struct profile_result *result, FILE *to)
{
	struct trace_gaps gaps = profile_gaps(result);

	if (gaps.lost > 0)
		fprintf(to,
			"\n%" PRIu64
			" calls are missing (%s): the figures are of what came before; "
			"--most SIZE records more\n",
			gaps.lost,
			gaps.error == EFBIG ? "the trace is as long as it may be"
					    : strerror(gaps.error));
	if (gaps.killed > 0)
		fprintf(to,
			"\nof %" PRIu64 " process%s the end is not known: a signal, _exit or exec "
			"ended it, or it still runs\n",
			gaps.killed, plural(gaps.killed));
}

/* Requests. */

static void put_sizes(const struct profile_figures *figures, FILE *to)
{
	char up_to[PRINT_SIZE_BYTES], bytes[PRINT_SIZE_BYTES], share[PRINT_SIZE_BYTES];
	uint64_t most = 0;

	for (unsigned i = 0; i < PROFILE_SIZES; i++)
		most = weir_max(most, figures->sizes[i].requests);
	fprintf(to, "  %10s %12s %8s %12s\n", "up to", "requests", "", "bytes");
	for (unsigned i = 0; i < PROFILE_SIZES; i++) {
		const struct profile_size *size = &figures->sizes[i];

		if (size->requests == 0)
			continue;
		fprintf(to, "  %10s %12" PRIu64 " %8s %12s  ",
			i == PROFILE_SIZES - 1 ? "and more"
					       : print_size(up_to, profile_size_bytes(i)),
			size->requests, print_share(share, size->requests, figures->requests),
			print_size(bytes, size->bytes));
		put_bar(to, size->requests, most);
	}
}

static void put_requests(const struct profile_figures *figures, FILE *to)
{
	char size[PRINT_SIZE_BYTES], passed[PRINT_SIZE_BYTES];

	put_heading(to, "Large requests");
	fprintf(to,
		"  %" PRIu64 " of %s in all: malloc %" PRIu64 ", calloc %" PRIu64
		", realloc %" PRIu64 "\n",
		figures->requests, print_size(size, figures->requested_bytes),
		figures->calls[WEIR_TRACE_MALLOC], figures->calls[WEIR_TRACE_CALLOC],
		figures->calls[WEIR_TRACE_REALLOC]);
	if (figures->calls[WEIR_TRACE_PASSED] > 0)
		fprintf(to, "  %" PRIu64 " more of %s went to the next allocator\n",
			figures->calls[WEIR_TRACE_PASSED],
			print_size(passed, figures->passed_bytes));
	if (figures->calls[WEIR_TRACE_REFUSED] > 0)
		fprintf(to, "  %" PRIu64 " more were refused\n",
			figures->calls[WEIR_TRACE_REFUSED]);
	put_sizes(figures, to);
}

static void put_lives(const struct profile_figures *figures, FILE *to)
{
	char bytes[PRINT_SIZE_BYTES];
	uint64_t most = 0;

	put_heading(to, "Lifetimes of blocks");
	for (unsigned i = 0; i < PROFILE_LIVES; i++)
		most = weir_max(most, figures->lives[i].blocks);
	for (unsigned i = 0; i < PROFILE_LIVES; i++) {
		if (figures->lives[i].blocks == 0)
			continue;
		fprintf(to, "  %-16s %12" PRIu64 " %12s  ", profile_life_name(i),
			figures->lives[i].blocks, print_size(bytes, figures->lives[i].bytes));
		put_bar(to, figures->lives[i].blocks, most);
	}
}

/* Live bytes. */

static void put_live(const struct profile_figures *figures, FILE *to)
{
	char peak[PRINT_SIZE_BYTES], at[PRINT_SIZE_BYTES], last[PRINT_SIZE_BYTES],
		span[PRINT_SIZE_BYTES];

	put_heading(to, "Live bytes");
	fprintf(to, "  peak %s at %s, %s at the end, over %s\n",
		print_size(peak, figures->peak_live_bytes), seconds(at, figures->peak_live_ns),
		print_size(last, figures->live_bytes), seconds(span, figures->span_ns));
	profile_spark(figures, to);
}

static void put_use(const struct profile_figures *figures, FILE *to)
{
	char share[PRINT_SIZE_BYTES];

	put_heading(to, "Use");
	fprintf(to, "  %s of %" PRIu64 " frees were by another thread than the one that asked\n",
		print_share(share, figures->freed_foreign, figures->freed), figures->freed);
	if (figures->grown > 0)
		fprintf(to,
			"  realloc grew %" PRIu64 " blocks %" PRIu64 " times, one of them %" PRIu64
			" times\n",
			figures->grown_blocks, figures->grown, figures->grown_most);
	if (figures->touched_of_bytes > 0)
		fprintf(to, "  %s of the bytes of which it is known were touched\n",
			print_share(share, figures->touched_bytes, figures->touched_of_bytes));
}

/* What weir did. */

static void put_weir(const struct profile_evidence *evidence, FILE *to)
{
	const struct profile_statistics *statistics = &evidence->statistics;
	struct profile_saving saving = profile_save(evidence);
	char share[PRINT_SIZE_BYTES], found[PRINT_SIZE_BYTES], libc[PRINT_SIZE_BYTES],
		saved[PRINT_SIZE_BYTES], time[PRINT_SIZE_BYTES];
	uint64_t asked = evidence->figures->kept.asked_bytes;

	put_heading(to, "weir");
	if (statistics->processes > 0)
		fprintf(to, "  hits: %s of %" PRIu64 " requests%s\n",
			print_share(share, statistics->hits, statistics->hits + statistics->misses),
			statistics->hits + statistics->misses,
			statistics->processes > 1 ? ", those before a fork in both processes" : "");
	fprintf(to, "  estimate: %s of the bytes asked for were retained, %s had to be faulted\n",
		print_share(share, saving.found_bytes, asked),
		print_size(found, asked - saving.found_bytes));
	fprintf(to, "  estimate: the C library would have faulted %s: %s saved, about %s\n",
		print_size(libc, evidence->figures->libc_faulted_bytes),
		print_size(saved, saving.bytes), print_time(time, saving.ns));
}

static void put_memory(const struct census_sample *peak, FILE *to)
{
	char size[PRINT_SIZE_BYTES], live[PRINT_SIZE_BYTES], retained[PRINT_SIZE_BYTES];
	uint64_t all = census_sum(&peak->memory);

	put_heading(to, "Resident memory when it was most");
	if (peak->processes == 0) {
		fputs("  the program ended before it could be looked at\n", to);
		return;
	}
	fprintf(to, "  %s in %" PRIu32 " process%s; weir had %s live and %s retained\n",
		print_size(size, all), peak->processes, plural(peak->processes),
		print_size(live, peak->live_bytes), print_size(retained, peak->retained_bytes));
	for (unsigned kind = 0; kind < CENSUS_KINDS; kind++) {
		if (peak->memory.bytes[kind] == 0)
			continue;
		fprintf(to, "  %-40s %12s  ", census_label(kind),
			print_size(size, peak->memory.bytes[kind]));
		put_bar(to, peak->memory.bytes[kind], all);
	}
	if (peak->without_weir > 0)
		fprintf(to, "  %" PRIu32 " process%s with %s of memory ran without weir\n",
			peak->without_weir, plural(peak->without_weir),
			print_size(size, peak->without_weir_bytes));
}

/* Settings. */

static void put_line(const struct profile_advice *advice, FILE *to)
{
	fputs("\n ", to);
	for (size_t i = 0; i < advice->count; i++)
		fprintf(to, " %s=%s", advice->settings[i].name, advice->settings[i].value);
	fputc('\n', to);
}

static void put_advice(const struct profile_advice *advice, FILE *to)
{
	put_heading(to, "Settings");
	if (advice->count == 0)
		fputs("  none to recommend\n", to);
	for (size_t i = 0; i < advice->count; i++)
		fprintf(to, "  %s=%s\n      %s\n", advice->settings[i].name,
			advice->settings[i].value, advice->settings[i].reason);
	if (advice->count > 0)
		put_line(advice, to);
}

void profile_page(const struct profile_result *result, FILE *to)
{
	put_command(result, to);
	put_processes(result, to);
	fprintf(to, "\n%s\n", result->advice->summary);
	if (result->figures->requests > 0) {
		put_requests(result->figures, to);
		put_lives(result->figures, to);
		put_live(result->figures, to);
		put_use(result->figures, to);
		put_weir(result->evidence, to);
	}
	put_memory(&result->evidence->peak, to);
	put_advice(result->advice, to);
	put_missing(result, to);
}
