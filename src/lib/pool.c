#include "pool.h"

#include "extent.h"

/* Enough for every trigger; see weir_pool.epoch. */
#define EPOCH_TRIGGER_MASK ((uint64_t)7)

_Static_assert(WEIR_STATS_CLASSES >= WEIR_CLASS_COUNT, "every class has its counters");
_Static_assert(WEIR_CACHE_CLASSES == WEIR_STATS_GROUP_CLASSES, "and every entry of the cache");
_Static_assert(WEIR_COLOURS == 1U << WEIR_SLOT_COLOUR_BITS, "every colour fits the word");
_Static_assert(WEIR_TRIGGER_COUNT <= EPOCH_TRIGGER_MASK + 1, "a trigger fits the epoch");

static unsigned class_of_units(const struct weir_region *region, uint64_t units)
{
	return weir_class_of(region->stride_shift - WEIR_MIN_STRIDE_SHIFT,
			     weir_units_to_bytes(units));
}

static uint64_t round_down_units(const struct weir_region *region, uint64_t units)
{
	return units & ~((uint64_t)(region->trim_bytes >> WEIR_UNIT_SHIFT) - 1);
}

static uint64_t units_or_none(size_t bytes)
{
	return bytes == WEIR_NO_LIMIT ? UINT64_MAX : bytes >> WEIR_UNIT_SHIFT;
}

/* True where one is lower than it was and something retained may have to go. */
static bool set_limits(struct weir_pool *pool, const struct weir_pool_settings *options)
{
	uint64_t limit = options->limit_bytes >> WEIR_UNIT_SHIFT;
	uint64_t footprint = units_or_none(options->footprint_bytes);
	bool lower;

	limit = weir_min(limit, WEIR_USAGE_RETAINED_MAX);
	lower = limit < pool->limit_units || footprint < pool->footprint_units ||
		options->class_blocks < pool->class_blocks;
	weir_store_relaxed(&pool->limit_units, limit);
	weir_store_relaxed(&pool->footprint_units, footprint);
	weir_store_relaxed(&pool->class_blocks, (uint64_t)options->class_blocks);
	weir_store_relaxed(&pool->pooled_units, units_or_none(options->pooled_bytes));
	weir_store_relaxed(&pool->live_limit_units, units_or_none(options->live_limit_bytes));
	return lower;
}

void weir_pool_init(struct weir_pool *pool, struct weir_space *space,
		    const struct weir_pool_settings *options)
{
	pool->space = space;
	pool->pools = options->pools;
	pool->place = options->place;
	pool->first = options->place == 0 ? pool : options->pools->of[0];
	pool->stats = options->stats;
	set_limits(pool, options);
	pool->counts_live = options->counts_live;
	pool->hardened = options->hardened;
	pool->cached_bytes = options->counts_live || options->hardened ? 0 : options->cached_bytes;
	weir_cache_init(&pool->cache, space, pool->place, pool->cached_bytes);
	weir_quotas_init(&pool->quotas, options->class_limits, options->class_limit_count);
}

/* Who had read the old limits finds the epoch changed once the block is on a list. */
void weir_pool_set_limits(struct weir_pool *pool, const struct weir_pool_settings *options)
{
	bool lower = set_limits(pool, options);

	lower |= weir_quotas_set(&pool->quotas, options->class_limits, options->class_limit_count);
	if (lower)
		weir_pool_begin_release(pool, WEIR_TRIGGER_limit);
}

void weir_pool_set_limit_units(struct weir_pool *pool, uint64_t limit_units)
{
	uint64_t before = weir_load_relaxed(&pool->limit_units);

	limit_units = weir_min(limit_units, WEIR_USAGE_RETAINED_MAX);
	weir_store_relaxed(&pool->limit_units, limit_units);
	if (limit_units < before)
		weir_pool_begin_release(pool, WEIR_TRIGGER_limit);
}

uint64_t weir_pool_usage(const struct weir_pool *pool)
{
	return weir_load_acquire(&pool->stats->usage.word);
}

uint64_t weir_pool_own_usage(struct weir_pool *pool)
{
	uint64_t word = weir_pool_usage(pool), live = weir_usage_live(word),
		 retained = weir_usage_retained(word), other;
	const struct weir_pool *each = pool;

	while ((each = weir_pool_next(pool, each))) {
		other = weir_pool_usage(each);
		live -= weir_min(weir_usage_live(other), live);
		retained -= weir_min(weir_usage_retained(other), retained);
	}
	return weir_usage_delta((int64_t)live, (int64_t)retained);
}

uint64_t weir_pool_credit(struct weir_pool *pool)
{
	const struct weir_pool *each = NULL;
	uint64_t units = 0;

	while ((each = weir_pool_next(pool, each)))
		units += weir_cache_credit(&each->cache, pool->space);
	return units;
}

/* Cached units, at most those that are live too. */
static uint64_t cached_units(struct weir_pool *pool)
{
	const struct weir_pool *each = NULL;
	uint64_t units = 0;

	while ((each = weir_pool_next(pool, each)))
		units += weir_load_relaxed(&each->cache.units);
	return units;
}

