/* What a trace comes to: sizes, lives, live bytes over time, threads, reallocs, and what limits
 * would keep. Events go in, in order of time; pure, but for memory. */
#ifndef WEIR_CLI_PROFILE_FIGURES_H
#define WEIR_CLI_PROFILE_FIGURES_H

#include "profile_keep.h"
#include "profile_moments.h"
#include "trace_reader.h"

/* Requests of up to 4 KiB << i, and more than half of that; the last one takes all beyond. */
#define PROFILE_SIZES 24
static inline uint64_t profile_size_bytes(unsigned i)
{
	return (uint64_t)4096 << i;
}

struct profile_size {
	uint64_t requests;
	uint64_t bytes;
};

/* How long blocks lived: less than profile_life_ns(i); the last but one is for longer, and the
 * last for those that were never freed. */
#define PROFILE_LIVES 9
#define PROFILE_SURVIVED (PROFILE_LIVES - 1)
uint64_t profile_life_ns(unsigned i); /* UINT64_MAX for the last two */
const char *profile_life_name(unsigned i);

struct profile_life {
	uint64_t blocks;
	uint64_t bytes;
};

/* The values of moments. */
enum { PROFILE_LIVE_BYTES, PROFILE_RETAINED_BYTES };

struct profile_process_figures {
	uint64_t requests;
	uint64_t live_bytes;
	uint64_t peak_live_bytes;
};

struct profile_figures {
	uint64_t span_ns;
	uint64_t calls[WEIR_TRACE_CALLS];
	uint64_t requests; /* that weir answered with a block, resizes among them */
	uint64_t requested_bytes;
	uint64_t largest_bytes;
	uint64_t passed_bytes; /* that the backend answered */
	uint64_t passed_largest_bytes;
	uint64_t refused_largest_bytes;
	struct profile_size sizes[PROFILE_SIZES];
	struct profile_life lives[PROFILE_LIVES];
	uint64_t live_bytes; /* over all processes, as all that follows */
	uint64_t peak_live_bytes;
	uint64_t peak_live_ns;
	struct profile_moments moments;
	uint64_t freed;		/* blocks of which the begin is known, resizes apart */
	uint64_t freed_foreign; /* of them, by another thread */
	uint64_t freed_bytes;
	uint64_t freed_foreign_bytes;
	uint64_t grown;	       /* reallocs to more */
	uint64_t grown_blocks; /* how many blocks */
	uint64_t grown_most;   /* of one block */
	uint64_t touched_bytes;
	uint64_t touched_of_bytes; /* of the blocks of which it is known */
	uint64_t idle_ns; /* the longest time without a call while something was retained */
	uint64_t idle_retained_bytes;
	uint64_t libc_faulted_bytes; /* profile_libc.h */
	struct profile_kept kept;
	size_t process_count;
	struct profile_process_figures *processes;
};

struct profile;

/* `limit_bytes` is the one in force. NULL when memory is short. */
struct profile *profile_begin(const struct trace *trace, uint64_t limit_bytes);
/* False when memory is short. */
bool profile_take(struct profile *profile, const struct trace_event *event);
/* Completes the figures, which live until profile_end. */
const struct profile_figures *profile_finish(struct profile *profile);
void profile_end(struct profile *profile);

/* All of a trace. NULL, with trace_problem or for want of memory. */
const struct profile_figures *profile_read(struct profile *profile, struct trace *trace);

#endif
