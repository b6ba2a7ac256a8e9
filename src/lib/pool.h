/* Retained lists under limits. Layer 4.
 *
 * Counts, at every moment:
 *   live + retained <= footprint, unless live alone is above it (footprint.h)
 *   retained <= limit, unless the kernel refuses to release (then the true count)
 *   blocks of a class <= class_blocks;  units of a range <= its quota
 *   live <= reserved_live <= live_limit, where that is counted, but for blocks that were freed
 *     while another thread worked on their pages: they are live until it has put them
 *   retained = extents on lists + extents in hand + surplus of live slots
 *            + extents of cached slots, live or not (cache.h)
 *            + extents of slots in quarantine, which their lists' counts include
 * Units are reserved before a block is put on a list, and un-reserved after it
 * was taken off. Pages on their way out count as what they were until they are gone.
 *
 * Release epoch: a release raises it and then empties the lists. Whoever has a
 * block in hand read it first, and reads it again after putting the block on a
 * list; a change means that the release may have passed that list too early, and
 * the list is drained again. Epoch, counts of blocks and list heads are
 * sequentially consistent, so one of the two sees the other.
 *
 * Several pools: they share a space, and the first one's limit, footprint and live limit are
 * those of all. Its usage is that of all pools, so whatever changes another pool's changes it
 * too: what is retained is reserved in the pool first, then in the first one.
 *
 *   usage of the first pool = sum of the others' + its own
 *
 * What is said to be done to the first pool reaches all; to another, that one alone. Whose a
 * slot is says slot.pool, from when it is taken empty until it is empty again: a place in
 * weir_pools. Pools are never taken away, so that a place always leads to one.
 *
 * Any thread and any signal handler may call everything here but init. Time
 * comes in as an argument. */
#ifndef WEIR_POOL_H
#define WEIR_POOL_H

#include "cache.h"
#include "quarantine.h"
#include "quota.h"
#include "space.h"
#include "stats.h"
#include "usage.h"

#define WEIR_NO_CLASS WEIR_CLASS_COUNT
#define WEIR_DECAY_PARTS WEIR_CACHE_OLD /* ticks in a period (decay.h) */
#define WEIR_POOL_SHARDS 4		/* lists per class, picked by thread; a power of two */

struct weir_pool;

struct weir_pools {
	struct weir_pool *of[WEIR_POOLS_MAX]; /* atomic: by place; NULL until there is one */
	uint32_t count; /* atomic, release, pairs with acquire in weir_pool_next: places in use */
};

struct weir_pool_settings {
	size_t limit_bytes;	 /* at most 4 TiB */
	size_t footprint_bytes;	 /* or WEIR_NO_LIMIT */
	size_t class_blocks;	 /* or WEIR_NO_LIMIT */
	size_t cached_bytes;	 /* longest block for the cache; 0 for none */
	size_t live_limit_bytes; /* or WEIR_NO_LIMIT; see counts_live */
	bool counts_live;	 /* live blocks are counted one by one */
	bool hardened;		 /* freed blocks wait in a quarantine; no cache */
	const struct weir_class_limit *class_limits; /* copied */
	unsigned class_limit_count;
	struct weir_pool_counts *stats; /* zeroed; must live as long as the pool */
	size_t pooled_bytes;		/* longer blocks are not retained; or WEIR_NO_LIMIT */
	struct weir_pools *pools;	/* or NULL: there is no other pool */
	uint16_t place;			/* there; 0 for the first */
};

struct weir_class {
	struct weir_list lists[WEIR_POOL_SHARDS];
	WEIR_CACHE_ALIGNED weir_u64 blocks; /* atomic: on the lists or about to be */
	weir_u64 low_blocks;		    /* atomic, relaxed: fewest since decay's last tick */
	weir_u64 past_lows[WEIR_DECAY_PARTS - 1]; /* atomic, relaxed: between the ticks before */
	weir_u64 past_requests[WEIR_DECAY_PARTS]; /* atomic, relaxed: at the last ticks */
	weir_u64 due_blocks;	/* atomic, relaxed: decay's to release (decay.h) */
	weir_u64 last_used_ms;	/* atomic, relaxed */
	uint32_t dense_callocs; /* atomic, relaxed: see weir_pool_zeroes */
};

