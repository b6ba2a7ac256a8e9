/* One block of any pool: taken, found by its address, freed. Layer 5.
 *
 * What requests of the malloc family and leases have in common. The pool of malloc's requests
 * is a constant to the compiler, so that their way through the cache is as short as if there
 * were no other pool. Callable from any thread; not from signal handlers. */
#ifndef WEIR_BLOCK_H
#define WEIR_BLOCK_H

#include "colour.h"
#include "engine.h"
#include "pool.h"

/* The class for a request of the cache: `bytes` is no more than the pool caches. NULL where the
 * cache has no block. *hits counts those of the class and the thread's group. */
static inline __attribute__((always_inline)) void *
weir_block_take_cached(struct weir_pool *pool, uint16_t place, struct weir_pool_counts *counts,
		       size_t bytes, uint64_t **hits)
{
	size_t reach = bytes + WEIR_COLOUR_SPARE;
	unsigned group = weir_os_thread_number % WEIR_CACHE_GROUPS;
	unsigned class_index = weir_cache_class_of(&pool->cache, reach);
	struct weir_cache_entry *entry = &pool->cache.entries[group][class_index];

	*hits = &counts->cached_hits[group][class_index];
	return weir_cache_take(entry, weir_cache_id(group, class_index), place, reach, *hits);
}

/* The clock is read by one in so many of the requests that the cache serves. */
#define WEIR_CACHED_PER_CLOCK 8

static inline bool weir_block_wants_clock(const uint64_t *hits)
{
	return weir_load_relaxed(hits) % WEIR_CACHED_PER_CLOCK == 0;
}

/* The slot of a block of the cache that is live and begins at the address, and its word; or NULL.
 */
static inline struct weir_slot *weir_block_cached(const void *address, uint64_t *word)
{
	struct weir_region *region;
	struct weir_slot *slot;
	uint32_t index;
	size_t offset;

	if (!weir_space_find(&weir_space, address, &region, &index, &offset))
		return NULL;
	slot = &region->slots[index];
	*word = weir_load_relaxed(&slot->word);
	return weir_cache_is_live(*word) && offset == weir_colour_bytes(*word) ? slot : NULL;
}

/* False where its word has changed. */
static inline bool weir_block_free_cached(struct weir_slot *slot, uint64_t word)
{
	return weir_cas_seq_cst(&slot->word, &word,
				weir_cache_freed(word, weir_load_relaxed(&slot->pool)));
}

/* Takes a block of `bytes` for a pool, aligned to a power of two; out of fresh pages where that
 * is wanted and there is a slot. */
enum weir_taken {
	WEIR_TAKEN,
	WEIR_TAKEN_NO_SLOT,
	WEIR_TAKEN_REFUSED, /* more would be live than WEIR_LIVE_LIMIT allows */
};
enum weir_taken weir_block_take(struct weir_pool *pool, size_t bytes, size_t align, bool fresh,
				uint64_t now_ms, struct weir_block *block);

/* What a block of any region counts as. */
static inline uint64_t weir_block_units(size_t reach)
{
	return weir_region_units(&weir_space.regions[0], reach);
}

static inline char *weir_block_address(const struct weir_block *block)
{
	return weir_region_address(block->region, block->index) + weir_colour_bytes(block->word);
}

/* Whether a block that is to be zero had better have fresh pages (weir_pool_zeroes). */
bool weir_block_wants_fresh(struct weir_pool *pool, size_t bytes);

/* Of the first `bytes` of a block that was just taken, those that may not be zero. */
size_t weir_block_dirty_bytes(const struct weir_block *block, size_t bytes);
/* Clears that many, and counts them. */
void *weir_block_clear(void *address, size_t bytes);

/* What begins at an address that the space owns. */
enum weir_found {
	WEIR_FOUND_LIVE,
	WEIR_FOUND_FREE,   /* a block may have begun there, and is free */
	WEIR_FOUND_INSIDE, /* no block begins there */
	WEIR_FOUND_UNUSED, /* nothing was ever handed out there */
};
enum weir_found weir_block_find(const void *address, struct weir_block *block);

/* For a block that is not live: ends the program. */
__attribute__((noreturn, cold)) void weir_block_refuse(const char *call, const void *address,
						       enum weir_found found);

/* Frees a live block of the pool; false where it is free meanwhile. */
bool weir_block_free(struct weir_pool *pool, struct weir_block *block, uint64_t now_ms);

/* All that the program may have written, as it may ask malloc_usable_size. */
size_t weir_block_usable(const struct weir_block *block);

#endif
