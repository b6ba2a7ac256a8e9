/* weir where it happens to be there: for programs that take their buffers from pools of weir.h
 * when libweir.so is preloaded, and from malloc when it is not. They link nothing of weir's
 * (before glibc 2.34: -ldl).
 *
 * weir_X of weir.h is weir_preloaded_X here, and the pool decides. NULL, which
 * weir_preloaded_pool_create returns whenever there is no pool, stands for malloc: its leases
 * are malloc's blocks, and its returns free them. So a program need not look at what create
 * returned, and every block goes back to where it came from. Two things to heed:
 * - A block goes back by weir_preloaded_return, with the pool that leased it, not by free.
 * - WEIR_CLEAN is said at the lease: malloc knows nothing of a pool's options. For the same
 *   reason WEIR_POOL_CLEAN is refused with EINVAL, with weir and without.
 *
 * What only weir can do is not done: releases return 0, weir_preloaded_stats returns NULL, and
 * what returns an error number ENOSYS.
 *
 * A function is looked up by dlsym(3) in its first call, and remembered. Threads that look at
 * the same time find the same, so there is no lock. In a signal handler the two releases are
 * safe once they were called outside of one. */
#ifndef WEIR_PRELOADED_H
#define WEIR_PRELOADED_H

#include "weir.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `known` is NULL, or the symbol's address, or the address of `known` itself: there is none. */
static inline void *weir_preloaded_find(void **known, const char *name)
{
	void *found = __atomic_load_n(known, __ATOMIC_ACQUIRE);

	if (found == NULL) {
		/* NULL is RTLD_DEFAULT, a name that only _GNU_SOURCE brings. */
		found = dlsym(NULL, name);
		if (found == NULL)
			found = (void *)known;
		__atomic_store_n(known, found, __ATOMIC_RELEASE);
	}
	return found != (void *)known ? found : NULL;
}

/* A pointer to that function of weir.h, or NULL. */
#define WEIR_PRELOADED(function) \
	__extension__({ \
		static void *known; \
		union { \
			void *address; \
			__typeof__(&function) call; \
		} found; \
		found.address = weir_preloaded_find(&known, #function); \
		found.call; \
	})

/* Whether weir is there: libweir.so preloaded, or a libweirpool.so that somebody linked. */
static inline int weir_preloaded(void)
{
	return WEIR_PRELOADED(weir_pool_create) != NULL;
}

static inline size_t weir_preloaded_release(void)
{
	__typeof__(&weir_release) release = WEIR_PRELOADED(weir_release);

	return release != NULL ? release() : 0;
}

static inline const struct weir_stats_page *weir_preloaded_stats(void)
{
	__typeof__(&weir_stats) stats = WEIR_PRELOADED(weir_stats);

	return stats != NULL ? stats() : NULL;
}

/* All zeroes without weir. */
static inline struct weir_pool_options weir_preloaded_pool_preset(enum weir_preset preset)
{
	__typeof__(&weir_pool_preset) get = WEIR_PRELOADED(weir_pool_preset);
	struct weir_pool_options none;

	memset(&none, 0, sizeof(none));
	return get != NULL ? get(preset) : none;
}

/* NULL with errno, which is a pool, too, see above: ENOSYS without weir, EINVAL for
 * WEIR_POOL_CLEAN, and what weir_pool_create has. */
static inline struct weir_pool *weir_preloaded_pool_create(const struct weir_pool_options *options)
{
	__typeof__(&weir_pool_create) create = WEIR_PRELOADED(weir_pool_create);

	if (options != NULL && (options->flags & WEIR_POOL_CLEAN) != 0) {
		errno = EINVAL;
		return NULL;
	}
	if (create == NULL) {
		errno = ENOSYS;
		return NULL;
	}
	return create(options);
}

/* As weir.h says of a lease: aligned to 128 bytes or what the flags ask for, up to 1 GiB. */
static inline void *weir_preloaded_malloc(size_t bytes, unsigned flags)
{
	size_t alignment = 128;
	void *block;

	if (bytes == 0 || (flags & 0xff & ~WEIR_CLEAN) != 0 || flags >> 8 > 30) {
		errno = EINVAL;
		return NULL;
	}
	if ((size_t)1 << (flags >> 8) > alignment)
		alignment = (size_t)1 << (flags >> 8);
	if (bytes > SIZE_MAX - alignment) {
		errno = ENOMEM;
		return NULL;
	}
	/* C11 wants a multiple of the alignment. */
	block = aligned_alloc(alignment, (bytes + alignment - 1) & ~(alignment - 1));
	/* All of the usable size may be used; the compiler would go by what was asked for. */
	__asm__("" : "+r"(block));
	if (block != NULL && (flags & WEIR_CLEAN) != 0)
		memset(block, 0, malloc_usable_size(block));
	return block;
}

static inline void *weir_preloaded_lease(struct weir_pool *pool, size_t bytes, unsigned flags)
{
	return pool != NULL ? WEIR_PRELOADED(weir_lease)(pool, bytes, flags)
			    : weir_preloaded_malloc(bytes, flags);
}

/* Takes the pool, too: a block of malloc's does not tell whose it is. */
static inline size_t weir_preloaded_lease_size(struct weir_pool *pool, void *block)
{
	return pool != NULL ? WEIR_PRELOADED(weir_lease_size)(block) : malloc_usable_size(block);
}

static inline int weir_preloaded_return(struct weir_pool *pool, void *block)
{
	if (pool != NULL)
		return WEIR_PRELOADED(weir_return)(pool, block);
	free(block);
	return 0;
}

static inline size_t weir_preloaded_pool_release(struct weir_pool *pool)
{
	return pool != NULL ? WEIR_PRELOADED(weir_pool_release)(pool) : 0;
}

static inline int weir_preloaded_pool_set_limit(struct weir_pool *pool, size_t limit_bytes)
{
	return pool != NULL ? WEIR_PRELOADED(weir_pool_set_limit)(pool, limit_bytes) : ENOSYS;
}

/* All zeroes for malloc. */
static inline int weir_preloaded_pool_stats(struct weir_pool *pool,
					    struct weir_pool_figures *figures)
{
	if (pool != NULL)
		return WEIR_PRELOADED(weir_pool_stats)(pool, figures);
	memset(figures, 0, sizeof(*figures));
	return ENOSYS;
}

static inline int weir_preloaded_pool_report(struct weir_pool *pool, int fd)
{
	return pool != NULL ? WEIR_PRELOADED(weir_pool_report)(pool, fd) : ENOSYS;
}

/* Blocks of malloc's that are out stay good, and go when they are returned. */
static inline size_t weir_preloaded_pool_dispose(struct weir_pool *pool)
{
	return pool != NULL ? WEIR_PRELOADED(weir_pool_dispose)(pool) : 0;
}

#ifdef __cplusplus
}
#endif

#endif