struct weir_pool {
	struct weir_space *space; /* const after init, like the next ones */
	struct weir_pools *pools;
	struct weir_pool *first; /* whose limits are those of all; may be the pool itself */
	uint16_t place;
	size_t cached_bytes; /* atomic, relaxed; 0 for none */
	bool counts_live;    /* const: then there is no cache, whose blocks come and go uncounted */
	bool hardened;	     /* const, too; nor then, and no pages move */
	/* Atomic, relaxed: whoever changes them raises the epoch (weir_pool_set_limits). */
	weir_u64 limit_units;
	weir_u64 footprint_units; /* UINT64_MAX for none */
	weir_u64 class_blocks;
	weir_u64 pooled_units;	   /* UINT64_MAX for any */
	weir_u64 live_limit_units; /* UINT64_MAX for none */
	struct weir_quotas quotas;
	struct weir_pool_counts *stats;	   /* const; what it points to is atomic */
	WEIR_CACHE_ALIGNED weir_u64 epoch; /* atomic: count << 3 | trigger */
	weir_u64 surplus_cursor;	   /* of weir_space_step (live.h) */
	weir_u64 reserved_live_units;	   /* atomic: of live blocks and those on their way */
	struct weir_class classes[WEIR_CLASS_COUNT];
	struct weir_cache cache;
	struct weir_quarantine quarantine;
};

/* A slot in the caller's hand. */
struct weir_block {
	struct weir_region *region;
	uint32_t index;
	uint64_t word;	/* as last seen or about to be stored; see slot.h */
	uint64_t epoch; /* read before the slot came to hand: before LIVE was cleared, too */
};

/* One that was in use before, of which nothing is left, may be made another. */
void weir_pool_init(struct weir_pool *pool, struct weir_space *space,
		    const struct weir_pool_settings *options);

/* The pools whose units a pool's usage counts: `before` is the last one, or NULL to begin with;
 * returns NULL after the last. */
static inline struct weir_pool *weir_pool_next(struct weir_pool *pool,
					       const struct weir_pool *before)
{
	uint32_t count, i;

	if (!before)
		return pool;
	if (!pool->pools || pool->first != pool)
		return NULL;
	count = weir_load_acquire(&pool->pools->count);
	for (i = before->place + 1U; i < count; i++)
		if (weir_load_acquire(&pool->pools->of[i]))
			return weir_load_acquire(&pool->pools->of[i]);
	return NULL;
}

/* The pool that has a slot. */
static inline struct weir_pool *weir_pool_of(struct weir_pool *pool,
					     const struct weir_region *region, uint32_t index)
{
	uint16_t place = weir_load_relaxed(&region->slots[index].pool);

	return place == pool->place ? pool : weir_load_acquire(&pool->pools->of[place]);
}

/* Puts other limits in force, of class limits the bytes alone; what is const stays.
 * Where one is lower, what is in hand meanwhile is released by whoever has it; what is
 * retained beyond them is the caller's to release (release.h). One caller at a time. */
void weir_pool_set_limits(struct weir_pool *pool, const struct weir_pool_settings *options);

/* The same of the limit alone. */
void weir_pool_set_limit_units(struct weir_pool *pool, uint64_t limit_units);

/* Takes a slot of a region for `bytes` (at most its stride): a retained one if
 * there is any, of the class or a larger one (a hit) or a smaller one, else an
 * empty one. What its extent covers counts as live at once; the rest of `bytes` is
 * the caller's to count. False when the region has no slot to give. */
bool weir_pool_take(struct weir_pool *pool, unsigned region_index, size_t bytes, uint64_t now_ms,
		    struct weir_block *block);

/* An empty slot of a region, of which nothing is counted. */
bool weir_pool_take_slot(struct weir_pool *pool, struct weir_region *region,
			 struct weir_block *block);

/* The same for `bytes`, as weir_pool_take, but always an empty one. */
bool weir_pool_take_empty(struct weir_pool *pool, unsigned region_index, size_t bytes,
			  uint64_t now_ms, struct weir_block *block);

/* Where live blocks are counted: makes room for `units` more under the live limit, before
 * the block is taken or grows; weir_pool_put gives them back. False where there is none. */
bool weir_pool_reserve_live(struct weir_pool *pool, uint64_t units);
void weir_pool_give_back_live(struct weir_pool *pool, uint64_t units);

/* How a calloc of the class had better get its zeroes: fresh, until a block that was
 * CLEAN comes back with many of its pages touched; then cleared, for a while. */
enum weir_zeroes { WEIR_ZEROES_FRESH, WEIR_ZEROES_CLEARED };
enum weir_zeroes weir_pool_zeroes(struct weir_pool *pool, unsigned class_index);

/* Takes back a slot that was live: block->word holds its last reach and extent,
 * no longer LIVE or BUSY. Retains what the limits allow, in the cache or on a list,
 * and releases the rest. */
void weir_pool_put(struct weir_pool *pool, struct weir_block *block, uint64_t now_ms);

/* The same, where free() gave back already what the block had of the live limit. */
void weir_pool_put_late(struct weir_pool *pool, struct weir_block *block, uint64_t now_ms);

/* Counts live units as retained, if half of the limit is free beside them: all of them
 * or none. Surplus makes room for nobody but a release and decay. */
bool weir_pool_keep(struct weir_pool *pool, uint64_t units);

