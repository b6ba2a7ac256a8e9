/* One free block at hand for each class and group of threads. Layer 4.
 *
 * A block that is freed and asked for again, over and over, should not go through
 * the lists and the counts each time. An entry binds a slot: its word is CACHED,
 * and malloc and free then change nothing but that word, by one compare-and-swap
 * each. All of its extent counts as retained, even while it is live:
 *
 *   live     = usage's live     + credit      credit = live units of cached slots
 *   retained = usage's retained - credit
 *
 * so no limit is passed. The word is the truth and an entry a hint: whoever clears
 * CACHED has the slot, or the room that it took up, and needs to tell nobody. A slot
 * is of one entry at most (slot.next), which keeps the sums right.
 *
 * Slots go from pool to pool, and a stale entry may lead to one that is cached elsewhere, with
 * the word that was seen here. So the word of a free one has its pool's place where a live one
 * has its reach: whoever takes it by that word takes his own. Whoever ends the caching of a
 * live one looks at slot.pool afterwards: it is that pool's to count.
 *
 * Who may race whom: everybody, any signal handler too. Threads of one group race
 * for the word; binding, for the entry. Whoever binds a slot has it in hand. */
#ifndef WEIR_CACHE_H
#define WEIR_CACHE_H

#include "colour.h"

#define WEIR_CACHE_GROUPS WEIR_STATS_GROUPS /* a power of two */
#define WEIR_CACHE_REGIONS 10		    /* strides up to 32 MiB */
#define WEIR_CACHE_CLASSES (WEIR_CACHE_REGIONS * WEIR_CLASSES_PER_REGION)

struct weir_cache_entry {
	struct weir_slot *slot; /* atomic; NULL for none */
	/* Const after init: of the region, so that a malloc finds all in one line. */
	struct weir_slot *slots;
	char *base;
	unsigned stride_shift;
	unsigned age; /* atomic, relaxed: see weir_cache_age */
} __attribute__((aligned(64)));

/* Every class ends at a multiple of an eighth of the least stride. A table instead of
 * weir_class_of, which takes three times the instructions. */
#define WEIR_CACHE_STEP_SHIFT (WEIR_MIN_STRIDE_SHIFT - 3)
#define WEIR_CACHE_STEPS (((size_t)1 << (WEIR_CACHE_REGIONS + 2)) + 1)

struct weir_cache {
	uint8_t classes[WEIR_CACHE_STEPS]; /* const: by size in steps, rounded up */
	struct weir_cache_entry entries[WEIR_CACHE_GROUPS][WEIR_CACHE_CLASSES]
		__attribute__((aligned(128)));
	/* Atomic, relaxed: the extents of all cached slots, and the classes of which each group
	 * ever had one. */
	WEIR_CACHE_ALIGNED weir_u64 units;
	weir_u64 bound[WEIR_CACHE_GROUPS];
	uint16_t place; /* const: of the pool (slot.pool) */
};

/* For reaches of up to so many bytes. */
void weir_cache_init(struct weir_cache *cache, const struct weir_space *space, uint16_t place,
		     size_t reach_bytes);

/* The class of a reach, which is no more than weir_cache_init was told. */
static inline unsigned weir_cache_class_of(const struct weir_cache *cache, size_t reach_bytes)
{
	size_t step = ((size_t)1 << WEIR_CACHE_STEP_SHIFT) - 1;

	return cache->classes[(reach_bytes + step) >> WEIR_CACHE_STEP_SHIFT];
}

/* What an entry binds and slot.next says. */
static inline uint32_t weir_cache_id(unsigned group, unsigned class_index)
{
	return group * WEIR_CACHE_CLASSES + class_index + 1;
}

/* Binds a free slot in hand, all of whose extent counts as retained: its word is CACHED then.
 * False when the entry has one; the slot is still in hand. Of two that bind at once one loses,
 * and a slot may be bound again while another thread replaces it, because the entry said so
 * long before: *nameless, or NULL, is the slot of that entry that none may lead to any more. */
bool weir_cache_bind(struct weir_cache *cache, struct weir_region *region, uint32_t index,
		     unsigned group, unsigned class_index, uint64_t extent_units,
		     struct weir_slot **nameless);

/* Ends the caching of such a slot, whose block somebody may have by what the entry said before.
 * FREE: in the caller's hand; LIVE: to be forgotten, and its live units to be counted, where it
 * belongs; both with *word as it was. */
