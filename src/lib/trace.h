/* The format of a trace of large requests, which record.c writes and `weir replay` and others
 * read (docs/TRACE.md says the same in words). Layer 0.
 *
 * A trace is a sequence of units of 64 KiB, in the byte order of the machine: for each process
 * one that begins with a struct weir_trace_process, and behind it units of records. So traces
 * of several processes are one file after the other.
 *
 * A unit of records begins with a struct weir_trace_unit and is filled by one thread at a time,
 * in the order of time. What is not written yet is zero: records end at the first zero word, or
 * where the unit does, and a unit without a magic has none. Units of one process are in no order;
 * what several threads did is ordered by time, which is taken behind a call that hands out a
 * block, and before one that takes it back. A realloc does both, and so has two records. */
#ifndef WEIR_TRACE_H
#define WEIR_TRACE_H

#include "base.h"
#include "weir.h"

#define WEIR_TRACE_VERSION 1
#define WEIR_TRACE_UNIT_BYTES ((size_t)64 * 1024)
#define WEIR_TRACE_PROCESS_MAGIC 0x31636172542e7277 /* "wr.Trac1" */
#define WEIR_TRACE_UNIT_MAGIC 0x3174696e552e7277    /* "wr.Unit1" */
#define WEIR_TRACE_PROGRAM_BYTES 64
#define WEIR_TRACE_SETTINGS_BYTES 1024

enum weir_trace_state {
	WEIR_TRACE_OPEN = 1, /* the process runs, or was killed */
	WEIR_TRACE_ENDED,    /* it ended by exit or by return from main */
};

struct weir_trace_process {
	weir_u64 magic;
	uint32_t version;
	uint32_t process_bytes; /* of this structure: more in later versions */
	uint32_t state;		/* atomic: enum weir_trace_state */
	int32_t pid;
	uint32_t page_bytes;
	int32_t lost_error; /* why calls were lost: ENOSPC, EFBIG for WEIR_RECORD_LIMIT, ... */
	weir_u64 min_bytes; /* smallest request that is recorded */
	weir_u64 start_ns;  /* of the trace, CLOCK_MONOTONIC */
	weir_u64 end_ns;    /* of the process, when it has ended; else 0 */
	weir_u64 lost;	    /* atomic: calls that were not recorded */
	weir_u64 lost_ns;   /* from when on, CLOCK_MONOTONIC */
	char program[WEIR_TRACE_PROGRAM_BYTES];	  /* short name, ends with a zero byte */
	char settings[WEIR_TRACE_SETTINGS_BYTES]; /* weir's, as its banner says them */
};

struct weir_trace_unit {
	weir_u64 magic;
	weir_u64 base_ns; /* CLOCK_MONOTONIC, to which the times of records are relative */
};

/* A record is two or three words: the first one, and what its call has, in this order. */
enum weir_trace_call {
	WEIR_TRACE_NONE,	  /* what is not written yet */
	WEIR_TRACE_THREAD,	  /* thread id: of the records that follow in the unit */
	WEIR_TRACE_MALLOC,	  /* address, bytes: of all that allocate, but for the next */
	WEIR_TRACE_CALLOC,	  /* address, bytes */
	WEIR_TRACE_FREE,	  /* address */
	WEIR_TRACE_FREE_TOUCHED,  /* address, bytes of it that were touched: where that is known */
	WEIR_TRACE_REALLOC_BEGIN, /* address: the block is nowhere until the thread's next record */
	WEIR_TRACE_REALLOC, /* address, bytes: where it is now; without a begin, a block that was
			     * the backend's until now */
	WEIR_TRACE_PASSED,  /* bytes: the backend answered, and the end of the block is not
			     * recorded; after a begin, it is the backend's from now on */
	WEIR_TRACE_REFUSED, /* bytes: ENOMEM; after a begin, the block is where it was */
	WEIR_TRACE_CALLS
};

#define WEIR_TRACE_WORDS_MAX 3

/* Words of a record, its first one included; 0 for no call. */
static inline unsigned weir_trace_words(unsigned call)
{
	static const unsigned char words[WEIR_TRACE_CALLS] = { 0, 2, 3, 3, 2, 3, 2, 3, 2, 2 };

	return call < WEIR_TRACE_CALLS ? words[call] : 0;
}

/* The first word: the call in 4 bits, log2 of the alignment in 6 (0: any), 6 that are zero,
 * nanoseconds since the unit's base in 48. */
#define WEIR_TRACE_TIME_SHIFT 16
#define WEIR_TRACE_TIME_MAX (((uint64_t)1 << 48) - 1)

static inline uint64_t weir_trace_first(enum weir_trace_call call, unsigned align_log2,
					uint64_t ns_since_base)
{
	return (uint64_t)call | (uint64_t)align_log2 << 4 | ns_since_base << WEIR_TRACE_TIME_SHIFT;
}

static inline unsigned weir_trace_call_of(uint64_t first)
{
	return first & 15;
}

static inline unsigned weir_trace_align_log2(uint64_t first)
{
	return first >> 4 & 63;
}

static inline uint64_t weir_trace_ns(uint64_t first)
{
	return first >> WEIR_TRACE_TIME_SHIFT;
}

#endif
