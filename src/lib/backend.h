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

/* It has pages of its own, for weir_backend_seal. */
#define WEIR_BACKEND_ALIGN 4096

struct weir_backend {
	void *(*malloc)(size_t bytes);
	void (*free)(void *block);
	void *(*calloc)(size_t count, size_t bytes);
	void *(*realloc)(void *block, size_t bytes);
	int (*posix_memalign)(void **block, size_t align, size_t bytes);
	size_t (*malloc_usable_size)(void *block);
	int (*malloc_trim)(size_t pad); /* the C library's, or NULL */
} __attribute__((aligned(WEIR_BACKEND_ALIGN)));

/* Changed once, by whichever call comes first; its entries are then const. */
extern WEIR_HIDDEN struct weir_backend weir_backend;

/* Finds the functions, unless that was done, and makes the table read-only: what it says is then
 * safe from the program. False when the kernel refuses, or its pages are larger than the
 * table's. Once, before there are other threads. */
bool weir_backend_seal(void);

/* The next definition of a function behind weir. */
void *weir_backend_next(const char *name);

/* The file name of the library that the backend's malloc is in, without its
 * directory; not for signal handlers. */
const char *weir_backend_name(void);

#endif
