/* The next allocator in the preload chain. Layer 5; the only caller of dlsym.
 *
 * Callers go through the table: `weir_backend.malloc(n)`. It starts with entries
 * that find the real functions on the first call and swap them in; dlsym itself
 * may allocate meanwhile, and gets memory of a static arena that is never given
 * back. Only functions that every allocator has are looked up: the aligned
 * family is built on posix_memalign, because a name that the backend lacks would
 * resolve to another allocator's and mix the two. */
#ifndef WEIR_BACKEND_H
#define WEIR_BACKEND_H

#include "base.h"

struct weir_backend {
	void *(*malloc)(size_t bytes);
	void (*free)(void *block);
	void *(*calloc)(size_t count, size_t bytes);
	void *(*realloc)(void *block, size_t bytes);
	int (*posix_memalign)(void **block, size_t align, size_t bytes);
	size_t (*malloc_usable_size)(void *block);
	int (*malloc_trim)(size_t pad); /* the C library's, or NULL */
};

/* Changed once, by whichever call comes first; its entries are then const. */
extern WEIR_HIDDEN struct weir_backend weir_backend;

/* The next definition of a function behind weir. */
void *weir_backend_next(const char *name);

/* The file name of the library that the backend's malloc is in, without its
 * directory; not for signal handlers. */
const char *weir_backend_name(void);

#endif
