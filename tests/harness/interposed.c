#include "interposed.h"

/* For the members of struct weir_backend, too, in this file: their places stay the same. */
#define malloc interposed_malloc
#define free interposed_free
#define calloc interposed_calloc
#define realloc interposed_realloc
#define reallocarray interposed_reallocarray
#define posix_memalign interposed_posix_memalign
#define aligned_alloc interposed_aligned_alloc
#define memalign interposed_memalign
#define valloc interposed_valloc
#define pvalloc interposed_pvalloc
#define malloc_usable_size interposed_malloc_usable_size
#define malloc_trim interposed_malloc_trim
#define free_sized interposed_free_sized
#define free_aligned_sized interposed_free_aligned_sized
#define cfree interposed_cfree

#include "interpose.c"