/* Takes a slot off the pool's own cache whose word is block->word, free, and releases it. False
 * when that is no longer its word, or it is another pool's. */
bool weir_pool_drop_cached(struct weir_pool *pool, struct weir_block *block,
			   struct weir_tally *tally);

/* Releases a block of the cache that is old (weir_cache_take_aged). False when there is none. */
bool weir_pool_drop_aged(struct weir_pool *pool, struct weir_tally *tally);

/* The cache's class for a request, or WEIR_NO_CLASS. Its stride leaves the spare that
 * every such request has (classes.h). */
unsigned weir_pool_cache_class(const struct weir_pool *pool, size_t reach_bytes);

/* Releases up to `most` retained blocks of a class, whole; returns how many. */
uint64_t weir_pool_drain(struct weir_pool *pool, unsigned class_index, uint64_t most,
			 struct weir_tally *tally);

/* Takes a retained block of the region off its list, one of `units` units if there
 * is any, else a longer or shorter one. False when there is none. */
bool weir_pool_take_fitting(struct weir_pool *pool, unsigned region, uint64_t units,
			    struct weir_block *block);

/* Takes a retained block off the class that was idle longest, of those whose
 * blocks have more than `units` units, but for trimmed ones. False when there is
 * none. */
bool weir_pool_take_idle(struct weir_pool *pool, uint64_t units, uint64_t used_before_ms,
			 struct weir_block *block);

/* Releases up to `units` units of one block of the class that was idle longest, but
 * for `own_class`. False when no other class has any, or the kernel refuses. */
bool weir_pool_evict(struct weir_pool *pool, uint64_t units, unsigned own_class,
		     struct weir_tally *tally);

/* The same of any class, but of no other pool than this one. */
bool weir_pool_evict_own(struct weir_pool *pool, uint64_t units, struct weir_tally *tally);

/* The same of the classes from `first` up to `end`, and not of the cache. */
bool weir_pool_evict_of(struct weir_pool *pool, uint64_t units, unsigned first, unsigned end,
			struct weir_tally *tally);

/* The same of classes that nobody used since then. */
bool weir_pool_evict_idle(struct weir_pool *pool, uint64_t units, uint64_t used_before_ms,
			  struct weir_tally *tally);

/* Counts some live block of the cache as live, not as retained any more. False when there
 * is none. */
bool weir_pool_reclaim_room(struct weir_pool *pool);

/* A live block is cached no more that had that word until now: it counts as live. */
void weir_pool_count_uncached(struct weir_pool *owner, const struct weir_region *region,
			      uint64_t word);

/* Puts a retained block that was taken off back on a list, with up to `keep` of
 * its `total` units, all of which count as retained; whole huge pages of them
 * where the region uses those. */
void weir_pool_put_back(struct weir_pool *pool, struct weir_block *block, uint64_t keep,
			uint64_t total);

/* Puts a slot back empty whose first `units` units, if they are still there, are
 * counted nowhere. */
void weir_pool_put_uncounted(struct weir_pool *pool, struct weir_block *block, uint64_t units);

/* Tells those who have a block in hand that what they put on a list must go: everything
 * retained is released, or a limit was lowered. */
void weir_pool_begin_release(struct weir_pool *pool, enum weir_trigger trigger);

/* Whether that happened since the block came to hand. */
bool weir_pool_release_began(const struct weir_pool *pool, const struct weir_block *block);

/* Counts what was released because of that, under the release's trigger. */
void weir_pool_count_late(struct weir_pool *pool, const struct weir_tally *tally);

/* Lists what waits in quarantine, but for slots without pages: where it is not to be spared
 * from what comes next. */
void weir_pool_end_quarantine(struct weir_pool *pool);

/* The usage word (usage.h) now; and what of it is of no other pool, near enough while those
 * change. */
uint64_t weir_pool_usage(const struct weir_pool *pool);
uint64_t weir_pool_own_usage(struct weir_pool *pool);

/* The live units of cached slots, which the usage has as retained (cache.h). */
uint64_t weir_pool_credit(struct weir_pool *pool);

/* Units that are retained, by the usage word, beyond the limit and what the footprint leaves
 * beside those that are live. */
uint64_t weir_pool_excess(const struct weir_pool *pool);

/* Changes the counts, either way; notes the largest. */
void weir_pool_count(struct weir_pool *pool, int64_t live_units, int64_t retained_units);
/* The same, where the first pool counts them already. */
void weir_pool_count_own(struct weir_pool *pool, int64_t live_units, int64_t retained_units);
void weir_pool_note_peaks(struct weir_pool *pool);

/* The same counts as the program sees them: without the cache's credit. */
struct weir_held {
	uint64_t live_units;
	uint64_t retained_units;
};
struct weir_held weir_pool_held(struct weir_pool *pool);

#endif
