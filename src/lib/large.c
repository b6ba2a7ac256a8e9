#include "large.h"

#include "backend.h"
#include "block.h"
#include "extent.h"
#include "harden.h"
#include "live.h"
#include "move.h"
#include "places.h"
#include "record.h"
#include "resize.h"

#include <errno.h>
#include <string.h>

static struct weir_pool *const pool = &weir_engine.pool;

/* From the backend */

static void *ask_backend(size_t bytes, size_t align, bool clean)
{
	void *block;
	int error;

	if (clean)
		return weir_backend.calloc(1, bytes);
	if (align <= _Alignof(max_align_t))
		return weir_backend.malloc(bytes);
	error = weir_backend.posix_memalign(&block, align, bytes);
	if (error == 0)
		return block;
	errno = error;
	return NULL;
}

static void *from_backend(size_t bytes, size_t align, bool clean)
{
	int saved_errno = errno;
	void *block = ask_backend(bytes, align, clean);

	if (!block && weir_engine_gave_back_for(bytes)) {
		errno = saved_errno;
		block = ask_backend(bytes, align, clean);
	}
	return block;
}

static void *realloc_from_backend(void *backend_block, size_t bytes)
{
	int saved_errno = errno;
	void *block = weir_backend.realloc(backend_block, bytes);

	if (!block && weir_engine_gave_back_for(bytes)) {
		errno = saved_errno;
		block = weir_backend.realloc(backend_block, bytes);
	}
	return block;
}

/* Allocation */

enum route { ROUTE_WEIR, ROUTE_BACKEND, ROUTE_NOWHERE };

static void note_refusal(enum weir_counter reason)
{
	weir_stats_count(reason, 1);
	if (weir_engine_pool()) /* the limit may have been raised meanwhile */
		weir_engine_step(weir_os_now_ms());
	errno = ENOMEM;
}

/* Who answers a request of this size; errno is set for nobody. A request of
 * SIZE_MAX bytes comes here even before weir_engine_enable. */
static enum route route_for(size_t bytes)
{
	const struct weir_config *config = weir_engine.config;
	bool ready;

	if (!config)
		return ROUTE_BACKEND;
	ready = weir_engine_ready(); /* shares are bytes from here on */
	if (bytes > weir_load_relaxed(&config->max_alloc_bytes)) {
		note_refusal(WEIR_COUNT_refused);
		return ROUTE_NOWHERE;
	}
	if (bytes > config->max_bytes) {
		if (bytes > weir_load_relaxed(&config->live_limit_bytes)) {
			note_refusal(WEIR_COUNT_refused_live);
			return ROUTE_NOWHERE;
		}
		weir_stats_count(WEIR_COUNT_oversize, 1);
		return ROUTE_BACKEND;
	}
	if (ready)
		return ROUTE_WEIR;
	weir_stats_count(WEIR_COUNT_passed, 1);
	return ROUTE_BACKEND;
}

/* A block for a request whose route led here; else where it goes. */
static enum route take(size_t bytes, size_t align, bool fresh, struct weir_block *block)
{
	uint64_t now_ms = weir_os_now_ms();

	switch (weir_block_take(pool, bytes, align, fresh, now_ms, block)) {
	case WEIR_TAKEN:
		weir_engine_step(now_ms);
		return ROUTE_WEIR;
	case WEIR_TAKEN_REFUSED:
		note_refusal(WEIR_COUNT_refused_live);
		return ROUTE_NOWHERE;
	case WEIR_TAKEN_NO_SLOT:
		break;
	}
	weir_stats_count(WEIR_COUNT_passed, 1);
	return ROUTE_BACKEND;
}

/* Under WEIR_RECORD no block is at hand (weir_settings_cached_bytes), so that all come by here. */
static void *recorded(enum weir_trace_call call, void *block, size_t bytes, size_t align)
{
	if (WEIR_UNLIKELY(weir_record_is_on()))
		weir_record_allocated(call, block, weir_space_owns(&weir_space, block), bytes,
				      align);
	return block;
}