/* A scan of the cache is for those moments only in which it may matter. */
static void note_peaks(struct weir_pool *pool, uint64_t word)
{
	if (weir_usage_is_peak(&pool->stats->usage, word, cached_units(pool)))
		weir_usage_note_peaks(&pool->stats->usage, word, weir_pool_credit(pool));
}

void weir_pool_note_peaks(struct weir_pool *pool)
{
	note_peaks(pool, weir_pool_usage(pool));
}

void weir_pool_count_own(struct weir_pool *pool, int64_t live_units, int64_t retained_units)
{
	note_peaks(pool, weir_usage_add(&pool->stats->usage, live_units, retained_units));
}

void weir_pool_count(struct weir_pool *pool, int64_t live_units, int64_t retained_units)
{
	weir_pool_count_own(pool, live_units, retained_units);
	if (pool->first != pool)
		weir_pool_count_own(pool->first, live_units, retained_units);
}

struct weir_held weir_pool_held(struct weir_pool *pool)
{
	uint64_t word = weir_pool_usage(pool);
	uint64_t credit = weir_min(weir_pool_credit(pool), weir_usage_retained(word));

	return (struct weir_held){ weir_usage_live(word) + credit,
				   weir_usage_retained(word) - credit };
}

static void touch(struct weir_class *class, uint64_t now_ms)
{
	if (weir_load_relaxed(&class->last_used_ms) != now_ms)
		weir_store_relaxed(&class->last_used_ms, now_ms);
}

/* Taking */

static bool pop(struct weir_pool *pool, unsigned class_index, struct weir_block *block)
{
	struct weir_class *class = &pool->classes[class_index];
	struct weir_region *region = &pool->space->regions[weir_class_region(class_index)];
	unsigned shard = weir_os_thread();
	uint64_t left;

	if (weir_load_seq_cst(&class->blocks) == 0)
		return false;
	block->epoch = weir_load_seq_cst(&pool->epoch);
	for (unsigned tries = 0; tries < WEIR_POOL_SHARDS; tries++, shard++) {
		if (!weir_list_take(&class->lists[shard % WEIR_POOL_SHARDS], region->slots,
				    &block->index))
			continue;
		left = weir_add_acq_rel(&class->blocks, (uint64_t)-1) - 1;
		if (left < weir_load_relaxed(&class->low_blocks))
			weir_store_relaxed(&class->low_blocks, left);
		block->region = region;
		block->word = weir_load_acquire(&region->slots[block->index].word);
		weir_quotas_give_back(&pool->quotas, class_index, weir_slot_extent(block->word));
		return true;
	}
	return false;
}

/* A block of the class or of a larger one of the same stride. */
static bool pop_fitting(struct weir_pool *pool, unsigned class_index, struct weir_block *block)
{
	unsigned end = (weir_class_region(class_index) + 1) * WEIR_CLASSES_PER_REGION;

	for (unsigned c = class_index; c < end; c++)
		if (pop(pool, c, block))
			return true;
	return false;
}

/* A smaller one saves at least the faults of its own pages. */
static bool pop_shorter(struct weir_pool *pool, unsigned class_index, struct weir_block *block)
{
	unsigned first = weir_class_region(class_index) * WEIR_CLASSES_PER_REGION;

	for (unsigned c = class_index; c > first; c--)
		if (pop(pool, c - 1, block))
			return true;
	return false;
}

bool weir_pool_take_fitting(struct weir_pool *pool, unsigned region, uint64_t units,
			    struct weir_block *block)
{
	unsigned class_index = weir_class_of(region, weir_units_to_bytes(units));

	return pop_fitting(pool, class_index, block) || pop_shorter(pool, class_index, block);
}

bool weir_pool_take_slot(struct weir_pool *pool, struct weir_region *region,
			 struct weir_block *block)
{
	block->epoch = weir_load_seq_cst(&pool->epoch);
	if (!weir_region_take_empty(region, &block->index))
		return false;
	block->region = region;
	block->word = weir_load_acquire(&region->slots[block->index].word);
	weir_store_relaxed(&region->slots[block->index].pool, pool->place);
	return true;
}

bool weir_pool_take(struct weir_pool *pool, unsigned region_index, size_t bytes, uint64_t now_ms,
		    struct weir_block *block)
{
	unsigned class_index = weir_class_of(region_index, bytes);
	struct weir_region *region = &pool->space->regions[region_index];
	struct weir_stats_class *stats = &pool->stats->classes[class_index];
	uint64_t units = weir_region_units(region, bytes);
	uint64_t extent;
	int64_t covered;
	bool hit;

	hit = pop_fitting(pool, class_index, block);
	if (!hit && !pop_shorter(pool, class_index, block) &&
	    !weir_pool_take_slot(pool, region, block))
		return false;
	extent = weir_slot_extent(block->word);
	covered = (int64_t)weir_min(extent, units);
	if (covered > 0)
		weir_pool_count(pool, covered, -covered);
	weir_add_relaxed(hit ? &stats->hits : &stats->misses, (uint64_t)1);
	touch(&pool->classes[class_index], now_ms);
	if (region->huge && extent < units)
		weir_extent_advise(pool->space, region, block->index, bytes);
	return true;
}

