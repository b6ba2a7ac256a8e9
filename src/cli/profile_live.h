/* The blocks of a trace that are live: what is known of each, by a key of the caller's. Memory
 * follows their number. */
#ifndef WEIR_CLI_PROFILE_LIVE_H
#define WEIR_CLI_PROFILE_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct profile_block {
	uint64_t key; /* an address, or a thread whose realloc it is in */
	uint32_t process;
	int32_t thread;	   /* that asked for it first */
	uint64_t bytes;	   /* 0 for no block */
	uint64_t start_ns; /* when it was asked for first */
	uint32_t grown;	   /* how often realloc made it longer */
	bool is_mapped;	   /* the C library would have mapped it (profile_libc.h) */
};

/* All zero is one without blocks. */
struct profile_live {
	struct profile_block *blocks;
	size_t room; /* a power of two, or 0 */
	size_t count;
};

/* Puts a block, in place of one of the same key. False when memory is short. */
bool profile_live_put(struct profile_live *live, const struct profile_block *block);

/* Takes a block out; false where there is none. */
bool profile_live_take(struct profile_live *live, uint32_t process, uint64_t key,
		       struct profile_block *block);

void profile_live_end(struct profile_live *live);

#endif
