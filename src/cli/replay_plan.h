/* What is to be replayed of a trace: the calls of one of its processes, in the order of time, each
 * with the thread that makes it.
 *
 * The order that holds: each thread makes its calls in their order, each block sees the calls
 * that concern it in theirs (turn), and the calls of an epoch come after all those of the one
 * before, so that no thread runs so far ahead that blocks pile up which never did. Otherwise
 * threads run as they like.
 *
 * The plan lies in shared mappings, so that it is neither asked of the allocator that is measured
 * nor counted as its anonymous memory. */
#ifndef WEIR_CLI_REPLAY_PLAN_H
#define WEIR_CLI_REPLAY_PLAN_H

#include "trace_reader.h"

#define REPLAY_NONE UINT32_MAX

struct replay_step {
	uint64_t ns; /* since the trace's start */
	uint64_t bytes;
	uint64_t touched; /* UINT64_MAX where that is not known */
	uint32_t block;
	uint32_t turn; /* how many steps of its block come before */
	uint32_t next; /* step of the same thread, or REPLAY_NONE */
	uint32_t epoch;
	uint8_t call; /* MALLOC, CALLOC, REALLOC or FREE */
	uint8_t align_log2;
};

struct replay_epoch {
	uint32_t steps;	      /* atomic while it is replayed: that are left */
	uint32_t first_entry; /* of plan->entries: the threads that have steps in it */
	uint32_t entry_count;
};

struct replay_plan {
	size_t process; /* of the trace: the one with most calls */
	struct replay_step *steps;
	uint32_t step_count;
	uint32_t *first_steps; /* of each thread */
	uint32_t thread_count;
	struct replay_epoch *epochs;
	uint32_t epoch_count;
	uint32_t *entries; /* threads */
	uint32_t block_count;
	uint64_t capacity; /* of the arrays */
	uint64_t left_out; /* calls that are not: of blocks that were there before, answered by
			    * the backend, or refused */
};

/* Of the process with that id, or of the one with most calls where it is 0. The plan has no
 * steps where the trace has none. False, with the reason as trace_problem says it, for a broken
 * trace or want of memory. */
bool replay_plan_make(struct replay_plan *plan, struct trace *trace, int32_t pid, char *problem);
void replay_plan_free(struct replay_plan *plan);

#endif