bool weir_pool_take_empty(struct weir_pool *pool, unsigned region_index, size_t bytes,
			  uint64_t now_ms, struct weir_block *block)
{
	unsigned class_index = weir_class_of(region_index, bytes);

	if (!weir_pool_take_slot(pool, &pool->space->regions[region_index], block))
		return false;
	weir_add_relaxed(&pool->stats->classes[class_index].misses, (uint64_t)1);
	touch(&pool->classes[class_index], now_ms);
	return true;
}

bool weir_pool_reserve_live(struct weir_pool *pool, uint64_t units)
{
	struct weir_pool *first = pool->first;
	uint64_t limit = weir_load_relaxed(&first->live_limit_units);
	uint64_t reserved = weir_load_relaxed(&first->reserved_live_units);

	if (!first->counts_live)
		return true;
	if (units > limit)
		return false;
	do {
		if (reserved > limit - units)
			return false;
	} while (!weir_cas_weak_acq_rel(&first->reserved_live_units, &reserved, reserved + units));
	return true;
}

void weir_pool_give_back_live(struct weir_pool *pool, uint64_t units)
{
	if (pool->first->counts_live)
		weir_add_acq_rel(&pool->first->reserved_live_units, -units);
}

enum weir_zeroes weir_pool_zeroes(struct weir_pool *pool, unsigned class_index)
{
	struct weir_class *class = &pool->classes[class_index];
	uint32_t left = weir_load_relaxed(&class->dense_callocs);
	struct weir_tally tally = { 0, 0, 0 };

	if (left == 0)
		return WEIR_ZEROES_FRESH;
	weir_store_relaxed(&class->dense_callocs, left - 1);
	if (left > 1)
		return WEIR_ZEROES_CLEARED;
	weir_pool_drain(pool, class_index, 1, &tally); /* the block that it would have had */
	weir_pool_count_late(pool, &tally);
	return WEIR_ZEROES_FRESH;
}

/* Putting */

static bool reserve_block(struct weir_pool *pool, struct weir_class *class)
{
	uint64_t most = weir_load_relaxed(&pool->class_blocks);
	uint64_t blocks;

	if (most == WEIR_NO_LIMIT) {
		weir_add_seq_cst(&class->blocks, (uint64_t)1);
		return true;
	}
	blocks = weir_load_relaxed(&class->blocks);
	do {
		if (blocks >= most)
			return false;
	} while (!weir_cas_seq_cst(&class->blocks, &blocks, blocks + 1));
	return true;
}

/* Reserves a place on a list for up to `units` of a block, under the limits of
 * its class. A shorter extent may be of another range, so this repeats with what
 * the first range left. Returns the units admitted; 0 reserves nothing. */
static uint64_t admit(struct weir_pool *pool, const struct weir_region *region, uint64_t units)
{
	uint64_t granted;
	unsigned class_index;

	while (units > 0) {
		class_index = class_of_units(region, units);
		granted = weir_quotas_reserve(&pool->quotas, class_index, units);
		if (granted == units && reserve_block(pool, &pool->classes[class_index]))
			return units;
		weir_quotas_give_back(&pool->quotas, class_index, granted);
		units = granted == units ? 0 : round_down_units(region, granted);
	}
	return 0;
}

/* Reserves a place for a block that cannot be trimmed, whatever the limits say. */
static void admit_anyway(struct weir_pool *pool, const struct weir_region *region, uint64_t units)
{
	unsigned class_index = class_of_units(region, units);

	weir_quotas_charge(&pool->quotas, class_index, units);
	weir_add_seq_cst(&pool->classes[class_index].blocks, (uint64_t)1);
}

static void unadmit(struct weir_pool *pool, const struct weir_region *region, uint64_t units)
{
	unsigned class_index = class_of_units(region, units);

	if (units == 0)
		return;
	weir_quotas_give_back(&pool->quotas, class_index, units);
	weir_add_acq_rel(&pool->classes[class_index].blocks, (uint64_t)-1);
}

/* Lists a slot in hand by its word. A release that began while it was in hand missed it:
 * see pool.h. */
static void enlist(struct weir_pool *pool, struct weir_block *block)
{
	struct weir_slot *slots = block->region->slots;
	uint64_t extent = weir_slot_extent(weir_load_relaxed(&slots[block->index].word));
	unsigned class_index = class_of_units(block->region, extent);
	struct weir_class *class = &pool->classes[class_index];
	unsigned shard = weir_os_thread() % WEIR_POOL_SHARDS;
	struct weir_tally tally = { 0, 0, 0 };

	if (extent == 0) {
		weir_region_put_empty(block->region, block->index);
		return;
	}
	weir_list_put(&class->lists[shard], slots, block->index);
	if (WEIR_UNLIKELY(weir_pool_release_began(pool, block))) {
		weir_pool_drain(pool, class_index, weir_load_seq_cst(&class->blocks), &tally);
		weir_pool_count_late(pool, &tally);
	}
}