static void *allocate(size_t bytes, size_t align)
{
	enum route route = route_for(bytes);
	struct weir_block block;

	if (route == ROUTE_WEIR)
		route = take(bytes, align, false, &block);
	if (route == ROUTE_WEIR)
		return weir_block_address(&block);
	return route == ROUTE_NOWHERE ? NULL : from_backend(bytes, align, false);
}

__attribute__((noinline)) static void *malloc_uncached(size_t bytes, size_t align)
{
	return recorded(WEIR_TRACE_MALLOC, allocate(bytes, align), bytes, align);
}

__attribute__((noinline)) static void *after_clock(void *address)
{
	weir_engine_step(weir_os_now_ms());
	return address;
}

/* A block that is at hand. */
static inline __attribute__((always_inline)) void *take_cached(size_t bytes, size_t align,
							       uint64_t **hits)
{
	if (WEIR_UNLIKELY(bytes > weir_load_relaxed(&weir_gate.cached_bytes) ||
			  align > WEIR_COLOUR_ALIGN))
		return NULL;
	return weir_block_take_cached(pool, 0, &weir_stats_page.pool, bytes, hits);
}

/* Every way out is a tail call, so that nothing need be saved. */
void *weir_large_malloc(size_t bytes, size_t align)
{
	uint64_t *hits;
	void *block = take_cached(bytes, align, &hits);

	if (WEIR_UNLIKELY(!block))
		return malloc_uncached(bytes, align);
	return WEIR_UNLIKELY(weir_block_wants_clock(hits)) ? after_clock(block) : block;
}

static void *allocate_clean(size_t bytes)
{
	enum route route = route_for(bytes);
	bool fresh = route == ROUTE_WEIR && weir_block_wants_fresh(pool, bytes);
	struct weir_block block;
	uint64_t *hits;
	void *cached = route != ROUTE_WEIR || fresh ? NULL : take_cached(bytes, 1, &hits);

	if (cached)
		return weir_block_clear(cached, bytes);
	if (route == ROUTE_WEIR)
		route = take(bytes, 1, fresh, &block);
	if (route == ROUTE_WEIR)
		return weir_block_clear(weir_block_address(&block),
					weir_block_dirty_bytes(&block, bytes));
	return route == ROUTE_NOWHERE ? NULL : from_backend(bytes, 1, true);
}

void *weir_large_calloc(size_t bytes)
{
	return recorded(WEIR_TRACE_CALLOC, allocate_clean(bytes), bytes, 1);
}

/* Live blocks */

static struct weir_block must_find_live(const char *call, const void *address)
{
	struct weir_block block = { NULL, 0, 0, 0 };
	enum weir_found found = weir_block_find(address, &block);

	if (WEIR_UNLIKELY(found != WEIR_FOUND_LIVE))
		weir_block_refuse(call, address, found);
	return block;
}

/* Of a block that had no page when it was handed out, those that it has now. */
static size_t touched_bytes(const struct weir_block *block)
{
	uint64_t units = weir_live_size(block);

	if (weir_slot_extent(block->word) > 0)
		return WEIR_RECORD_UNKNOWN;
	return weir_slot_reach(block->word) / WEIR_SHARE_ALL *
	       weir_extent_look(block->region, block->index, 0, units).share;
}

/* A lease goes back to its pool; where blocks are of one size, only that knows what is live. */
static enum weir_found free_found(void *address, enum weir_found found, struct weir_block *block,
				  uint64_t now_ms)
{
	struct weir_place *place = found == WEIR_FOUND_UNUSED ? NULL : weir_place_with(block);

	if (WEIR_UNLIKELY(place != NULL))
		return weir_place_return(place, address, now_ms);
	if (WEIR_UNLIKELY(weir_record_is_on()) && found == WEIR_FOUND_LIVE)
		weir_record_freed(address, touched_bytes(block));
	if (found == WEIR_FOUND_LIVE && !weir_block_free(pool, block, now_ms))
		return WEIR_FOUND_FREE;
	return found;
}

