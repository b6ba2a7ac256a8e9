#include "profile_balance.h"

#include "profile_libc.h"

#include <stdlib.h>

struct profile_state {
	struct profile_libc libc;
	struct profile_keep keep;
	uint64_t end_ns; /* since the trace's start; UINT64_MAX where it is not known */
	bool has_ended;
};

static uint64_t whole_pages(uint64_t bytes)
{
	return weir_align_up(bytes, (uint64_t)WEIR_UNIT_BYTES);
}

/* Sums. */

static void note_moment(struct profile_balance *balance)
{
	const uint64_t values[PROFILE_MOMENT_VALUES] = {
		[PROFILE_LIVE_BYTES] = balance->figures->live_bytes,
		[PROFILE_RETAINED_BYTES] = balance->retained_bytes,
	};

	profile_moments_set(&balance->figures->moments, balance->now_ns, values);
}

/* A process may free blocks when it has ended already: by what runs at exit. */
static void raise_live(struct profile_balance *balance, uint32_t process, uint64_t bytes)
{
	struct profile_figures *figures = balance->figures;
	struct profile_process_figures *one = &figures->processes[process];

	one->live_bytes += bytes;
	one->peak_live_bytes = weir_max(one->peak_live_bytes, one->live_bytes);
	if (balance->states[process].has_ended)
		return;
	figures->live_bytes += bytes;
	if (figures->live_bytes > figures->peak_live_bytes) {
		figures->peak_live_bytes = figures->live_bytes;
		figures->peak_live_ns = balance->now_ns;
	}
}

static void lower_live(struct profile_balance *balance, uint32_t process, uint64_t bytes)
{
	balance->figures->processes[process].live_bytes -= bytes;
	if (!balance->states[process].has_ended)
		balance->figures->live_bytes -= bytes;
}

static void keep_take(struct profile_balance *balance, uint32_t process, uint64_t bytes)
{
	struct profile_state *state = &balance->states[process];
	uint64_t before = state->keep.retained_bytes;

	profile_keep_take(&state->keep, balance->now_ns, bytes, &balance->figures->kept);
	if (!state->has_ended)
		balance->retained_bytes -= before - state->keep.retained_bytes;
}

static void keep_put(struct profile_balance *balance, uint32_t process, uint64_t bytes)
{
	struct profile_state *state = &balance->states[process];
	uint64_t before = state->keep.retained_bytes;

	profile_keep_put(&state->keep, balance->now_ns, bytes);
	if (!state->has_ended)
		balance->retained_bytes += state->keep.retained_bytes - before;
}

/* Blocks. */

void profile_balance_take(struct profile_balance *balance, struct profile_block *block)
{
	uint64_t bytes = whole_pages(block->bytes);

	balance->figures->libc_faulted_bytes +=
		profile_libc_take(&balance->states[block->process].libc, bytes, &block->is_mapped);
	keep_take(balance, block->process, bytes);
	raise_live(balance, block->process, bytes);
	note_moment(balance);
}

void profile_balance_put(struct profile_balance *balance, const struct profile_block *block)
{
	uint64_t bytes = whole_pages(block->bytes);

	profile_libc_put(&balance->states[block->process].libc, bytes, block->is_mapped);
	lower_live(balance, block->process, bytes);
	keep_put(balance, block->process, bytes);
	note_moment(balance);
}

static void grow(struct profile_balance *balance, const struct profile_block *block, uint64_t bytes)
{
	balance->figures->libc_faulted_bytes +=
		profile_libc_grow(&balance->states[block->process].libc, bytes, block->is_mapped);
	keep_take(balance, block->process, bytes);
	raise_live(balance, block->process, bytes);
}

/* What is cut off a mapping is no block whose size counts. */
static void shrink(struct profile_balance *balance, const struct profile_block *block,
		   uint64_t bytes)
{
	if (!block->is_mapped)
		profile_libc_put(&balance->states[block->process].libc, bytes, false);
	lower_live(balance, block->process, bytes);
	keep_put(balance, block->process, bytes);
}

