#include "large.h"

#include "backend.h"
#include "colour.h"
#include "engine.h"
#include "footprint.h"
#include "harden.h"
#include "live.h"
#include "move.h"
#include "remap.h"
#include "report.h"
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

static void *address_of(const struct weir_block *block)
{
	return weir_region_address(block->region, block->index) + weir_colour_bytes(block->word);
}

/* What a block of any region counts as. */
static uint64_t live_units(size_t reach)
{
	return weir_region_units(&weir_space.regions[0], reach);
}

static size_t reach_of(size_t bytes, size_t align)
{
	return pool->hardened ? weir_harden_reach(bytes, align) : weir_reach(bytes, align);
}

static unsigned first_region(size_t bytes, size_t align)
{
	return pool->hardened ? weir_harden_region(bytes, align)
			      : weir_region_of(weir_reach(bytes, align), align);
}

static uint64_t colour_in(const struct weir_block *block, size_t bytes, size_t align)
{
	if (pool->hardened)
		return weir_harden_colour(bytes, align);
	return weir_is_coloured(bytes, align) ? weir_colour_of(block->region, block->index) : 0;
}

/* A slot of the stride that fits, or of a larger one where that region is full. */
static bool take_slot(size_t bytes, size_t align, uint64_t now_ms, struct weir_block *block)
{
	size_t reach = reach_of(bytes, align);

	for (unsigned region = first_region(bytes, align); region < WEIR_REGION_COUNT; region++)
		if (weir_pool_take(pool, region, reach, now_ms, block)) {
			block->word |= colour_in(block, bytes, align);
			weir_remap_complete(pool, block, reach, WEIR_CONTENTS_ANY, now_ms);
			if (pool->hardened)
				weir_harden_begin(&weir_space, block, reach);
			weir_live_publish(pool, block, reach, now_ms);
			return true;
		}
	return false;
}

/* The same out of fresh pages, for as long as its own region has a slot. */
static bool take_fresh_slot(size_t bytes, uint64_t now_ms, struct weir_block *block)
{
	size_t reach = reach_of(bytes, 1);

	if (!weir_pool_take_empty(pool, first_region(bytes, 1), reach, now_ms, block))
		return false;
	block->word = WEIR_SLOT_CLEAN | colour_in(block, bytes, 1);
	weir_footprint_add(pool, weir_region_units(block->region, reach), now_ms);
	weir_live_publish(pool, block, reach, now_ms);
	return true;
}

/* A block under the live limit, for a request whose route led here; else where it goes. */
static enum route take(size_t bytes, size_t align, bool fresh, struct weir_block *block)
{
	uint64_t now_ms = weir_os_now_ms();
	uint64_t units = live_units(reach_of(bytes, align));

	if (!weir_pool_reserve_live(pool, units)) {
		note_refusal(WEIR_COUNT_refused_live);
		return ROUTE_NOWHERE;
	}
	if (!(fresh && take_fresh_slot(bytes, now_ms, block)) &&
	    !take_slot(bytes, align, now_ms, block)) {
		weir_pool_give_back_live(pool, units);
		weir_stats_count(WEIR_COUNT_passed, 1);
		return ROUTE_BACKEND;
	}
	weir_engine_step(now_ms);
	return ROUTE_WEIR;
}

/* The clock is read by one in so many of the requests that the cache serves. */
#define CACHED_PER_CLOCK 8

static inline bool free_cached(void *address)
{
	struct weir_region *region;
	uint64_t *word, seen;
	uint32_t index;
	size_t offset;

	if (!weir_space_find(&weir_space, address, &region, &index, &offset))
		return false;
	word = &region->slots[index].word;
	seen = weir_load_relaxed(word);
	return weir_cache_is_live(seen) && offset == weir_colour_bytes(seen) &&
	       weir_cas_seq_cst(word, &seen, weir_cache_freed(seen));
}

__attribute__((noinline)) static void *malloc_uncached(size_t bytes, size_t align)
{
	enum route route = route_for(bytes);
	struct weir_block block;

	if (route == ROUTE_WEIR)
		route = take(bytes, align, false, &block);
	if (route == ROUTE_WEIR)
		return address_of(&block);
	return route == ROUTE_NOWHERE ? NULL : from_backend(bytes, align, false);
}

__attribute__((noinline)) static void *after_clock(void *address)
{
	weir_engine_step(weir_os_now_ms());
	return address;
}

/* A block that is at hand: with free_cached, all that is between it and a program. */
static inline __attribute__((always_inline)) void *take_cached(size_t bytes, size_t align,
							       uint64_t **hits)
{
	size_t reach = bytes + WEIR_COLOUR_SPARE;
	unsigned group = weir_os_thread_number % WEIR_CACHE_GROUPS;
	struct weir_cache_entry *entry;
	unsigned class_index;

	if (WEIR_UNLIKELY(bytes > weir_load_relaxed(&weir_gate.cached_bytes) ||
			  align > WEIR_COLOUR_ALIGN))
		return NULL;
	class_index = weir_cache_class_of(&pool->cache, reach);
	entry = &pool->cache.entries[group][class_index];
	*hits = &weir_stats_page.pool.cached_hits[group][class_index];
	return weir_cache_take(entry, weir_cache_id(group, class_index), reach, *hits);
}

static inline bool wants_clock(const uint64_t *hits)
{
	return weir_load_relaxed(hits) % CACHED_PER_CLOCK == 0;
}

/* Every way out is a tail call, so that nothing need be saved. */
void *weir_large_malloc(size_t bytes, size_t align)
{
	uint64_t *hits;
	void *block = take_cached(bytes, align, &hits);

	if (WEIR_UNLIKELY(!block))
		return malloc_uncached(bytes, align);
	return WEIR_UNLIKELY(wants_clock(hits)) ? after_clock(block) : block;
}