static void enlist_waiting(struct weir_pool *pool, const struct weir_waiting *slot, uint64_t epoch)
{
	struct weir_block block = { .region = slot->region, .index = slot->index, .epoch = epoch };

	enlist(pool, &block);
}

/* The epoch is of before the first slot came to hand. */
static void end_quarantine(struct weir_pool *pool, uint64_t epoch)
{
	struct weir_waiting slot;

	while (weir_quarantine_take(&pool->quarantine, pool->space, WEIR_NO_CLASS, &slot))
		enlist_waiting(pool, &slot, epoch);
}

void weir_pool_end_quarantine(struct weir_pool *pool)
{
	if (pool->hardened)
		end_quarantine(pool, weir_load_seq_cst(&pool->epoch));
}

/* An eighth of the limit may wait, and the last block in any case. */
static bool waits_too_much(const struct weir_pool *pool)
{
	return weir_load_relaxed(&pool->quarantine.units) >
	       weir_load_relaxed(&pool->limit_units) / 8;
}

/* A release that began while the block was in hand may have passed the quarantine before. */
static void quarantine(struct weir_pool *pool, struct weir_block *block)
{
	struct weir_waiting slot = { block->region, block->index }, leaves;

	while (waits_too_much(pool) &&
	       weir_quarantine_take(&pool->quarantine, pool->space, WEIR_NO_CLASS, &leaves))
		enlist_waiting(pool, &leaves, block->epoch);
	if (weir_quarantine_pass(&pool->quarantine, pool->space, &slot, &leaves))
		enlist_waiting(pool, &leaves, block->epoch);
	if (WEIR_UNLIKELY(weir_pool_release_began(pool, block)))
		end_quarantine(pool, block->epoch);
}

/* The slot in hand is free from here on, with so many units. */
static void push(struct weir_pool *pool, struct weir_block *block, uint64_t extent)
{
	weir_store_release(&block->region->slots[block->index].word, weir_slot_word(0, 0, extent));
	if (WEIR_UNLIKELY(pool->hardened))
		quarantine(pool, block);
	else
		enlist(pool, block);
}

/* Releases units [keep, total) of a block in hand, `live` of which count as live
 * and the others as retained, and un-counts them. */
static bool trim(struct weir_pool *pool, struct weir_block *block, uint64_t keep, uint64_t total,
		 uint64_t live, struct weir_tally *tally)
{
	uint64_t start_ns = weir_os_now_ns();
	bool done = weir_extent_trim(pool->space, block->region, block->index, keep, total);

	if (!done) {
		weir_stats_count(WEIR_COUNT_release_failures, 1);
		weir_pool_count(pool, -(int64_t)live, (int64_t)live);
		return false;
	}
	weir_pool_count(pool, -(int64_t)live, -(int64_t)(total - keep - live));
	tally->ns += weir_os_now_ns() - start_ns;
	tally->units += total - keep;
	tally->blocks++;
	return true;
}

/* Puts a block in hand back with up to `keep` of its `total` units; of those
 * beyond, `live` count as live. False when the kernel refuses to release them: the
 * block is then still in hand, and all of it counts as retained. */
static bool place(struct weir_pool *pool, struct weir_block *block, uint64_t keep, uint64_t total,
		  uint64_t live, struct weir_tally *tally)
{
	uint64_t admitted = admit(pool, block->region, keep);

	if ((admitted < total || admitted == 0) &&
	    !trim(pool, block, admitted, total, live, tally)) {
		unadmit(pool, block->region, admitted);
		return false;
	}
	push(pool, block, admitted);
	return true;
}

/* Puts a block back whole that the kernel will not release. */
static void push_refused(struct weir_pool *pool, struct weir_block *block, uint64_t units)
{
	admit_anyway(pool, block->region, units);
	push(pool, block, units);
}

void weir_pool_put_back(struct weir_pool *pool, struct weir_block *block, uint64_t keep,
			uint64_t total)
{
	struct weir_tally tally = { 0, 0, 0 };

	if (keep < total)
		keep = round_down_units(block->region, keep);
	if (!place(pool, block, keep, total, 0, &tally))
		push_refused(pool, block, total);
}

void weir_pool_put_uncounted(struct weir_pool *pool, struct weir_block *block, uint64_t units)
{
	if (weir_extent_trim(pool->space, block->region, block->index, 0, units)) {
		push(pool, block, 0);
		return;
	}
	weir_stats_count(WEIR_COUNT_release_failures, 1);
	weir_pool_count(pool, 0, (int64_t)units);
	push_refused(pool, block, units);
}

/* Refused blocks wait in a chain, or they would hide those below on the list. */
uint64_t weir_pool_drain(struct weir_pool *pool, unsigned class_index, uint64_t most,
			 struct weir_tally *tally)
{
	struct weir_region *region = &pool->space->regions[weir_class_region(class_index)];
	struct weir_block block;
	uint64_t drained = 0;
	uint32_t refused = 0; /* index + 1 */

