#include "trace_cursor.h"

#include <inttypes.h>

#define UNIT_WORDS (WEIR_TRACE_UNIT_BYTES / sizeof(uint64_t))
#define HEAD_WORDS (sizeof(struct weir_trace_unit) / sizeof(uint64_t))

static bool fail_at(struct trace_file *file, const struct trace_cursor *cursor, const char *what)
{
	return trace_file_fail(file, "record at byte %" PRIu64 ": %s",
			       cursor->unit->offset + cursor->at * sizeof(uint64_t), what);
}

static bool fill_window(struct trace_file *file, struct trace_cursor *cursor)
{
	cursor->window = cursor->at;
	cursor->words = weir_min((size_t)TRACE_WINDOW_WORDS, UNIT_WORDS - cursor->at);
	return trace_file_read(file, cursor->unit->offset + cursor->at * sizeof(uint64_t),
			       cursor->window_words, cursor->words * sizeof(uint64_t));
}

/* The record, with all of its words in the window; NULL with or without a problem. */
static const uint64_t *record(struct trace_file *file, struct trace_cursor *cursor)
{
	size_t in_window = cursor->at - cursor->window;
	bool near_end = in_window + WEIR_TRACE_WORDS_MAX > cursor->words;

	if (near_end && cursor->window + cursor->words < UNIT_WORDS && !fill_window(file, cursor))
		return NULL;
	return cursor->window_words + (cursor->at - cursor->window);
}

/* What the words behind the first one are, by call. */
typedef void fill_event(struct trace_event *event, const uint64_t *words);

static void fill_block(struct trace_event *event, const uint64_t *words)
{
	event->address = words[0];
	event->bytes = words[1];
}

static void fill_free(struct trace_event *event, const uint64_t *words)
{
	event->address = words[0];
}

static void fill_touched(struct trace_event *event, const uint64_t *words)
{
	event->address = words[0];
	event->touched = words[1];
}

static void fill_bytes(struct trace_event *event, const uint64_t *words)
{
	event->bytes = words[0];
}

static const struct {
	fill_event *fill;
	bool has_address;
} calls[WEIR_TRACE_CALLS] = {
	[WEIR_TRACE_MALLOC] = { fill_block, true },
	[WEIR_TRACE_CALLOC] = { fill_block, true },
	[WEIR_TRACE_REALLOC_BEGIN] = { fill_free, true },
	[WEIR_TRACE_REALLOC] = { fill_block, true },
	[WEIR_TRACE_FREE] = { fill_free, true },
	[WEIR_TRACE_FREE_TOUCHED] = { fill_touched, true },
	[WEIR_TRACE_PASSED] = { fill_bytes, false },
	[WEIR_TRACE_REFUSED] = { fill_bytes, false },
};

/* Of one thread, in which a clock does not go back. */
static uint64_t time_of(const struct trace_file *file, const struct trace_cursor *cursor,
			uint64_t first)
{
	uint64_t ns = cursor->unit->base_ns + weir_trace_ns(first) - file->start_ns;

	return weir_max(ns, cursor->event.ns);
}

static bool decode(struct trace_file *file, struct trace_cursor *cursor, const uint64_t *words)
{
	enum weir_trace_call call = weir_trace_call_of(words[0]);
	struct trace_event event = {
		.call = call,
		.process = cursor->unit->process,
		.thread = cursor->thread,
		.ns = time_of(file, cursor, words[0]),
		.align = (uint64_t)1 << weir_trace_align_log2(words[0]),
	};

	calls[call].fill(&event, words + 1);
	if (event.thread == 0)
		return fail_at(file, cursor, "no thread is named before it");
	if (calls[call].has_address && event.address == 0)
		return fail_at(file, cursor, "a block at no address");
	cursor->event = event;
	return true;
}

static bool take_thread(struct trace_file *file, struct trace_cursor *cursor, uint64_t thread)
{
	if (thread == 0 || thread > INT32_MAX)
		return fail_at(file, cursor, "an impossible thread id");
	cursor->thread = (int32_t)thread;
	return true;
}

static bool check(struct trace_file *file, const struct trace_cursor *cursor, uint64_t first)
{
	unsigned words = weir_trace_words(weir_trace_call_of(first));

	if (words == 0)
		return fail_at(file, cursor, "no call has this number");
	if (first >> 10 & 63)
		return fail_at(file, cursor, "bits are set that version 1 does not know");
	if (cursor->at + words > UNIT_WORDS)
		return fail_at(file, cursor, "it reaches beyond its unit");
	return true;
}

enum trace_step trace_cursor_advance(struct trace_file *file, struct trace_cursor *cursor)
{
	while (cursor->at < UNIT_WORDS) {
		const uint64_t *words = record(file, cursor);
		bool is_thread, taken;

		if (words == NULL)
			return TRACE_BROKEN;
		if (words[0] == 0)
			break;
		if (!check(file, cursor, words[0]))
			return TRACE_BROKEN;
		is_thread = weir_trace_call_of(words[0]) == WEIR_TRACE_THREAD;
		taken = is_thread ? take_thread(file, cursor, words[1])
				  : decode(file, cursor, words);
		if (!taken)
			return TRACE_BROKEN;
		cursor->at += weir_trace_words(weir_trace_call_of(words[0]));
		if (!is_thread)
			return TRACE_EVENT;
	}
	return TRACE_END;
}

void trace_cursor_begin(struct trace_cursor *cursor, const struct trace_unit *unit)
{
	*cursor = (struct trace_cursor){ .unit = unit, .at = HEAD_WORDS, .window = HEAD_WORDS };
}
