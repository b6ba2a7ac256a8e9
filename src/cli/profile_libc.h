/* What the C library would have faulted for the same requests: a model of glibc's malloc with one
 * arena. It maps blocks of its threshold and more, which rises to the longest of these that was
 * freed, up to 32 MiB; what is freed of the others stays in the heap until nothing in it is live
 * and it is twice the threshold. glibc gives the top of the heap back sooner, so that it faults
 * as much as this, or more. Pure. */
#ifndef WEIR_CLI_PROFILE_LIBC_H
#define WEIR_CLI_PROFILE_LIBC_H

#include <stdbool.h>
#include <stdint.h>

/* Of a process. All zero is its start. */
struct profile_libc {
	uint64_t threshold_bytes; /* 0 for the first one */
	uint64_t heap_live_bytes;
	uint64_t heap_free_bytes;
};

/* Bytes that are faulted for a block, if all of it is touched. */
uint64_t profile_libc_take(struct profile_libc *libc, uint64_t bytes, bool *is_mapped);

/* For so many more bytes of a block; mremap moves one that is mapped. */
uint64_t profile_libc_grow(struct profile_libc *libc, uint64_t bytes, bool is_mapped);

/* A block, or so many bytes of it, is freed. */
void profile_libc_put(struct profile_libc *libc, uint64_t bytes, bool is_mapped);

#endif