	block.region = region;
	while (drained < most && pop(pool, class_index, &block)) {
		drained++;
		if (!place(pool, &block, 0, weir_slot_extent(block.word), 0, tally)) {
			weir_store_relaxed(&region->slots[block.index].next, refused);
			refused = block.index + 1;
		}
	}
	while (refused != 0) {
		block.index = refused - 1;
		block.word = weir_load_relaxed(&region->slots[block.index].word);
		refused = weir_load_relaxed(&region->slots[block.index].next);
		push_refused(pool, &block, weir_slot_extent(block.word));
	}
	return drained;
}

/* By the lists: the count has blocks that are still on their way, and for ever
 * those of threads that a fork left behind. */
static bool has_blocks(const struct weir_class *class)
{
	for (unsigned i = 0; i < WEIR_POOL_SHARDS; i++)
		if (!weir_list_is_empty(&class->lists[i]))
			return true;
	return false;
}

/* Classes of which the one is wanted that was idle longest: from `first` up to `end`, last used
 * before `used_before_ms`, but for one class of one pool. */
struct search {
	unsigned first;
	unsigned end;
	uint64_t used_before_ms;
	const struct weir_pool *own_pool;
	unsigned own_class;
};

/* It, of those that have blocks: the search goes on for what was idle longer. */
static bool find_idle(const struct weir_pool *pool, struct search *search, unsigned *found)
{
	bool any = false;

	for (unsigned c = search->first; c < search->end; c++) {
		const struct weir_class *class = &pool->classes[c];
		uint64_t used_ms = weir_load_relaxed(&class->last_used_ms);

		if ((c != search->own_class || pool != search->own_pool) &&
		    used_ms < search->used_before_ms && has_blocks(class)) {
			search->used_before_ms = used_ms;
			*found = c;
			any = true;
		}
	}
	return any;
}

bool weir_pool_take_idle(struct weir_pool *pool, uint64_t units, uint64_t used_before_ms,
			 struct weir_block *block)
{
	unsigned first =
		(weir_region_of(weir_units_to_bytes(units), 1) + 1) * WEIR_CLASSES_PER_REGION;
	struct search search = { first, WEIR_CLASS_COUNT, used_before_ms, NULL, 0 };
	unsigned victim = 0;

	return find_idle(pool, &search, &victim) && pop(pool, victim, block);
}

void weir_pool_count_uncached(struct weir_pool *owner, const struct weir_region *region,
			      uint64_t word)
{
	int64_t units = (int64_t)weir_region_units(region, weir_slot_reach(word));

	weir_cache_forget(&owner->cache, word);
	weir_pool_count(owner, units, -units);
}

bool weir_pool_reclaim_room(struct weir_pool *pool)
{
	struct weir_pool *each = NULL;
	struct weir_region *region;
	uint32_t index;
	uint64_t word;

	while ((each = weir_pool_next(pool, each)))
		if (weir_cache_reclaim(&each->cache, pool->space, &region, &index, &word)) {
			weir_pool_count_uncached(weir_pool_of(each, region, index), region, word);
			return true;
		}
	return false;
}

/* A block of the class that the search is for, and whose it is; NULL when there is none. */
static struct weir_pool *pop_idle(struct weir_pool *pool, struct search search,
				  struct weir_block *block)
{
	struct weir_pool *each = NULL, *found = NULL;
	unsigned class_index = 0;

	while ((each = weir_pool_next(pool, each)))
		if (find_idle(each, &search, &class_index))
			found = each;
	return found && pop(found, class_index, block) ? found : NULL;
}

/* What waits is counted as listed. */
static bool take_waiting(struct weir_pool *pool, unsigned own_class, struct weir_block *block)
{
	struct weir_waiting slot;

	if (!weir_quarantine_take(&pool->quarantine, pool->space, own_class, &slot))
		return false;
	block->region = slot.region;
	block->index = slot.index;
	block->word = weir_load_acquire(&slot.region->slots[slot.index].word);
	unadmit(pool, block->region, weir_slot_extent(block->word));
	return true;
}

/* On no list. */
static bool take_unlisted(struct weir_pool *pool, unsigned own_class, struct weir_block *block)
{
	block->epoch = weir_load_seq_cst(&pool->epoch);
	if (pool->hardened)
		return take_waiting(pool, own_class, block);
	return weir_cache_take_any(&pool->cache, pool->space, &block->region, &block->index,
				   &block->word);
}

static bool release_part(struct weir_pool *pool, struct weir_block *block, uint64_t units,
			 struct weir_tally *tally)
{
	uint64_t extent = weir_slot_extent(block->word), before = tally->units;
	uint64_t keep = units < extent ? round_down_units(block->region, extent - units) : 0;

	if (!place(pool, block, keep, extent, 0, tally))
		push_refused(pool, block, extent);
	return tally->units > before;
}

