/* malloc, free and realloc of one large block. Layer 5.
 *
 * Owns the process's space and pool. The engine starts with the first large
 * request: a program that makes none pays for no reservation and no file reads.
 * Everything weir does not serve itself it passes to the backend, which is also
 * where a request goes that finds no slot. errno is set as the C library does:
 * ENOMEM on failure, otherwise kept. Callable from any thread; not from signal
 * handlers, but for weir_large_release. */
#ifndef WEIR_LARGE_H
#define WEIR_LARGE_H

#include "config.h"
#include "pool.h"

/* What interpose.c reads before every call. */
struct weir_gate {
	size_t min_bytes;    /* SIZE_MAX until weir_large_enable; const once shares are resolved */
	size_t cached_bytes; /* longest request to try the cache for; 0 until the engine is ready */
};

extern WEIR_HIDDEN struct weir_gate weir_gate;
extern WEIR_HIDDEN struct weir_space weir_space; /* span is 0 until the first large request */

/* NULL, or called by large requests, whatever thread makes them: by the first one, and then every
 * ten seconds at most. It may allocate. Of requests
 * that the cache serves one in eight has the clock to do so. */
typedef void weir_large_watch(void);

/* Sends requests of config->min_bytes and more here. Once, from the constructor. */
void weir_large_enable(struct weir_config *config, weir_large_watch *watch);

/* In a forked child whose parent may have been about to change a setting: puts them in force
 * once more. The next large request calls `watch`, as if it were the first. */
void weir_large_begin_anew(void);

/* Resolves the shares of the configuration against the container's memory, which
 * the engine otherwise does when it starts: for whoever shows the settings
 * earlier. False when WEIR_STRICT says that the program must stop. */
bool weir_large_resolve_config(void);

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

/* Releases all that is retained; says so when WEIR_VERBOSE. Safe in handlers. */
struct weir_tally weir_large_release(enum weir_trigger trigger);

/* Releases part of it, in the classes that serve requests from min_bytes to max_bytes,
 * until all that is retained is no more than keep_bytes. */
struct weir_tally weir_large_release_some(enum weir_trigger trigger, size_t keep_bytes,
					  size_t min_bytes, size_t max_bytes);

/* Changes a setting (weir_config_set) and releases what is beyond it. One caller at a
 * time, once the engine is ready. False with a reason. */
bool weir_large_set(const char *name, const char *value, struct weir_text *reason,
		    struct weir_tally *tally);

/* The settings in force. */
const struct weir_config *weir_large_config(void);

/* The pool, or NULL before the first large request. */
struct weir_pool *weir_large_pool(void);

#endif