enum weir_disowned { WEIR_DISOWNED_NONE, WEIR_DISOWNED_FREE, WEIR_DISOWNED_LIVE };
enum weir_disowned weir_cache_disown(struct weir_cache *cache, struct weir_slot *slot, uint32_t id,
				     uint64_t *word);

/* The entry's block, live for `reach` bytes: NULL when it has none that is free and
 * long enough. All that is said of the block comes from the slot, which another thread
 * may have changed the entry to meanwhile. `hits` counts it: atomic, relaxed, so that
 * threads of one group may lose some. */
static inline char *weir_cache_take(struct weir_cache_entry *entry, uint32_t id, uint16_t place,
				    size_t reach_bytes, uint64_t *hits)
{
	struct weir_slot *slot = weir_load_acquire(&entry->slot);
	uint64_t live, word, colour;
	uint32_t index;

	if (WEIR_UNLIKELY(!slot))
		return NULL;
	word = weir_load_acquire(&slot->word);
	index = (uint32_t)(slot - entry->slots);
	colour = weir_colour_in(entry->stride_shift, index);
	live = (word & WEIR_SLOT_EXTENT_MASK) | colour | reach_bytes | WEIR_SLOT_LIVE |
	       WEIR_SLOT_CACHED;
	if (WEIR_UNLIKELY((word & (WEIR_SLOT_CACHED | WEIR_SLOT_LIVE | WEIR_SLOT_REACH_MASK)) !=
				  (WEIR_SLOT_CACHED | place) ||
			  weir_load_relaxed(&slot->next) != id ||
			  weir_slot_extent(word) << WEIR_UNIT_SHIFT < reach_bytes ||
			  !weir_cas_seq_cst(&slot->word, &word, live)))
		return NULL;
	weir_store_relaxed(hits, weir_load_relaxed(hits) + 1);
	return entry->base + ((size_t)index << entry->stride_shift) + weir_colour_bytes(colour);
}

static inline bool weir_cache_is_live(uint64_t word)
{
	uint64_t live = WEIR_SLOT_LIVE | WEIR_SLOT_CACHED;

	return (word & live) == live;
}

/* The word of a slot of a pool whose block, with `word`, is freed. */
static inline uint64_t weir_cache_freed(uint64_t word, uint16_t place)
{
	return weir_slot_word(WEIR_SLOT_CACHED, place, weir_slot_extent(word));
}

/* Takes an entry's free slot, if its extent is shorter: in the caller's hand then. */
bool weir_cache_take_shorter(struct weir_cache *cache, struct weir_region *region, unsigned group,
			     unsigned class_index, uint64_t extent_units, uint32_t *index,
			     uint64_t *word);

/* Takes a free cached slot, of any entry: in the caller's hand then, and on no list.
 * False when there is none. */
bool weir_cache_take_any(struct weir_cache *cache, struct weir_space *space,
			 struct weir_region **region, uint32_t *index, uint64_t *word);

/* Takes a free cached slot whose word is `word`. */
bool weir_cache_unbind(struct weir_cache *cache, struct weir_slot *slot, uint64_t word);

/* Marks free cached slots AGED, which a malloc undoes, and adds `parts`, the time since the
 * last call, to the age of those that still were. */
void weir_cache_age(struct weir_cache *cache, unsigned parts);

/* Takes a free slot of WEIR_CACHE_OLD parts, as weir_cache_take_any. */
#define WEIR_CACHE_OLD 3U
bool weir_cache_take_aged(struct weir_cache *cache, struct weir_space *space,
			  struct weir_region **region, uint32_t *index, uint64_t *word);

/* A live slot of the cache, which had that word, is CACHED no more. */
void weir_cache_forget(struct weir_cache *cache, uint64_t word);

/* Ends the caching of some live slot, or returns false when there is none. It is to be
 * forgotten, and its live units to be counted, where it belongs. */
bool weir_cache_reclaim(struct weir_cache *cache, struct weir_space *space,
			struct weir_region **region, uint32_t *index, uint64_t *word);

/* The live units of cached slots: usage's live has them not, its retained does. */
uint64_t weir_cache_credit(const struct weir_cache *cache, const struct weir_space *space);

/* Blocks of a class that were taken from entries; and with those that came off lists. */
uint64_t weir_cache_hits(const struct weir_pool_counts *stats, unsigned class_index);
static inline uint64_t weir_cache_all_hits(const struct weir_pool_counts *stats,
					   unsigned class_index)
{
	return weir_load_relaxed(&stats->classes[class_index].hits) +
	       weir_cache_hits(stats, class_index);
}

#endif