/* As weir_pool_evict: `own_class` is of `own_pool`. */
static bool evict(struct weir_pool *pool, uint64_t units, struct weir_pool *own_pool,
		  unsigned own_class, struct weir_tally *tally)
{
	struct search search = { 0, WEIR_CLASS_COUNT, UINT64_MAX, own_pool, own_class };
	struct weir_block block;
	struct weir_pool *from = pop_idle(pool, search, &block), *each = NULL;

	while (!from && (each = weir_pool_next(pool, each)))
		if (take_unlisted(each, each == own_pool ? own_class : WEIR_NO_CLASS, &block))
			from = each;
	return from && release_part(from, &block, units, tally);
}

bool weir_pool_evict(struct weir_pool *pool, uint64_t units, unsigned own_class,
		     struct weir_tally *tally)
{
	return evict(pool, units, pool, own_class, tally);
}

bool weir_pool_evict_own(struct weir_pool *pool, uint64_t units, struct weir_tally *tally)
{
	struct search search = { 0, WEIR_CLASS_COUNT, UINT64_MAX, NULL, 0 };
	struct weir_block block;
	unsigned class_index = 0;
	bool found = find_idle(pool, &search, &class_index) && pop(pool, class_index, &block);

	return (found || take_unlisted(pool, WEIR_NO_CLASS, &block)) &&
	       release_part(pool, &block, units, tally);
}

bool weir_pool_evict_of(struct weir_pool *pool, uint64_t units, unsigned first, unsigned end,
			struct weir_tally *tally)
{
	struct search search = { first, end, UINT64_MAX, NULL, 0 };
	struct weir_block block;
	struct weir_pool *from = pop_idle(pool, search, &block);

	return from && release_part(from, &block, units, tally);
}

bool weir_pool_evict_idle(struct weir_pool *pool, uint64_t units, uint64_t used_before_ms,
			  struct weir_tally *tally)
{
	struct search search = { 0, WEIR_CLASS_COUNT, used_before_ms, NULL, 0 };
	struct weir_block block;
	struct weir_pool *from = pop_idle(pool, search, &block);

	return from && release_part(from, &block, units, tally);
}

/* Units that may be retained in all, beside live ones. */
static uint64_t most_retained(const struct weir_pool *pool, uint64_t live)
{
	uint64_t footprint = weir_load_relaxed(&pool->footprint_units);
	uint64_t beside_live = footprint > live ? footprint - live : 0;

	return weir_min(weir_load_relaxed(&pool->limit_units), beside_live);
}

uint64_t weir_pool_excess(const struct weir_pool *pool)
{
	uint64_t word = weir_load_seq_cst(&pool->stats->usage.word);
	uint64_t retained = weir_usage_retained(word);
	uint64_t most = most_retained(pool, weir_usage_live(word));

	return retained > most ? retained - most : 0;
}

/* Units that may be retained beside those of the others, once `own_live` units are
 * live no more; `own_retained` are counted now. */
static uint64_t room_for(const struct weir_pool *pool, uint64_t usage_word, uint64_t own_live,
			 uint64_t own_retained)
{
	uint64_t others = weir_usage_retained(usage_word) - own_retained;
	uint64_t all_live = weir_usage_live(usage_word);
	uint64_t live = all_live > own_live ? all_live - own_live : 0;
	uint64_t most = most_retained(pool, live);

	return most > others ? most - others : 0;
}

/* A freed block of a pool: on entry `live` units count as live and `surplus` as retained, of
 * `total` that may be resident. */
struct freed {
	struct weir_pool *pool;
	const struct weir_region *region;
	uint64_t live;
	uint64_t surplus;
	uint64_t total;
};

/* In the counts of that pool, or of the first: up to `most` units are retained, and those that
 * must be released still live. Returns the units to keep. */
static uint64_t retain_in(struct weir_pool *pool, const struct freed *freed, uint64_t most,
			  struct weir_tally *tally)
{
	unsigned class_index = class_of_units(freed->region, freed->total);
	uint64_t word = weir_pool_usage(pool);
	uint64_t room, keep, delta;

	do {
		room = room_for(pool, word, freed->live, freed->surplus);
		while (room < most && (weir_pool_reclaim_room(pool) ||
				       evict(pool, most - room, freed->pool, class_index, tally))) {
			word = weir_pool_usage(pool);
			room = room_for(pool, word, freed->live, freed->surplus);
		}
		keep = room < most ? round_down_units(freed->region, room) : most;
		delta = weir_usage_delta((int64_t)(freed->total - keep) - (int64_t)freed->live,
					 (int64_t)keep - (int64_t)freed->surplus);
	} while (!weir_cas_seq_cst(&pool->stats->usage.word, &word, word + delta));
	note_peaks(pool, word + delta);
	return keep;
}

/* The pool's own limit first: what the first one does not admit is given back there. */
static uint64_t retain(const struct freed *freed, struct weir_tally *tally)
{
	struct weir_pool *pool = freed->pool;
	bool is_pooled = freed->live <= weir_load_relaxed(&pool->pooled_units);
	uint64_t own = retain_in(pool, freed, is_pooled ? freed->total : 0, tally), keep;

	if (pool->first == pool)
		return own;
	keep = retain_in(pool->first, freed, own, tally);
	if (keep < own)
		weir_pool_count_own(pool, (int64_t)(own - keep), -(int64_t)(own - keep));
	return keep;
}

