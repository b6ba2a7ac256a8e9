/* The process's space and pools. Layer 5.
 *
 * The engine starts with the first large request: a program that makes none pays for
 * no reservation and no file reads. Releases come from here, whoever asks for them, and
 * what has to be done now and then: by requests, or by the helper thread.
 *
 * Who may race whom: everybody. Not for signal handlers, but for weir_engine_release. */
#ifndef WEIR_ENGINE_H
#define WEIR_ENGINE_H

#include "atomic.h"
#include "config.h"
#include "decay.h"
#include "pool.h"

/* What interpose.c reads before every call. */
struct weir_gate {
	size_t min_bytes;    /* SIZE_MAX until weir_engine_enable; const once shares are resolved */
	size_t cached_bytes; /* longest request to try the cache for; 0 until the engine is ready */
};

extern WEIR_HIDDEN struct weir_gate weir_gate;
extern WEIR_HIDDEN struct weir_space weir_space; /* span is 0 until the first large request */

/* Threads that come while the engine starts let it run, for a while: a child that
 * was forked in that moment has no thread that would finish. */
enum weir_engine_state {
	WEIR_ENGINE_COLD,
	WEIR_ENGINE_STARTING,
	WEIR_ENGINE_READY,
	WEIR_ENGINE_UNAVAILABLE,
};

struct weir_engine {
	struct weir_config *config; /* the pointer is const after weir_engine_enable */
	int state;		    /* atomic, release, pairs with acquire in weir_engine_ready */
	weir_u64 next_watch_ms;	    /* atomic: see weir_engine_expect_watch */
	weir_u64 next_decay_ms;	    /* atomic: when some pool has something to release */
	struct weir_pools pools;    /* of[0] is `pool`; the others are in places.h */
	struct weir_pool pool;	    /* of malloc's requests; its limits are those of all */
	struct weir_decay decay;    /* of that one */
};

extern WEIR_HIDDEN struct weir_engine weir_engine;

/* NULL, or called by large requests, whatever thread makes them: by the first one, and then
 * when the time comes that it returned. It may allocate. Of requests that the cache serves
 * one in eight has the clock to do so. */
typedef uint64_t weir_engine_watch(uint64_t now_ms);

/* Sends requests of config->min_bytes and more here, unless weir is to be off: then it retains
 * nothing, and serves pools of programs alone. Once, at the start. */
void weir_engine_enable(struct weir_config *config, weir_engine_watch *watch);

/* In a forked child, whose parent may have been about to change a setting: they are put in
 * force once more then. The next large request calls `watch`, as if it were the first. */
void weir_engine_begin_anew(void);

/* Resolves the shares of the configuration against the container's memory, which
 * the engine otherwise does when it starts: for whoever shows the settings
 * earlier. False when WEIR_STRICT says that the program must stop. */
bool weir_engine_resolve_config(void);

bool weir_engine_start(void);

/* Whether requests can be served; starts the engine. */
static inline bool weir_engine_ready(void)
{
	return WEIR_LIKELY(weir_load_acquire(&weir_engine.state) == WEIR_ENGINE_READY) ||
	       weir_engine_start();
}

/* The pool, or NULL before the first large request. */
struct weir_pool *weir_engine_pool(void);

/* What requests do beside their own work, now and then: decay, the watch, a look at the
 * memory limit. */
void weir_engine_step(uint64_t now_ms);

/* For the helper thread. */

/* Does what is due of decay. Returns when to call again: UINT64_MAX where nothing is retained, so
 * that nothing can be due before the next request. */
uint64_t weir_engine_tend(uint64_t now_ms);

/* The next request that has the clock calls `watch`: whoever is about to sleep says so first
 * and then looks once more at what is retained. One of the two sees the other. */
void weir_engine_expect_watch(void);

/* The next step looks when decay has something to do: it is to be sooner than was said. */
void weir_engine_expect_decay(void);

/* Whether blocks, but for live ones, are retained. */
bool weir_engine_retains(uint64_t at_least_bytes);

/* One line of it, when WEIR_VERBOSE. */
void weir_engine_say(enum weir_trigger trigger, const struct weir_tally *tally);

/* Has requests try the cache as far as the settings allow. */
void weir_engine_open_gate(void);

/* Releases all that is retained; says so when WEIR_VERBOSE. Safe in handlers. */
struct weir_tally weir_engine_release(enum weir_trigger trigger);

/* Releases part of it, in the classes that serve requests from min_bytes to max_bytes,
 * until all that is retained is no more than keep_bytes. */
struct weir_tally weir_engine_release_some(enum weir_trigger trigger, size_t keep_bytes,
					   size_t min_bytes, size_t max_bytes);

/* Under memory pressure: releases up to so many bytes of the classes that nobody used within
 * a second. */
struct weir_tally weir_engine_release_idle(size_t bytes);

/* Whether a request that failed is worth another try: it was not beyond reason, and retained
 * pages, which may be what was missing, were released. */
bool weir_engine_gave_back_for(size_t bytes);

#endif