bool profile_balance_resize(struct profile_balance *balance, const struct profile_block *block,
			    uint64_t bytes)
{
	uint64_t before = whole_pages(block->bytes), after = whole_pages(bytes);

	if (after > before)
		grow(balance, block, after - before);
	else
		shrink(balance, block, before - after);
	note_moment(balance);
	return bytes > block->bytes;
}

/* Time. */

static void end_process(struct profile_balance *balance, size_t process)
{
	struct profile_state *state = &balance->states[process];

	balance->figures->live_bytes -= balance->figures->processes[process].live_bytes;
	balance->retained_bytes -= state->keep.retained_bytes;
	state->has_ended = true;
	balance->now_ns = state->end_ns;
	note_moment(balance);
}

static void pass_idle(struct profile_balance *balance, uint64_t ns)
{
	struct profile_figures *figures = balance->figures;

	if (ns - balance->now_ns <= figures->idle_ns || balance->retained_bytes == 0)
		return;
	figures->idle_ns = ns - balance->now_ns;
	figures->idle_retained_bytes = balance->retained_bytes;
}

static const struct profile_state *next_to_end(const struct profile_balance *balance)
{
	return balance->ended < balance->figures->process_count
		       ? &balance->states[balance->by_end[balance->ended]]
		       : NULL;
}

void profile_balance_pass(struct profile_balance *balance, uint64_t ns)
{
	const struct profile_state *next = next_to_end(balance);

	for (; next != NULL && next->end_ns < ns; next = next_to_end(balance)) {
		pass_idle(balance, weir_max(next->end_ns, balance->now_ns));
		end_process(balance, balance->by_end[balance->ended++]);
	}
	pass_idle(balance, ns);
	balance->now_ns = ns;
}

/* The last process to end is there until then. */
void profile_balance_finish(struct profile_balance *balance)
{
	struct profile_figures *figures = balance->figures;
	uint64_t end_ns = balance->now_ns;

	for (size_t i = 0; i < figures->process_count; i++)
		if (balance->states[i].end_ns != UINT64_MAX)
			end_ns = weir_max(end_ns, balance->states[i].end_ns);
	profile_balance_pass(balance, end_ns);
	profile_moments_end(&figures->moments, end_ns);
	figures->span_ns = end_ns;
}

/* Begin and end. */

static bool begin_process(struct profile_balance *balance, const struct trace *trace, size_t i,
			  uint64_t limit_bytes)
{
	uint64_t end_ns = trace_process(trace, i)->end_ns, start_ns = trace_start_ns(trace);

	balance->states[i].end_ns = end_ns > start_ns ? end_ns - start_ns : UINT64_MAX;
	balance->by_end[i] = i;
	return profile_keep_begin(&balance->states[i].keep, limit_bytes);
}

static int by_end(const void *left, const void *right, void *balance)
{
	const struct profile_state *states = ((struct profile_balance *)balance)->states;
	uint64_t a = states[*(const size_t *)left].end_ns;
	uint64_t b = states[*(const size_t *)right].end_ns;

	return a < b ? -1 : a > b;
}

bool profile_balance_begin(struct profile_balance *balance, struct profile_figures *figures,
			   const struct trace *trace, uint64_t limit_bytes)
{
	size_t count = trace_process_count(trace);

	*balance = (struct profile_balance){ .figures = figures };
	balance->states = calloc(count, sizeof *balance->states);
	balance->by_end = calloc(count, sizeof *balance->by_end);
	figures->processes = calloc(count, sizeof *figures->processes);
	if (balance->states == NULL || balance->by_end == NULL || figures->processes == NULL)
		return false;
	for (; figures->process_count < count; figures->process_count++)
		if (!begin_process(balance, trace, figures->process_count, limit_bytes))
			return false;
	qsort_r(balance->by_end, count, sizeof *balance->by_end, by_end, balance);
	return true;
}

void profile_balance_end(struct profile_balance *balance)
{
	for (size_t i = 0; balance->states != NULL && i < balance->figures->process_count; i++)
		profile_keep_end(&balance->states[i].keep);
	free(balance->states);
	free(balance->by_end);
	free(balance->figures->processes);
}