__attribute__((noinline)) static void free_uncached(void *address)
{
	struct weir_block block;
	enum weir_found found = weir_block_find(address, &block);
	uint64_t now_ms = weir_os_now_ms();

	found = free_found(address, found, &block, now_ms);
	if (WEIR_UNLIKELY(found != WEIR_FOUND_LIVE))
		weir_block_refuse("free", address, found);
	weir_engine_step(now_ms);
}

/* With take_cached all that is between a block at hand and a program. */
void weir_large_free(void *address)
{
	uint64_t word;
	struct weir_slot *slot = weir_block_cached(address, &word);

	if (WEIR_UNLIKELY(!slot || !weir_block_free_cached(slot, word)))
		free_uncached(address);
}

static size_t usable(const char *call, const void *address)
{
	struct weir_place *place = weir_place_of(address);
	size_t bytes = place ? weir_place_usable(place, address) : 0;
	struct weir_block block;

	if (bytes > 0)
		return bytes;
	block = must_find_live(call, address);
	return weir_block_usable(&block);
}

size_t weir_large_usable_size(const void *address)
{
	return usable("malloc_usable_size", address);
}

/* Into a new block, wherever that comes from. */
static void *resize_by_copy(void *address, size_t old_bytes, size_t bytes)
{
	void *block = bytes < weir_engine.config->min_bytes ? from_backend(bytes, 1, false)
							    : weir_large_malloc(bytes, 1);

	if (!block)
		return NULL;
	memcpy(block, address, weir_min(old_bytes, bytes));
	weir_large_free(address);
	weir_stats_count(WEIR_COUNT_reallocs_copied, 1);
	return block;
}

/* Where a block of another size would lie: where it is, or in a longer slot. */
struct place {
	bool here;
	unsigned region; /* WEIR_REGION_COUNT for none: of just WEIR_MAX, with a colour */
	size_t reach;
};

static struct place place_for(const struct weir_block *block, size_t bytes)
{
	size_t colour = weir_colour_bytes(block->word);
	size_t reach = weir_max(weir_reach(bytes, 1), bytes + colour);
	size_t stride = weir_region_slot_bytes(block->region);

	if (bytes + colour <= stride)
		return (struct place){ true, 0, weir_min(reach, stride) };
	return (struct place){ false, weir_region_of(reach, 1), reach };
}

/* False where it goes neither way. */
static bool resize(char **address, struct weir_block *block, const struct place *to)
{
	uint64_t now_ms = weir_os_now_ms();
	size_t colour = weir_colour_bytes(block->word);
	char *slot;

	if (to->here) {
		if (!weir_resize_block(pool, block, to->reach, now_ms))
			return false;
		weir_stats_count(WEIR_COUNT_reallocs_in_place, 1);
		return true;
	}
	if (to->region >= WEIR_REGION_COUNT)
		return false;
	slot = weir_move_block(pool, block, to->region, to->reach, now_ms);
	if (!slot)
		return false;
	weir_stats_count(WEIR_COUNT_reallocs_moved, 1);
	*address = slot + colour;
	return true;
}

/* The same under the live limit. */
static enum route resize_within(char **address, struct weir_block *block, size_t bytes)
{
	struct place to = place_for(block, bytes);
	uint64_t before = weir_live_size(block), after = weir_block_units(to.reach);

	if (after > before && !weir_pool_reserve_live(pool, after - before)) {
		note_refusal(WEIR_COUNT_refused_live);
		return ROUTE_NOWHERE;
	}
	if (resize(address, block, &to)) {
		if (after < before)
			weir_pool_give_back_live(pool, before - after);
		return ROUTE_WEIR;
	}
	if (after > before)
		weir_pool_give_back_live(pool, after - before);
	return ROUTE_BACKEND;
}

