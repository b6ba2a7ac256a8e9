/* Recording of large requests into a file (trace.h), for WEIR_RECORD. Layer 4.
 *
 * Each thread fills a unit of the file that it has mapped, so that a call costs a look at the
 * clock and two or three stores, no memory but those 64 KiB, and what is written is in the file
 * at once, even if the process is killed. The first large request makes the file; nothing is
 * open between two units. When the file cannot grow, recording ends for the process, and the
 * file and a line on stderr say so.
 *
 * Callable from any thread; errno is kept. */
#ifndef WEIR_RECORD_H
#define WEIR_RECORD_H

#include "atomic.h"
#include "config.h"
#include "trace.h"

enum weir_recording {
	WEIR_RECORD_OFF,
	WEIR_RECORD_WANTED, /* there is no file yet */
	WEIR_RECORD_OPENING,
	WEIR_RECORD_ON,
	WEIR_RECORD_FULL, /* calls are counted as lost */
};

extern WEIR_HIDDEN int weir_recording; /* atomic, enum weir_recording */

static inline bool weir_record_is_on(void)
{
	return weir_load_relaxed(&weir_recording) != WEIR_RECORD_OFF;
}

/* NULL, or called in threads that are to call weir_record_leave when they end. Const after
 * init. */
extern WEIR_HIDDEN void (*weir_record_claimed)(void);

/* Where the settings ask for it. Once, at the start. */
void weir_record_prepare(const struct weir_config *config, const char *program);

/* The rest only where it is on. */

/* A call that answered with `block`, or with nothing; `align` is a power of two. Between begin and
 * end of a realloc nothing else is recorded of the thread. */
void weir_record_allocated(enum weir_trace_call call, const void *block, bool is_ours, size_t bytes,
			   size_t align);

#define WEIR_RECORD_UNKNOWN SIZE_MAX
/* A block that is about to be freed, and how much of it was ever touched. */
void weir_record_freed(const void *block, size_t touched_bytes);

/* A realloc of a large block, before and after; of the backend's block, after alone. */
void weir_record_begin_realloc(const void *block);
void weir_record_end_realloc(const void *block, bool is_ours, size_t bytes);

/* The thread ends: what it has not filled is another one's. */
void weir_record_leave(void);

/* The process ends. */
void weir_record_end(void);

/* In a forked child, which writes a file of its own. */
void weir_record_begin_anew(void);

#endif