/* Of the first `bytes` of a block that was just taken, those that may not be zero. */
static size_t dirty_bytes(const struct weir_block *block, size_t bytes)
{
	size_t extent = weir_units_to_bytes(weir_slot_extent(block->word));
	size_t colour = weir_colour_bytes(block->word);

	return extent > colour ? weir_min(bytes, extent - colour) : 0;
}

static void *clear(void *block, size_t bytes)
{
	if (bytes > 0) {
		memset(block, 0, bytes);
		weir_stats_count(WEIR_COUNT_calloc_zeroed_bytes, bytes);
	}
	return block;
}

/* Less is cleared whatever the program does with it. */
#define FRESH_MIN WEIR_MIB

static bool wants_fresh(size_t bytes)
{
	size_t reach = weir_reach(bytes, 1);
	unsigned class_index = weir_class_of(weir_region_of(reach, 1), reach);

	return bytes >= FRESH_MIN && !pool->hardened &&
	       weir_pool_zeroes(pool, class_index) == WEIR_ZEROES_FRESH;
}

void *weir_large_calloc(size_t bytes)
{
	enum route route = route_for(bytes);
	bool fresh = route == ROUTE_WEIR && wants_fresh(bytes);
	struct weir_block block;
	uint64_t *hits;
	void *cached = route != ROUTE_WEIR || fresh ? NULL : take_cached(bytes, 1, &hits);

	if (cached)
		return clear(cached, bytes);
	if (route == ROUTE_WEIR)
		route = take(bytes, 1, fresh, &block);
	if (route == ROUTE_WEIR)
		return clear(address_of(&block), dirty_bytes(&block, bytes));
	return route == ROUTE_NOWHERE ? NULL : from_backend(bytes, 1, true);
}

/* Live blocks */

__attribute__((noreturn, cold)) static void refuse(const char *call, const void *address,
						   size_t offset, bool was_block)
{
	bool may_begin = offset % WEIR_COLOUR_ALIGN == 0 && offset <= WEIR_COLOUR_SPARE;

	if (was_block && may_begin)
		weir_report_misuse(call, address,
				   strcmp(call, "free") == 0
					   ? "double free, the block is already free"
					   : "the block is already free");
	weir_report_misuse(call, address, "not the start of a block");
}

static struct weir_block must_find_live(const char *call, const void *address)
{
	struct weir_block block = { NULL, 0, 0, 0 };
	size_t offset;

	if (WEIR_UNLIKELY(
		    !weir_space_find(&weir_space, address, &block.region, &block.index, &offset)))
		weir_report_misuse(call, address, "no block was handed out at this address");
	block.word = weir_load_acquire(&block.region->slots[block.index].word);
	if (WEIR_UNLIKELY(!(block.word & WEIR_SLOT_LIVE) ||
			  offset != weir_colour_bytes(block.word)))
		refuse(call, address, offset, !(block.word & WEIR_SLOT_LIVE));
	return block;
}

static uint64_t freed(uint64_t word)
{
	return (word & WEIR_SLOT_CACHED) ? weir_cache_freed(word) : word & ~WEIR_SLOT_LIVE;
}

__attribute__((noinline)) static void free_uncached(void *address)
{
	struct weir_block block = must_find_live("free", address);
	uint64_t *word = &block.region->slots[block.index].word;
	uint64_t now_ms;

	if (pool->hardened && !weir_harden_end(&weir_space, &block))
		return;
	block.epoch = weir_load_seq_cst(&pool->epoch);
	while (!weir_cas_seq_cst(word, &block.word, freed(block.word)))
		if (!(block.word & WEIR_SLOT_LIVE))
			refuse("free", address, 0, true);
	if (block.word & WEIR_SLOT_BUSY) /* whoever works on its pages puts it */
		weir_pool_give_back_live(pool, weir_live_size(&block));
	if (block.word & (WEIR_SLOT_CACHED | WEIR_SLOT_BUSY))
		return; /* it is at hand; or so */
	block.word &= ~WEIR_SLOT_LIVE;
	now_ms = weir_os_now_ms();
	weir_pool_put(pool, &block, now_ms);
	weir_engine_step(now_ms);
}

void weir_large_free(void *address)
{
	if (WEIR_UNLIKELY(!free_cached(address)))
		free_uncached(address);
}

/* All that the program may have written, as it may ask malloc_usable_size. */
static size_t usable_bytes(const struct weir_block *block)
{
	size_t reach = weir_slot_reach(block->word);

	return (pool->hardened ? reach : weir_align_up(reach, weir_os_page_bytes())) -
	       weir_colour_bytes(block->word);
}

size_t weir_large_usable_size(const void *address)
{
	struct weir_block block = must_find_live("malloc_usable_size", address);

	return usable_bytes(&block);
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
	uint64_t before = weir_live_size(block), after = live_units(to.reach);

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

void *weir_large_realloc(void *address, size_t bytes)
{
	struct weir_block block = must_find_live("realloc", address);
	size_t old_bytes = usable_bytes(&block);
	enum route route = ROUTE_BACKEND;
	char *resized = address;

	if (NOTHING_FREES && bytes == 0) {
		weir_large_free(address);
		return NULL;
	}
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

void *weir_large_adopt(void *backend_block, size_t bytes)
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
	address = address_of(&block);
	memcpy(address, backend_block, old_bytes);
	weir_backend.free(backend_block);
	weir_stats_count(WEIR_COUNT_reallocs_copied, 1);
	return address;
}
