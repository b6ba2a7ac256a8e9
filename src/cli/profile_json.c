/* The result as one JSON object; docs/PROFILE.md names its fields. */
#include "print.h"
#include "profile_result.h"

#include <inttypes.h>
#include <sys/wait.h>

struct json {
	FILE *to;
	bool has_sibling;
};

/* Values. */

static void put_key(struct json *json, const char *key)
{
	if (json->has_sibling)
		fputc(',', json->to);
	json->has_sibling = true;
	if (key != NULL)
		fprintf(json->to, "\"%s\":", key);
}

static void put_number(struct json *json, const char *key, uint64_t value)
{
	put_key(json, key);
	fprintf(json->to, "%" PRIu64, value);
}

static void put_text(struct json *json, const char *key, const char *value)
{
	put_key(json, key);
	print_json_string(json->to, value);
}

static void begin(struct json *json, const char *key, char bracket)
{
	put_key(json, key);
	fputc(bracket, json->to);
	json->has_sibling = false;
}

static void end(struct json *json, char bracket)
{
	fputc(bracket, json->to);
	json->has_sibling = true;
}

/* A time that may be none. */
static void put_ms(struct json *json, const char *key, uint64_t ms)
{
	if (ms != UINT64_MAX) {
		put_number(json, key, ms);
		return;
	}
	put_key(json, key);
	fputs("null", json->to);
}

/* Parts. */

static void put_command(struct json *json, const struct profile_result *result)
{
	const struct child *child = result->child;

	begin(json, "command", '[');
	for (char *const *word = result->argv; *word != NULL; word++)
		put_text(json, NULL, *word);
	end(json, ']');
	if (WIFSIGNALED(child->status))
		put_number(json, "signal", (uint64_t)WTERMSIG(child->status));
	else
		put_number(json, "exit_status", (uint64_t)WEXITSTATUS(child->status));
	put_number(json, "wall_ns", result->wall_ns);
	put_number(json, "page_faults", (uint64_t)child->usage.ru_minflt);
	put_number(json, "peak_process_bytes", (uint64_t)child->usage.ru_maxrss << 10);
}

static void put_process(struct json *json, const struct profile_result *result, size_t i)
{
	const struct weir_trace_process *process = trace_process(result->trace, i);
	const struct profile_process_figures *figures = &result->figures->processes[i];

	begin(json, NULL, '{');
	put_text(json, "program", process->program);
	put_number(json, "pid", (uint64_t)process->pid);
	put_text(json, "settings", process->settings);
	put_text(json, "state", process->state == WEIR_TRACE_ENDED ? "ended" : "open");
	put_number(json, "requests", figures->requests);
	put_number(json, "peak_live_bytes", figures->peak_live_bytes);
	put_number(json, "lost", process->lost);
	end(json, '}');
}

static void put_processes(struct json *json, const struct profile_result *result)
{
	begin(json, "processes", '[');
	for (size_t i = 0; i < result->figures->process_count; i++)
		put_process(json, result, i);
	end(json, ']');
}

static void put_missing(struct json *json, const struct profile_result *result)
{
	struct trace_gaps gaps = profile_gaps(result);

	begin(json, "missing", '{');
	put_number(json, "calls", gaps.lost);
	put_number(json, "error", (uint64_t)gaps.error);
	put_number(json, "processes_without_end", gaps.killed);
	end(json, '}');
}

static void put_requests(struct json *json, const struct profile_figures *figures)
{
	begin(json, "requests", '{');
	put_number(json, "count", figures->requests);
	put_number(json, "bytes", figures->requested_bytes);
	put_number(json, "largest_bytes", figures->largest_bytes);
	put_number(json, "malloc", figures->calls[WEIR_TRACE_MALLOC]);
	put_number(json, "calloc", figures->calls[WEIR_TRACE_CALLOC]);
	put_number(json, "realloc", figures->calls[WEIR_TRACE_REALLOC]);
	put_number(json, "passed", figures->calls[WEIR_TRACE_PASSED]);
	put_number(json, "passed_bytes", figures->passed_bytes);
	put_number(json, "refused", figures->calls[WEIR_TRACE_REFUSED]);
	begin(json, "sizes", '[');
	for (unsigned i = 0; i < PROFILE_SIZES; i++) {
		begin(json, NULL, '{');
		put_number(json, "up_to_bytes", profile_size_bytes(i));
		put_number(json, "count", figures->sizes[i].requests);
		put_number(json, "bytes", figures->sizes[i].bytes);
		end(json, '}');
	}
	end(json, ']');
	end(json, '}');
}

static void put_lives(struct json *json, const struct profile_figures *figures)
{
	begin(json, "lifetimes", '[');
	for (unsigned i = 0; i < PROFILE_LIVES; i++) {
		begin(json, NULL, '{');
		put_text(json, "what", profile_life_name(i));
		put_number(json, "blocks", figures->lives[i].blocks);
		put_number(json, "bytes", figures->lives[i].bytes);
		end(json, '}');
	}
	end(json, ']');
}

static void put_moments(struct json *json, const char *key, const struct profile_moments *moments,
			unsigned value)
{
	begin(json, key, '[');
	for (size_t i = 0; i < moments->count; i++)
		put_number(json, NULL, moments->most[i][value]);
	end(json, ']');
}

