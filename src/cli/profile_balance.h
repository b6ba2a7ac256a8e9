/* Bytes that come and go in the processes of a trace: what is live and, by the models of weir
 * and of the C library, what is kept for later, found again and faulted; over time. For
 * profile_figures.c alone.
 *
 * Invariant: figures->live_bytes and retained_bytes are sums over the processes that have not
 * ended. */
#ifndef WEIR_CLI_PROFILE_BALANCE_H
#define WEIR_CLI_PROFILE_BALANCE_H

#include "profile_figures.h"
#include "profile_live.h"

struct profile_state;

struct profile_balance {
	struct profile_figures *figures;
	struct profile_state *states; /* of the processes */
	size_t *by_end;		      /* indexes of the processes, by their end */
	size_t ended;		      /* how many */
	uint64_t retained_bytes;
	uint64_t now_ns;
};

/* Fills the processes of the figures. False when memory is short. */
bool profile_balance_begin(struct profile_balance *balance, struct profile_figures *figures,
			   const struct trace *trace, uint64_t limit_bytes);
void profile_balance_end(struct profile_balance *balance);

/* Time goes on, maybe after a while in which nothing happened; and to the end of all. */
void profile_balance_pass(struct profile_balance *balance, uint64_t ns);
void profile_balance_finish(struct profile_balance *balance);

/* The block, of its `bytes`, appears and goes. */
void profile_balance_take(struct profile_balance *balance, struct profile_block *block);
void profile_balance_put(struct profile_balance *balance, const struct profile_block *block);

/* It gets another size; its own bytes are still the old ones. True when it grows. */
bool profile_balance_resize(struct profile_balance *balance, const struct profile_block *block,
			    uint64_t bytes);

#endif
