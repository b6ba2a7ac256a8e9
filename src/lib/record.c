/* Who may race whom: a thread alone writes through its `pen`, and a handler that interrupts it;
 * so room is taken before it is filled, and the first word, without which a record is none, comes
 * last. Units that threads have left are handed over by exchange. The place in the file is taken
 * by one addition. The thread that opens the file is the one that made WANTED to OPENING; the
 * others wait for it. A forked child, whose pages of the file are its parent's, lets go of them
 * before anything else (begin_anew); one that was made by clone alone and goes on to allocate
 * writes between its parent's records. */
#include "record.h"

#include "os.h"
#include "report.h"

#include <errno.h>
#include <string.h>

/* Of a name that is there already: NAME.1 and so on. A program that calls exec keeps its id. */
#define NAMES_MAX 100

/* Units that ended threads left for others. */
#define SPARES 64

/* What the thread fills; all zero without a unit. */
struct pen {
	uint64_t *unit;
	uint64_t base_ns;
	size_t used_words; /* atomic, relaxed: for the sake of handlers; it may be beyond the unit
			    */
	bool in_realloc;
};

static __thread struct pen pen;

int weir_recording;
void (*weir_record_claimed)(void);

static struct {
	const struct weir_config *config;
	const char *program;
	char path[WEIR_RECORD_PATH_BYTES + 32]; /* const once ON */
	struct weir_trace_process *process;	/* the file's first unit; the same */
	weir_u64 used_bytes;			/* atomic, relaxed: of the file */
	uint64_t *spares[SPARES];		/* atomic: units, or NULL */
} recorder;

void weir_record_prepare(const struct weir_config *config, const char *program)
{
	recorder.config = config;
	recorder.program = program;
	if (config->record[0] != '\0' && !config->disable)
		weir_store_relaxed(&weir_recording, WEIR_RECORD_WANTED);
}

/* The file */

static void say_stopped(int error)
{
	struct weir_line line;

	weir_line_begin(&line);
	weir_text_string(&line.text, "recording to ");
	weir_text_string(&line.text, recorder.path);
	weir_text_string(&line.text,
			 error == -EFBIG ? " has reached WEIR_RECORD_LIMIT" : " failed: error ");
	if (error != -EFBIG)
		weir_text_decimal(&line.text, (uint64_t)-error);
	weir_line_send(&line);
}

/* `from` is the state that it fails in: one thread of several says so. */
static void stop(int from, int error)
{
	if (!weir_cas_acq_rel(&weir_recording, &from, WEIR_RECORD_FULL))
		return;
	if (recorder.process) {
		recorder.process->lost_ns = weir_os_now_ns();
		recorder.process->lost_error = -error;
	}
	say_stopped(error);
}

static void lose(void)
{
	struct weir_trace_process *process = recorder.process;

	if (process)
		weir_add_relaxed(&process->lost, 1);
}

static bool make_path(unsigned attempt)
{
	struct weir_text text;

	weir_text_init(&text, recorder.path, sizeof recorder.path);
	weir_text_pattern(&text, recorder.config->record, (uint64_t)weir_os_pid());
	if (attempt > 0) {
		weir_text_char(&text, '.');
		weir_text_decimal(&text, attempt);
	}
	return weir_text_fits(&text);
}

static int make_file(void **mapping)
{
	int error = -EEXIST;

	for (unsigned attempt = 0; attempt < NAMES_MAX && error == -EEXIST; attempt++)
		error = make_path(attempt) ? weir_os_map_file(recorder.path, true, 0,
							      WEIR_TRACE_UNIT_BYTES, mapping)
					   : -ENAMETOOLONG;
	return error;
}

static void describe(struct weir_trace_process *process)
{
	struct weir_text text;

	process->version = WEIR_TRACE_VERSION;
	process->process_bytes = sizeof *process;
	process->state = WEIR_TRACE_OPEN;
	process->pid = weir_os_pid();
	process->page_bytes = (uint32_t)weir_os_page_bytes();
	process->min_bytes = recorder.config->min_bytes;
	process->start_ns = weir_os_now_ns();
	weir_text_init(&text, process->program, sizeof process->program);
	weir_text_string(&text, recorder.program);
	weir_text_init(&text, process->settings, sizeof process->settings);
	weir_config_format_banner(&text, recorder.config);
	weir_store_release(&process->magic, (weir_u64)WEIR_TRACE_PROCESS_MAGIC);
}