static bool keep_in(struct weir_pool *pool, uint64_t units)
{
	uint64_t delta = weir_usage_delta(-(int64_t)units, (int64_t)units);
	uint64_t word = weir_pool_usage(pool);

	do {
		if (room_for(pool, word, units, 0) <
		    units + weir_load_relaxed(&pool->limit_units) / 2)
			return false;
	} while (!weir_cas_seq_cst(&pool->stats->usage.word, &word, word + delta));
	note_peaks(pool, word + delta);
	return true;
}

bool weir_pool_keep(struct weir_pool *pool, uint64_t units)
{
	if (!keep_in(pool, units))
		return false;
	if (pool->first == pool || keep_in(pool->first, units))
		return true;
	weir_pool_count_own(pool, (int64_t)units, -(int64_t)units);
	return false;
}

unsigned weir_pool_cache_class(const struct weir_pool *pool, size_t reach_bytes)
{
	unsigned region = weir_region_of(reach_bytes, 1);

	return reach_bytes <= weir_load_relaxed(&pool->cached_bytes) && region < WEIR_CACHE_REGIONS
		       ? weir_class_of(region, reach_bytes)
		       : WEIR_NO_CLASS;
}

bool weir_pool_drop_cached(struct weir_pool *pool, struct weir_block *block,
			   struct weir_tally *tally)
{
	struct weir_slot *slot = &block->region->slots[block->index];

	block->epoch = weir_load_seq_cst(&pool->epoch);
	if (!weir_cache_unbind(&pool->cache, slot, block->word))
		return false;
	release_part(pool, block, UINT64_MAX, tally);
	return true;
}

bool weir_pool_drop_aged(struct weir_pool *pool, struct weir_tally *tally)
{
	struct weir_block block;

	block.epoch = weir_load_seq_cst(&pool->epoch);
	if (!weir_cache_take_aged(&pool->cache, pool->space, &block.region, &block.index,
				  &block.word))
		return false;
	release_part(pool, &block, UINT64_MAX, tally);
	return true;
}

static bool has_room_in_cache(struct weir_pool *pool, uint64_t extent)
{
	return cached_units(pool) + extent <= weir_load_relaxed(&pool->limit_units) / 8;
}

/* The cache is for what nothing but the limit bounds, and takes an eighth of that. */
static bool is_cacheable(struct weir_pool *pool, const struct weir_block *block,
			 unsigned class_index, uint64_t extent)
{
	return class_index != WEIR_NO_CLASS &&
	       &pool->space->regions[weir_class_region(class_index)] == block->region &&
	       (block->word & WEIR_SLOT_COLOUR_MASK) ==
		       weir_colour_of(block->region, block->index) &&
	       weir_units_to_bytes(extent) >= weir_slot_reach(block->word) &&
	       weir_load_relaxed(&pool->class_blocks) == WEIR_NO_LIMIT &&
	       pool->quotas.of_class[class_index] == WEIR_QUOTA_NONE &&
	       has_room_in_cache(pool, extent) &&
	       (pool->first == pool || has_room_in_cache(pool->first, extent));
}

/* A block that is too short for this one's requests would stay in its way. */
static void put_shorter(struct weir_pool *pool, const struct weir_block *block, unsigned group,
			unsigned class_index, uint64_t extent)
{
	struct weir_block shorter = { .region = block->region, .epoch = block->epoch };

	if (weir_cache_take_shorter(&pool->cache, block->region, group, class_index, extent,
				    &shorter.index, &shorter.word))
		weir_pool_put_back(pool, &shorter, weir_slot_extent(shorter.word),
				   weir_slot_extent(shorter.word));
}

/* A slot that no entry leads to any more, or never did. */
static void disown(struct weir_pool *pool, const struct weir_block *like, struct weir_slot *slot,
		   uint32_t id)
{
	struct weir_block block = { .region = like->region, .epoch = like->epoch };

	block.index = (uint32_t)(slot - block.region->slots);
	switch (weir_cache_disown(&pool->cache, slot, id, &block.word)) {
	case WEIR_DISOWNED_LIVE:
		weir_pool_count_uncached(weir_pool_of(pool, block.region, block.index),
					 block.region, block.word);
		break;
	case WEIR_DISOWNED_FREE:
		weir_pool_put_back(pool, &block, weir_slot_extent(block.word),
				   weir_slot_extent(block.word));
		break;
	case WEIR_DISOWNED_NONE:
		break;
	}
}