static void put_live(struct json *json, const struct profile_figures *figures)
{
	begin(json, "live", '{');
	put_number(json, "peak_bytes", figures->peak_live_bytes);
	put_number(json, "peak_ns", figures->peak_live_ns);
	put_number(json, "last_bytes", figures->live_bytes);
	put_number(json, "span_ns", figures->span_ns);
	put_number(json, "moment_ns", figures->moments.width_ns);
	put_moments(json, "moments_bytes", &figures->moments, PROFILE_LIVE_BYTES);
	put_moments(json, "retained_moments_bytes", &figures->moments, PROFILE_RETAINED_BYTES);
	end(json, '}');
}

static void put_frees(struct json *json, const struct profile_figures *figures)
{
	begin(json, "frees", '{');
	put_number(json, "count", figures->freed);
	put_number(json, "bytes", figures->freed_bytes);
	put_number(json, "by_another_thread", figures->freed_foreign);
	put_number(json, "by_another_thread_bytes", figures->freed_foreign_bytes);
	put_number(json, "touched_bytes", figures->touched_bytes);
	put_number(json, "touched_of_bytes", figures->touched_of_bytes);
	end(json, '}');
	begin(json, "growth", '{');
	put_number(json, "reallocs", figures->grown);
	put_number(json, "blocks", figures->grown_blocks);
	put_number(json, "most_of_a_block", figures->grown_most);
	end(json, '}');
}

static void put_weir(struct json *json, const struct profile_evidence *evidence)
{
	const struct profile_statistics *statistics = &evidence->statistics;

	begin(json, "weir", '{');
	put_number(json, "processes", statistics->processes);
	put_number(json, "requests", statistics->requests);
	put_number(json, "hits", statistics->hits);
	put_number(json, "misses", statistics->misses);
	put_number(json, "limit_bytes", evidence->limit_bytes);
	put_ms(json, "decay_ms", evidence->decay_ms);
	end(json, '}');
}

static void put_estimates(struct json *json, const struct profile_evidence *evidence)
{
	const struct profile_kept *kept = &evidence->figures->kept;
	struct profile_saving saving = profile_save(evidence);

	begin(json, "estimates", '{');
	put_number(json, "asked_bytes", kept->asked_bytes);
	put_number(json, "found_bytes", saving.found_bytes);
	put_number(json, "c_library_faulted_bytes", evidence->figures->libc_faulted_bytes);
	put_number(json, "saved_fault_bytes", saving.bytes);
	put_number(json, "saved_fault_ns", saving.ns);
	put_number(json, "idle_ns", evidence->figures->idle_ns);
	put_number(json, "idle_retained_bytes", evidence->figures->idle_retained_bytes);
	begin(json, "limits", '[');
	for (unsigned i = 0; i < PROFILE_LIMITS; i++) {
		begin(json, NULL, '{');
		put_number(json, "limit_bytes", profile_limit_bytes(i));
		put_number(json, "found_bytes", kept->found_bytes[i]);
		end(json, '}');
	}
	end(json, ']');
	begin(json, "waits", '[');
	for (unsigned i = 0; i < PROFILE_AGES; i++) {
		begin(json, NULL, '{');
		put_ms(json, "up_to_ms", profile_age_ms(i));
		put_number(json, "found_bytes", kept->aged_bytes[i]);
		end(json, '}');
	}
	end(json, ']');
	end(json, '}');
}

static void put_memory(struct json *json, const char *key, const struct census_sample *sample)
{
	begin(json, key, '{');
	put_number(json, "processes", sample->processes);
	put_number(json, "resident_bytes", census_sum(&sample->memory));
	for (unsigned kind = 0; kind < CENSUS_KINDS; kind++)
		put_number(json, census_name(kind), sample->memory.bytes[kind]);
	put_number(json, "live_bytes", sample->live_bytes);
	put_number(json, "retained_bytes", sample->retained_bytes);
	put_number(json, "processes_without_weir", sample->without_weir);
	put_number(json, "without_weir_bytes", sample->without_weir_bytes);
	end(json, '}');
}

static void put_advice(struct json *json, const struct profile_advice *advice)
{
	put_text(json, "verdict", profile_verdict_name(advice->verdict));
	put_text(json, "summary", advice->summary);
	begin(json, "settings", '[');
	for (size_t i = 0; i < advice->count; i++) {
		begin(json, NULL, '{');
		put_text(json, "name", advice->settings[i].name);
		put_text(json, "value", advice->settings[i].value);
		put_text(json, "reason", advice->settings[i].reason);
		end(json, '}');
	}
	end(json, ']');
}

void profile_json(const struct profile_result *result, FILE *to)
{
	struct json json = { to, false };

	begin(&json, NULL, '{');
	put_command(&json, result);
	put_advice(&json, result->advice);
	put_processes(&json, result);
	put_missing(&json, result);
	put_requests(&json, result->figures);
	put_lives(&json, result->figures);
	put_live(&json, result->figures);
	put_frees(&json, result->figures);
	put_weir(&json, result->evidence);
	put_estimates(&json, result->evidence);
	put_memory(&json, "memory_at_peak", &result->evidence->peak);
	end(&json, '}');
	fputc('\n', to);
}
