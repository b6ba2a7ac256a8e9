/* Events of several units in order of time: those units whose time has come are open, in a heap
 * by their next event. */
#include "trace_reader.h"

#include "trace_cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A realloc that a thread is at; about in the order of time. */
struct begun {
	uint32_t process;
	int32_t thread;
	uint64_t address;
};

#define BEGUN_MAX 1024

struct trace {
	struct trace_file file;
	size_t next_unit; /* those before it are open, or done */
	struct trace_cursor **heap;
	size_t open;
	size_t room;
	struct begun begun[BEGUN_MAX];
	size_t begun_count;
	bool broken;
};

/* Reallocs. */

static size_t find_begun(const struct trace *trace, const struct trace_event *event)
{
	size_t i = 0;

	while (i < trace->begun_count && (trace->begun[i].thread != event->thread ||
					  trace->begun[i].process != event->process))
		i++;
	return i;
}

/* One that never ended is in the way until its place is needed. */
static void begin_realloc(struct trace *trace, const struct trace_event *event)
{
	size_t i = find_begun(trace, event);

	if (i == BEGUN_MAX)
		memmove(trace->begun, trace->begun + 1, --i * sizeof *trace->begun);
	else if (i == trace->begun_count)
		trace->begun_count++;
	trace->begun[i] = (struct begun){ event->process, event->thread, event->address };
}

static void end_realloc(struct trace *trace, struct trace_event *event)
{
	size_t i = find_begun(trace, event);

	if (i == trace->begun_count)
		return;
	event->old_address = trace->begun[i].address;
	trace->begun[i] = trace->begun[--trace->begun_count];
}

static void pair(struct trace *trace, struct trace_event *event)
{
	if (event->call == WEIR_TRACE_REALLOC_BEGIN)
		begin_realloc(trace, event);
	else if (event->call == WEIR_TRACE_REALLOC || event->call == WEIR_TRACE_PASSED ||
		 event->call == WEIR_TRACE_REFUSED)
		end_realloc(trace, event);
}

/* The heap. */

/* Whether it hands a block out. */
static bool is_answer(enum weir_trace_call call)
{
	return call != WEIR_TRACE_FREE && call != WEIR_TRACE_FREE_TOUCHED &&
	       call != WEIR_TRACE_REALLOC_BEGIN;
}

static bool is_before(const struct trace_cursor *a, const struct trace_cursor *b)
{
	bool answer_a = is_answer(a->event.call), answer_b = is_answer(b->event.call);

	if (a->event.ns != b->event.ns)
		return a->event.ns < b->event.ns;
	if (answer_a != answer_b)
		return answer_b;
	return a->unit < b->unit; /* in the order of the file */
}

static void swap(struct trace_cursor **a, struct trace_cursor **b)
{
	struct trace_cursor *kept = *a;

	*a = *b;
	*b = kept;
}

static void sift_up(struct trace_cursor **heap, size_t i)
{
	for (; i > 0 && is_before(heap[i], heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&heap[i], &heap[(i - 1) / 2]);
}

static void sift_down(struct trace_cursor **heap, size_t count)
{
	size_t i = 0, least;

	while ((least = 2 * i + 1) < count) {
		if (least + 1 < count && is_before(heap[least + 1], heap[least]))
			least++;
		if (!is_before(heap[least], heap[i]))
			break;
		swap(&heap[i], &heap[least]);
		i = least;
	}
}

static bool make_room(struct trace *trace)
{
	size_t room = trace->room == 0 ? 16 : 2 * trace->room;
	struct trace_cursor **heap;

	if (trace->open < trace->room)
		return true;
	heap = reallocarray(trace->heap, room, sizeof(struct trace_cursor *));
	if (heap == NULL)
		return trace_file_fail(&trace->file, "out of memory");
	trace->heap = heap;
	trace->room = room;
	return true;
}

static bool open_unit(struct trace *trace, const struct trace_unit *unit)
{
	struct trace_cursor *cursor = make_room(trace) ? malloc(sizeof *cursor) : NULL;
	enum trace_step step;

	if (cursor == NULL)
		return trace_file_fail(&trace->file, "out of memory");
	trace_cursor_begin(cursor, unit);
	step = trace_cursor_advance(&trace->file, cursor);
	if (step != TRACE_EVENT) {
		free(cursor);
		return step == TRACE_END;
	}
	trace->heap[trace->open++] = cursor;
	sift_up(trace->heap, trace->open - 1);
	return true;
}

/* Opens each unit that may have an event before, or at the time of, the first one that is open. */
static bool open_units(struct trace *trace)
{
	for (; trace->next_unit < trace->file.unit_count; trace->next_unit++) {
		const struct trace_unit *unit = &trace->file.units[trace->next_unit];

		if (trace->open > 0 &&
		    unit->base_ns - trace->file.start_ns > trace->heap[0]->event.ns)
			break;
		if (!open_unit(trace, unit))
			return false;
	}
	return true;
}

static bool step_first(struct trace *trace)
{
	enum trace_step step = trace_cursor_advance(&trace->file, trace->heap[0]);

	if (step == TRACE_END) {
		free(trace->heap[0]);
		trace->heap[0] = trace->heap[--trace->open];
	}
	sift_down(trace->heap, trace->open);
	return step != TRACE_BROKEN;
}

enum trace_step trace_next(struct trace *trace, struct trace_event *event)
{
	if (trace->broken || !open_units(trace)) {
		trace->broken = true;
		return TRACE_BROKEN;
	}
	if (trace->open == 0)
		return TRACE_END;
	*event = trace->heap[0]->event;
	pair(trace, event);
	trace->broken = !step_first(trace);
	return TRACE_EVENT;
}

const char *trace_problem(const struct trace *trace)
{
	return trace->file.problem;
}

/* The whole. */

static void close_units(struct trace *trace)
{
	while (trace->open > 0)
		free(trace->heap[--trace->open]);
	trace->next_unit = 0;
	trace->begun_count = 0;
}

void trace_rewind(struct trace *trace)
{
	close_units(trace);
	trace->broken = false;
}

struct trace *trace_open(const char *path, char *problem)
{
	struct trace *trace = calloc(1, sizeof *trace);

	if (trace == NULL) {
		snprintf(problem, TRACE_PROBLEM_BYTES, "%s: out of memory", path);
		return NULL;
	}
	if (!trace_file_open(&trace->file, path)) {
		memcpy(problem, trace->file.problem, TRACE_PROBLEM_BYTES);
		trace_close(trace);
		return NULL;
	}
	return trace;
}

void trace_close(struct trace *trace)
{
	if (trace == NULL)
		return;
	close_units(trace);
	free(trace->heap);
	trace_file_close(&trace->file);
	free(trace);
}

size_t trace_process_count(const struct trace *trace)
{
	return trace->file.process_count;
}

const struct weir_trace_process *trace_process(const struct trace *trace, size_t index)
{
	return &trace->file.processes[index];
}

uint64_t trace_start_ns(const struct trace *trace)
{
	return trace->file.start_ns;
}

struct trace_gaps trace_missing(const struct trace *trace)
{
	struct trace_gaps gaps = { .cut_bytes = trace->file.cut_bytes };

	for (size_t i = 0; i < trace->file.process_count; i++) {
		const struct weir_trace_process *process = &trace->file.processes[i];

		gaps.killed += process->state != WEIR_TRACE_ENDED;
		gaps.lost += process->lost;
		if (gaps.error == 0)
			gaps.error = process->lost_error;
	}
	return gaps;
}