static bool is_served(size_t bytes)
{
	const struct weir_config *config = weir_engine.config;

	return bytes >= config->min_bytes && bytes <= config->max_bytes &&
	       bytes <= weir_load_relaxed(&config->max_alloc_bytes);
}

/* A release has them for some milliseconds. Whoever does not wait copies, which takes as much
 * memory again: more than there may be under the live limit. In a forked child they may be
 * somebody's for ever. */
#define PAGES_MS_MAX 100

static void wait_for_pages(struct weir_block *block)
{
	uint64_t *word = &block->region->slots[block->index].word;

	if (!pool->counts_live)
		return;
	for (unsigned i = 0; i < PAGES_MS_MAX && (block->word & WEIR_SLOT_BUSY); i++) {
		weir_os_sleep_ms(1);
		block->word = weir_load_acquire(word);
	}
}

/* glibc frees; other C libraries give a block of no bytes. */
#ifdef __GLIBC__
#define NOTHING_FREES true
#else
#define NOTHING_FREES false
#endif

static void *reallocate(void *address, size_t bytes)
{
	size_t old_bytes = usable("realloc", address);
	enum route route = ROUTE_BACKEND;
	struct weir_block block;
	char *resized = address;

	if (weir_place_of(address)) /* no pool's lease grows */
		return bytes <= old_bytes ? address : resize_by_copy(address, old_bytes, bytes);
	block = must_find_live("realloc", address);
	if (pool->hardened) { /* by a copy: the old address waits in quarantine */
		weir_harden_check("realloc", &block);
	} else if (is_served(bytes)) {
		wait_for_pages(&block);
		route = resize_within(&resized, &block, bytes);
	}
	if (route == ROUTE_WEIR) {
		if (bytes < old_bytes) /* what was cut off is retained */
			weir_engine_step(weir_os_now_ms());
		return resized;
	}
	return route == ROUTE_NOWHERE ? NULL : resize_by_copy(address, old_bytes, bytes);
}

static void *adopt(void *backend_block, size_t bytes)
{
	size_t old_bytes = weir_backend.malloc_usable_size(backend_block);
	struct weir_block block;
	enum route route;
	void *address;

	if (bytes <= old_bytes)
		return realloc_from_backend(backend_block, bytes);
	route = route_for(bytes);
	if (route == ROUTE_WEIR)
		route = take(bytes, 1, false, &block);
	if (route != ROUTE_WEIR)
		return route == ROUTE_NOWHERE ? NULL : realloc_from_backend(backend_block, bytes);
	address = weir_block_address(&block);
	memcpy(address, backend_block, old_bytes);
	weir_backend.free(backend_block);
	weir_stats_count(WEIR_COUNT_reallocs_copied, 1);
	return address;
}

/* `old` is NULL for a block of the backend, which no record speaks of. */
static void *recorded_realloc(const void *old, void *(*call)(void *block, size_t bytes),
			      void *block, size_t bytes)
{
	weir_record_begin_realloc(old);
	block = call(block, bytes);
	weir_record_end_realloc(block, weir_space_owns(&weir_space, block), bytes);
	return block;
}

void *weir_large_realloc(void *address, size_t bytes)
{
	if (NOTHING_FREES && bytes == 0) {
		usable("realloc", address);
		weir_large_free(address);
		return NULL;
	}
	if (WEIR_UNLIKELY(weir_record_is_on()) && !weir_place_of(address))
		return recorded_realloc(address, reallocate, address, bytes);
	return reallocate(address, bytes);
}

void *weir_large_adopt(void *backend_block, size_t bytes)
{
	if (WEIR_UNLIKELY(weir_record_is_on()))
		return recorded_realloc(NULL, adopt, backend_block, bytes);
	return adopt(backend_block, bytes);
}
