/* malloc, free and realloc of one large block. Layer 5.
 *
 * Everything that weir does not serve itself it passes to the backend, which is also
 * where a request goes that finds no slot. errno is set as the C library does:
 * ENOMEM on failure, otherwise kept. Callable from any thread; not from signal
 * handlers. */
#ifndef WEIR_LARGE_H
#define WEIR_LARGE_H

#include "base.h"

/* `align` is a power of two; 1 where any will do. A block of weir's is aligned to
 * 128 bytes at least. */
void *weir_large_malloc(size_t bytes, size_t align);
void *weir_large_calloc(size_t bytes);

/* The others take blocks that weir_space owns, and abort with a message on any
 * address that is not a live block. */
void weir_large_free(void *address);
void *weir_large_realloc(void *address, size_t bytes);
size_t weir_large_usable_size(const void *address);

/* A block of the backend that grows into weir's range. */
void *weir_large_adopt(void *backend_block, size_t bytes);

#endif