/* Keeps a block in hand at hand, all of which counts as retained. */
static bool cache(struct weir_pool *pool, struct weir_block *block, uint64_t extent)
{
	unsigned class_index = weir_pool_cache_class(pool, weir_slot_reach(block->word));
	unsigned group = weir_os_thread() % WEIR_CACHE_GROUPS;
	struct weir_tally tally = { 0, 0, 0 };
	struct weir_slot *nameless;

	if (!is_cacheable(pool, block, class_index, extent))
		return false;
	put_shorter(pool, block, group, class_index, extent);
	if (!weir_cache_bind(&pool->cache, block->region, block->index, group, class_index, extent,
			     &nameless))
		return false;
	if (nameless)
		disown(pool, block, nameless, weir_cache_id(group, class_index));
	block->word = weir_slot_word(WEIR_SLOT_CACHED, pool->place, extent);
	if (WEIR_UNLIKELY(weir_pool_release_began(pool, block)) &&
	    weir_pool_drop_cached(pool, block, &tally))
		weir_pool_count_late(pool, &tally);
	return true;
}

/* Fewer fresh units are taken for touched. */
#define LOOK_MIN_UNITS (WEIR_MIB >> WEIR_UNIT_SHIFT)

/* Whether a block that calloc gave was used so little that fresh pages serve it best:
 * below 32 MiB where they are faster than clearing all of it (a fault costs as much as
 * 100 KiB of that), above for what would be resident. */
static bool is_sparse(uint64_t units, unsigned share)
{
	bool is_long = units >= 32 * WEIR_MIB >> WEIR_UNIT_SHIFT;

	return share < (is_long ? WEIR_SHARE_ALL / 8 : WEIR_SHARE_ALL / 32);
}

/* So many callocs are cleared before one is fresh again, for another look. */
#define DENSE_CALLOCS 256U

/* The units to keep of what calloc gave: none, where few pages of it were touched. */
static uint64_t units_of_clean(struct weir_pool *pool, const struct weir_block *block,
			       uint64_t live)
{
	uint64_t extent = weir_slot_extent(block->word);
	struct weir_resident seen = weir_extent_look(block->region, block->index, extent, live);
	bool sparse = is_sparse(live, seen.share);

	weir_store_relaxed(&pool->classes[class_of_units(block->region, live)].dense_callocs,
			   sparse ? 0U : DENSE_CALLOCS);
	return sparse ? extent : seen.end_units;
}

/* The units of a freed block that may be resident. Of pages that were fresh when the
 * program got them those at the end may never have been touched: worth a look where
 * they would push others out. What is left out goes all the same: a page that was
 * swapped out looks as if it had never been there. */
static uint64_t resident_units(struct weir_pool *pool, const struct weir_block *block,
			       uint64_t live)
{
	uint64_t extent = weir_slot_extent(block->word);
	uint64_t units;

	if (live < extent + LOOK_MIN_UNITS)
		return weir_max(live, extent);
	if (block->word & WEIR_SLOT_CLEAN)
		units = units_of_clean(pool, block, live);
	else if (room_for(pool, weir_pool_usage(pool), live, 0) < live)
		units = weir_extent_look(block->region, block->index, extent, live).end_units;
	else
		return live;
	if (units == live ||
	    weir_extent_trim(pool->space, block->region, block->index, units, live))
		return units;
	return live;
}

static void put(struct weir_pool *pool, struct weir_block *block, uint64_t live, uint64_t now_ms)
{
	uint64_t extent = weir_slot_extent(block->word);
	uint64_t surplus = extent > live ? extent - live : 0;
	uint64_t total = resident_units(pool, block, live);
	struct freed freed = { pool, block->region, live, surplus, total };
	struct weir_tally tally = { 0, 0, 0 };
	uint64_t keep;

	touch(&pool->classes[class_of_units(block->region, weir_max(total, live))], now_ms);
	keep = retain(&freed, &tally);
	if (total == 0) {
		push(pool, block, 0);
		return;
	}
	if (keep == total && tally.blocks == 0 && cache(pool, block, total))
		return;
	if (!place(pool, block, keep, total, total - keep, &tally))
		push_refused(pool, block, total);
	if (tally.blocks > 0)
		weir_stats_release(WEIR_TRIGGER_limit, &tally, 1);
}

void weir_pool_put_late(struct weir_pool *pool, struct weir_block *block, uint64_t now_ms)
{
	put(pool, block, weir_region_units(block->region, weir_slot_reach(block->word)), now_ms);
}

void weir_pool_put(struct weir_pool *pool, struct weir_block *block, uint64_t now_ms)
{
	uint64_t live = weir_region_units(block->region, weir_slot_reach(block->word));

	put(pool, block, live, now_ms);
	weir_pool_give_back_live(pool, live);
}

void weir_pool_begin_release(struct weir_pool *pool, enum weir_trigger trigger)
{
	uint64_t epoch = weir_load_relaxed(&pool->epoch);

	while (!weir_cas_seq_cst(&pool->epoch, &epoch,
				 ((epoch | EPOCH_TRIGGER_MASK) + 1) | (uint64_t)trigger))
		;
}

void weir_pool_count_late(struct weir_pool *pool, const struct weir_tally *tally)
{
	weir_stats_release(weir_load_relaxed(&pool->epoch) & EPOCH_TRIGGER_MASK, tally, 0);
}

bool weir_pool_release_began(const struct weir_pool *pool, const struct weir_block *block)
{
	return weir_load_seq_cst(&pool->epoch) != block->epoch;
}