static void open_file(void)
{
	void *mapping;
	int error = make_file(&mapping);

	if (error) {
		stop(WEIR_RECORD_OPENING, error);
		return;
	}
	recorder.process = mapping;
	describe(mapping);
	weir_store_relaxed(&recorder.used_bytes, (weir_u64)WEIR_TRACE_UNIT_BYTES);
	weir_store_release(&weir_recording, WEIR_RECORD_ON);
}

/* A handler may have interrupted the thread that opens it. */
#define OPEN_YIELDS_MAX 10000

static bool is_open(void)
{
	int wanted = WEIR_RECORD_WANTED;

	if (WEIR_LIKELY(weir_load_acquire(&weir_recording) == WEIR_RECORD_ON))
		return true;
	if (weir_cas_acq_rel(&weir_recording, &wanted, WEIR_RECORD_OPENING))
		open_file();
	for (unsigned i = 0; i < OPEN_YIELDS_MAX; i++) {
		if (weir_load_acquire(&weir_recording) != WEIR_RECORD_OPENING)
			break;
		weir_os_yield();
	}
	return weir_load_acquire(&weir_recording) == WEIR_RECORD_ON;
}

/* Units */

#define UNIT_WORDS (WEIR_TRACE_UNIT_BYTES / sizeof(uint64_t))

/* Behind the last record. */
static size_t used_of(const uint64_t *unit)
{
	size_t at = sizeof(struct weir_trace_unit) / sizeof *unit;
	unsigned words;

	do {
		words = at < UNIT_WORDS ? weir_trace_words(weir_trace_call_of(unit[at])) : 0;
		at += words;
	} while (words > 0);
	return at;
}

static void *take_spare(void)
{
	uint64_t *unit = NULL;

	for (unsigned i = 0; i < SPARES && !unit; i++)
		if (weir_load_relaxed(&recorder.spares[i]))
			unit = weir_exchange_acq_rel(&recorder.spares[i], NULL);
	return unit;
}

static void spare(uint64_t *unit)
{
	for (unsigned i = 0; i < SPARES && unit; i++)
		unit = weir_exchange_acq_rel(&recorder.spares[i], unit);
	if (unit)
		weir_os_unreserve(unit, WEIR_TRACE_UNIT_BYTES);
}

static int map_unit(void **unit)
{
	uint64_t at = weir_add_relaxed(&recorder.used_bytes, WEIR_TRACE_UNIT_BYTES);

	if (at + WEIR_TRACE_UNIT_BYTES > recorder.config->record_limit_bytes)
		return -EFBIG;
	return weir_os_map_file(recorder.path, false, at, WEIR_TRACE_UNIT_BYTES, unit);
}

static void *new_unit(uint64_t now_ns)
{
	void *unit;
	int error = map_unit(&unit);
	struct weir_trace_unit *header = unit;

	if (error) {
		stop(WEIR_RECORD_ON, error);
		return NULL;
	}
	header->base_ns = now_ns;
	weir_store_release(&header->magic, (weir_u64)WEIR_TRACE_UNIT_MAGIC);
	return unit;
}

static bool take_unit(uint64_t now_ns)
{
	struct pen old = pen;
	void *unit = take_spare();

	if (!unit)
		unit = new_unit(now_ns);
	if (!unit)
		return false;
	pen.unit = unit;
	pen.used_words = used_of(unit);
	pen.base_ns = ((struct weir_trace_unit *)unit)->base_ns;
	if (old.unit)
		weir_os_unreserve(old.unit, WEIR_TRACE_UNIT_BYTES);
	else if (weir_record_claimed)
		weir_record_claimed();
	return true;
}

/* Records */

/* NULL where the unit has no room. */
static uint64_t *take_words(unsigned words)
{
	size_t at = weir_add_relaxed(&pen.used_words, words);

	return pen.unit && at + words <= UNIT_WORDS ? pen.unit + at : NULL;
}

