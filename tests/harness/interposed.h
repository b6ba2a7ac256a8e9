/* The malloc family as interpose.c exports it, under other names: what a program would call,
 * for tests that do not preload the library. */
#ifndef INTERPOSED_H
#define INTERPOSED_H

#include <stddef.h>

void *interposed_malloc(size_t bytes);
void interposed_free(void *address);
void *interposed_calloc(size_t count, size_t bytes);
void *interposed_realloc(void *address, size_t bytes);
void *interposed_reallocarray(void *address, size_t count, size_t bytes);
int interposed_posix_memalign(void **block, size_t align, size_t bytes);
void *interposed_aligned_alloc(size_t align, size_t bytes);
void *interposed_memalign(size_t align, size_t bytes);
void *interposed_valloc(size_t bytes);
void *interposed_pvalloc(size_t bytes);
size_t interposed_malloc_usable_size(void *address);
int interposed_malloc_trim(size_t pad);
void interposed_free_sized(void *address, size_t bytes);
void interposed_free_aligned_sized(void *address, size_t align, size_t bytes);
void interposed_cfree(void *address);

#endif