static void fill(uint64_t *words, uint64_t first, uint64_t second, uint64_t third)
{
	words[1] = second;
	if (weir_trace_words(weir_trace_call_of(first)) > 2)
		words[2] = third;
	weir_store_release(words, first);
}

/* A unit that another thread left may have begun after this call. */
static uint64_t since_base(uint64_t now_ns)
{
	return now_ns > pen.base_ns ? now_ns - pen.base_ns : 0;
}

static uint64_t *take_words_anew(unsigned words, uint64_t now_ns)
{
	unsigned thread_words = weir_trace_words(WEIR_TRACE_THREAD);
	uint64_t *at;

	do {
		if (!is_open() || !take_unit(now_ns))
			return NULL;
		at = take_words(thread_words + words);
	} while (!at);
	fill(at, weir_trace_first(WEIR_TRACE_THREAD, 0, since_base(now_ns)),
	     (uint64_t)weir_os_thread_id(), 0);
	return at + thread_words;
}

static void put(enum weir_trace_call call, unsigned align_log2, uint64_t first, uint64_t second)
{
	uint64_t now_ns = weir_os_now_ns();
	unsigned words = weir_trace_words(call);
	uint64_t *at = NULL;

	if (weir_load_relaxed(&weir_recording) == WEIR_RECORD_ON &&
	    since_base(now_ns) <= WEIR_TRACE_TIME_MAX)
		at = take_words(words);
	if (WEIR_UNLIKELY(!at))
		at = take_words_anew(words, now_ns);
	if (at)
		fill(at, weir_trace_first(call, align_log2, since_base(now_ns)), first, second);
	else
		lose();
}

static void answer(enum weir_trace_call call, const void *block, bool is_ours, size_t bytes,
		   size_t align)
{
	if (is_ours)
		put(call, align > 1 ? weir_log2_ceil(align) : 0, (uintptr_t)block, bytes);
	else
		put(block ? WEIR_TRACE_PASSED : WEIR_TRACE_REFUSED, 0, bytes, 0);
}

void weir_record_allocated(enum weir_trace_call call, const void *block, bool is_ours, size_t bytes,
			   size_t align)
{
	if (!pen.in_realloc)
		answer(call, block, is_ours, bytes, align);
}

void weir_record_freed(const void *block, size_t touched_bytes)
{
	if (pen.in_realloc)
		return;
	put(touched_bytes == WEIR_RECORD_UNKNOWN ? WEIR_TRACE_FREE : WEIR_TRACE_FREE_TOUCHED, 0,
	    (uintptr_t)block, touched_bytes);
}

void weir_record_begin_realloc(const void *block)
{
	if (block)
		put(WEIR_TRACE_REALLOC_BEGIN, 0, (uintptr_t)block, 0);
	pen.in_realloc = true;
}

void weir_record_end_realloc(const void *block, bool is_ours, size_t bytes)
{
	pen.in_realloc = false;
	answer(WEIR_TRACE_REALLOC, block, is_ours, bytes, 1);
}

/* Ends */

void weir_record_leave(void)
{
	uint64_t *unit = pen.unit;

	pen.unit = NULL;
	spare(unit);
}

void weir_record_end(void)
{
	if (!recorder.process)
		return;
	recorder.process->end_ns = weir_os_now_ns();
	weir_store_release(&recorder.process->state, WEIR_TRACE_ENDED);
}

void weir_record_begin_anew(void)
{
	if (!weir_record_is_on())
		return;
	for (unsigned i = 0; i < SPARES; i++)
		if (recorder.spares[i])
			weir_os_unreserve(recorder.spares[i], WEIR_TRACE_UNIT_BYTES);
	memset(recorder.spares, 0, sizeof recorder.spares);
	if (pen.unit)
		weir_os_unreserve(pen.unit, WEIR_TRACE_UNIT_BYTES);
	if (recorder.process)
		weir_os_unreserve(recorder.process, WEIR_TRACE_UNIT_BYTES);
	pen.unit = NULL;
	recorder.process = NULL;
	weir_store_release(&weir_recording, WEIR_RECORD_WANTED);
}
