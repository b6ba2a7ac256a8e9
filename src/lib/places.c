#include "places.h"

#include "live.h"
#include "release.h"
#include "report.h"
#include "settings.h"

#include <errno.h>
#include <string.h>

/* Beside enum weir_pool_state: one thread makes the pool, or disposes of it. */
#define STATE_CHANGING 3U

#define GENERATIONS (WEIR_HANDLE_BLOCKS - 1) /* but for 0 */

_Static_assert(sizeof(struct weir_place) <= WEIR_PLACE_BYTES, "a place has its pool");

struct weir_places weir_places;

static struct weir_pools *const pools = &weir_engine.pools;

static uint32_t state_of(const struct weir_place *place)
{
	return weir_load_acquire(&place->shown.state);
}

/* Places */

/* Place 0 is read by whoever shows pools. */
static bool reserve_places(void)
{
	char *none = NULL, *made;

	if (weir_load_acquire(&weir_places.base))
		return true;
	made = weir_os_reserve(WEIR_POOLS_MAX * WEIR_PLACE_BYTES, WEIR_PLACE_BYTES);
	if (!made)
		return false;
	if (!weir_os_commit(made, WEIR_PLACE_BYTES) ||
	    !weir_cas_acq_rel(&weir_places.base, &none, made))
		weir_os_unreserve(made, WEIR_POOLS_MAX * WEIR_PLACE_BYTES);
	return weir_load_acquire(&weir_places.base) != NULL;
}

bool weir_place_is_gone(const struct weir_place *place)
{
	return state_of(place) == WEIR_POOL_DISPOSED &&
	       weir_load_seq_cst(&place->shown.counts.usage.word) == 0;
}

/* Of those that were in use before. */
static bool take_used(uint32_t i)
{
	struct weir_place *place = weir_place_at(i);
	uint32_t disposed = WEIR_POOL_DISPOSED;

	return weir_place_is_gone(place) &&
	       weir_cas_acq_rel(&place->shown.state, &disposed, STATE_CHANGING);
}

static bool take_new(uint32_t i)
{
	uint32_t none = WEIR_POOL_NONE;

	return weir_cas_acq_rel(&weir_place_at(i)->shown.state, &none, STATE_CHANGING);
}

/* A place to make a pool at, or 0. */
static uint32_t take_place(int *error)
{
	uint32_t count = weir_load_acquire(&pools->count), i;

	for (i = 1; i < count; i++)
		if (take_used(i))
			return i;
	for (; i < WEIR_POOLS_MAX; i++) {
		if (!weir_os_commit(weir_place_at(i), WEIR_PLACE_BYTES)) {
			*error = ENOMEM;
			return 0;
		}
		if (take_new(i))
			return i;
	}
	*error = EAGAIN;
	return 0;
}

/* One that could not be made is like one that is gone. */
static void publish(uint32_t i, enum weir_pool_state state)
{
	struct weir_place *place = weir_place_at(i);

	if (state == WEIR_POOL_OPEN)
		weir_store_release(&pools->of[i], &place->pool);
	weir_raise_acq_rel(&pools->count, i + 1);
	weir_raise_acq_rel(&weir_places.span, (i + 1) * WEIR_PLACE_BYTES);
	weir_store_relaxed(&weir_stats_page.pool_stride_bytes, (uint32_t)WEIR_PLACE_BYTES);
	weir_store_relaxed(&weir_stats_page.pools_address,
			   (uint64_t)(uintptr_t)weir_load_acquire(&weir_places.base));
	weir_raise_acq_rel(&weir_stats_page.pools, i + 1);
	weir_store_release(&place->shown.state, (uint32_t)state);
}

/* Making a pool */

static size_t any_of(size_t bytes)
{
	return bytes == 0 ? WEIR_NO_LIMIT : bytes;
}

/* Of the longest pooled block, to the unit. */
static size_t pooled_reach(size_t bytes)
{
	return bytes > WEIR_LARGEST_STRIDE ? WEIR_NO_LIMIT
					   : weir_align_up(weir_reach(bytes, 1), WEIR_UNIT_BYTES);
}

/* Where blocks are of one size, of the leases from one kind of slab. */
static uint64_t hits_in(const struct weir_place *place, unsigned class_index, uint64_t misses)
{
	const struct weir_pool_counts *counts = &place->shown.counts;
	uint64_t leases;

	if (place->block_bytes == 0)
		return weir_cache_all_hits(counts, class_index);
	leases = misses > 0 ? weir_magazines_leases(&place->blocks) : 0;
	return leases - weir_min(leases, misses);
}

/* The process's counts only grow: those of a pool that is gone are kept among malloc's. */
static void keep_counts(const struct weir_place *place)
{
	struct weir_stats_class *kept = weir_stats_page.pool.classes;
	uint64_t misses;

	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++) {
		misses = weir_load_relaxed(&place->shown.counts.classes[c].misses);
		weir_add_relaxed(&kept[c].hits, hits_in(place, c, misses));
		weir_add_relaxed(&kept[c].misses, misses);
	}
}

static void show(struct weir_place *place, const struct weir_pool_options *options)
{
	const char *name = options->name ? options->name : "pool";

	keep_counts(place);
	memset(&place->shown.counts, 0, sizeof place->shown.counts);
	memset(place->shown.name, 0, sizeof place->shown.name);
	memcpy(place->shown.name, name, strnlen(name, sizeof place->shown.name - 1));
	place->shown.limit_bytes = options->limit_bytes;
	place->shown.block_bytes = options->block_bytes;
	place->shown.block_leases = 0;
	place->shown.blocks_out_address =
		options->block_bytes > 0 ? (uintptr_t)&place->blocks.slabs.taken : 0;
	place->shown.oversize = 0;
}

static void copy_class_limits(struct weir_class_limit *to, const struct weir_pool_options *options)
{
	memset(to, 0, WEIR_CLASS_LIMITS_MAX * sizeof *to);
	for (unsigned i = 0; i < options->class_limit_count; i++) {
		to[i].min_bytes = options->class_limits[i].min_bytes;
		to[i].max_bytes = options->class_limits[i].max_bytes;
		to[i].limit_bytes = options->class_limits[i].limit_bytes;
	}
}

/* Of a pool's own blocks longer ones are kept at hand than of malloc's: what they count for is
 * what the program said that it wants. */
#define CACHED_MAX (16 * WEIR_MIB)

/* The longest lease for the cache: none where leases are recorded one by one. */
static size_t cached_bytes(const struct weir_place *place)
{
	return weir_place_tracks(place) || place->block_bytes > 0
		       ? 0
		       : weir_min(CACHED_MAX, place->pooled_bytes);
}

static void open_gate(struct weir_place *place)
{
	bool is_plain = (place->flags & (WEIR_POOL_CLEAN | WEIR_POOL_TRACK)) == 0;
	size_t cached = weir_load_relaxed(&place->pool.cached_bytes) == 0 ? 0 : cached_bytes(place);
	size_t most = weir_load_relaxed(&weir_engine.config->max_alloc_bytes);
	size_t at_hand = place->block_bytes > 0 ? place->block_bytes : cached;

	weir_store_relaxed(&place->cached_bytes, cached);
	weir_store_relaxed(&place->fast_bytes, is_plain ? weir_min(at_hand, most) : 0);
}

static uintptr_t next_handle(const struct weir_place *place,
			     const struct weir_pool_options *options)
{
	uintptr_t generation = place->handle % WEIR_HANDLE_BLOCKS % GENERATIONS + 1;

	return ((uintptr_t)place + generation) |
	       ((options->flags & WEIR_POOL_NO_ABORT) ? WEIR_HANDLE_QUIET : 0) |
	       (options->block_bytes > 0 ? WEIR_HANDLE_BLOCKS : 0);
}

static void returned_twice(const void *block)
{
	struct weir_place *place = weir_place_of(block);

	if (place && !(place->flags & WEIR_POOL_NO_ABORT))
		weir_report_misuse("weir_return", block, "returned twice, by two threads at once");
}

/* Those of the pool that was here before are over. */
static bool make_blocks(struct weir_place *place)
{
	if (place->blocks.serial != 0)
		weir_magazines_destroy(&place->blocks);
	place->blocks.serial = 0;
	if (place->block_bytes == 0)
		return true;
	place->blocks.key = place->handle;
	place->blocks.twice = returned_twice;
	place->blocks.claimed = weir_places.claimed;
	return weir_magazines_init(&place->blocks, &place->pool, place->block_bytes);
}

/* The handle of the pool that was here before leads nowhere from now on. False when there is no
 * memory for what the pool has beside its lists. */
static bool make(uint32_t i, const struct weir_pool_options *options)
{
	struct weir_place *place = weir_place_at(i);
	struct weir_class_limit class_limits[WEIR_CLASS_LIMITS_MAX];
	struct weir_pool_settings settings = {
		.limit_bytes = options->limit_bytes,
		.footprint_bytes = WEIR_NO_LIMIT,
		.class_blocks = WEIR_NO_LIMIT,
		.live_limit_bytes = WEIR_NO_LIMIT,
		.counts_live = weir_engine.pool.counts_live,
		.hardened = weir_engine.pool.hardened,
		.stats = &place->shown.counts,
		.pools = pools,
		.place = (uint16_t)i,
	};
	uint64_t decay_ms =
		options->decay_ms == 0 ? weir_engine.config->decay_ms : options->decay_ms;

	show(place, options);
	place->flags = options->flags;
	weir_store_relaxed(&place->handle, next_handle(place, options));
	if (weir_place_tracks(place) && !place->track.reserved &&
	    !weir_track_init(&place->track, WEIR_TRACK_LEASES))
		return false;
	place->block_bytes = options->block_bytes;
	place->pooled_bytes = WEIR_NO_LIMIT;
	if (place->block_bytes == 0) { /* of slabs only the bytes are limited */
		place->pooled_bytes = any_of(options->pooled_bytes);
		copy_class_limits(class_limits, options);
		settings.class_limits = class_limits;
		settings.class_limit_count = options->class_limit_count;
		settings.class_blocks = any_of(options->class_blocks);
	}
	settings.pooled_bytes = pooled_reach(place->pooled_bytes);
	settings.cached_bytes =
		cached_bytes(place) > 0 ? cached_bytes(place) + WEIR_COLOUR_SPARE : 0;
	weir_pool_init(&place->pool, &weir_space, &settings);
	if (!make_blocks(place))
		return false;
	open_gate(place);
	weir_decay_init(&place->decay, decay_ms, weir_os_now_ms());
	return true;
}

struct weir_place *weir_place_open(const struct weir_pool_options *options, int *error)
{
	uint32_t i;
	bool made;

	*error = ENOMEM;
	if (!weir_engine_ready() || !reserve_places())
		return NULL;
	i = take_place(error);
	if (i == 0)
		return NULL;
	made = make(i, options);
	publish(i, made ? WEIR_POOL_OPEN : WEIR_POOL_DISPOSED);
	weir_engine_expect_decay(); /* which sees it from here on */
	return made ? weir_place_at(i) : NULL;
}

struct weir_place *weir_place_of(const void *address)
{
	struct weir_block block = { NULL, 0, 0, 0 };
	size_t offset;

	return weir_space_find(&weir_space, address, &block.region, &block.index, &offset)
		       ? weir_place_with(&block)
		       : NULL;
}

/* Leases */

static void *take_cached(struct weir_place *place, size_t bytes, size_t align)
{
	uint64_t *hits;

	if (bytes > weir_load_relaxed(&place->cached_bytes) || align > WEIR_COLOUR_ALIGN)
		return NULL;
	return weir_block_take_cached(&place->pool, place->pool.place, &place->shown.counts, bytes,
				      &hits);
}

static void *take_block(struct weir_place *place, bool clean)
{
	void *block = weir_magazines_lease(&place->blocks);

	weir_engine_step(weir_os_now_ms());
	return block && clean ? weir_block_clear(block, place->block_bytes) : block;
}

static void *take_any(struct weir_place *place, size_t bytes, size_t align, bool clean)
{
	bool fresh =
		clean && align <= WEIR_COLOUR_ALIGN && weir_block_wants_fresh(&place->pool, bytes);
	void *cached = fresh ? NULL : take_cached(place, bytes, align);
	uint64_t now_ms = weir_os_now_ms();
	enum weir_taken taken;
	struct weir_block block;

	if (cached)
		return clean ? weir_block_clear(cached, bytes) : cached;
	taken = weir_block_take(&place->pool, bytes, align, fresh, now_ms, &block);
	if (taken == WEIR_TAKEN_REFUSED)
		weir_stats_count(WEIR_COUNT_refused_live, 1);
	if (taken != WEIR_TAKEN)
		return NULL;
	weir_engine_step(now_ms);
	if (clean)
		weir_block_clear(weir_block_address(&block), weir_block_dirty_bytes(&block, bytes));
	return weir_block_address(&block);
}

static void *take(struct weir_place *place, size_t bytes, size_t align, bool clean)
{
	return place->block_bytes > 0 ? take_block(place, clean)
				      : take_any(place, bytes, align, clean);
}

void *weir_place_lease(struct weir_place *place, size_t bytes, size_t align, bool clean)
{
	void *block;

	if (bytes > WEIR_LARGEST_STRIDE)
		return NULL;
	if (bytes > weir_load_relaxed(&weir_engine.config->max_alloc_bytes)) {
		weir_stats_count(WEIR_COUNT_refused, 1);
		return NULL;
	}
	block = take(place, bytes, align, clean);
	if (!block && weir_engine_gave_back_for(bytes))
		block = take(place, bytes, align, clean);
	if (block && bytes > place->pooled_bytes)
		weir_add_relaxed(&place->shown.oversize, (uint64_t)1);
	return block;
}

/* What is tracked is removed before another thread can have the block. */
static enum weir_found return_block(struct weir_place *place, void *address)
{
	if (weir_place_tracks(place) && weir_magazines_leased(&place->blocks, address))
		weir_track_remove(&place->track, address);
	switch (weir_magazines_return(&place->blocks, address)) {
	case WEIR_RETURNED:
		return WEIR_FOUND_LIVE;
	case WEIR_RETURNED_UNLEASED:
		return WEIR_FOUND_FREE;
	case WEIR_RETURNED_NO_BLOCK:
		break;
	}
	return WEIR_FOUND_INSIDE;
}

enum weir_found weir_place_return(struct weir_place *place, void *address, uint64_t now_ms)
{
	struct weir_block block;
	enum weir_found found;

	if (place->block_bytes > 0)
		return return_block(place, address);
	found = weir_block_find(address, &block);
	if (found == WEIR_FOUND_LIVE && weir_place_tracks(place))
		weir_track_remove(&place->track, address);
	if (found == WEIR_FOUND_LIVE && !weir_block_free(&place->pool, &block, now_ms))
		return WEIR_FOUND_FREE;
	return found;
}

size_t weir_place_usable(struct weir_place *place, const void *address)
{
	struct weir_block block;

	if (place->block_bytes > 0)
		return weir_magazines_leased(&place->blocks, address) ? place->block_bytes : 0;
	return weir_block_find(address, &block) == WEIR_FOUND_LIVE ? weir_block_usable(&block) : 0;
}

/* The rest of a pool's life */

static void count_leases(struct weir_place *place)
{
	weir_store_relaxed(&place->shown.block_leases, weir_magazines_leases(&place->blocks));
}

static void gather(struct weir_place *place)
{
	if (place->block_bytes == 0)
		return;
	weir_magazines_gather(&place->blocks);
	count_leases(place);
}

struct weir_tally weir_place_release(struct weir_place *place, enum weir_trigger trigger)
{
	struct weir_tally tally;

	gather(place);
	tally = weir_release_all(&place->pool, trigger, weir_os_now_ms());
	weir_engine_say(trigger, &tally);
	return tally;
}

/* Quotas and blocks of classes stay as they are. */
void weir_place_set_limit(struct weir_place *place, size_t limit_bytes)
{
	struct weir_tally tally = { 0, 0, 0 };

	weir_store_relaxed(&place->shown.limit_bytes, (uint64_t)limit_bytes);
	weir_pool_set_limit_units(&place->pool, limit_bytes >> WEIR_UNIT_SHIFT);
	weir_release_settle(&place->pool, WEIR_TRIGGER_limit, &tally);
	if (tally.blocks > 0)
		weir_engine_say(WEIR_TRIGGER_limit, &tally);
}

/* Blocks at hand leave the cache first: what is freed from then on is released at once. */
bool weir_place_dispose(struct weir_place *place)
{
	uint32_t expected = WEIR_POOL_OPEN;
	struct weir_tally tally = { 0, 0, 0 };

	if (!weir_cas_acq_rel(&place->shown.state, &expected, STATE_CHANGING))
		return false;
	weir_store_relaxed(&place->pool.cached_bytes, (size_t)0);
	open_gate(place);
	weir_pool_set_limit_units(&place->pool, 0);
	if (place->block_bytes > 0)
		weir_magazines_close(&place->blocks);
	weir_release_cache(&place->pool, weir_os_now_ms(), &tally);
	weir_stats_release(WEIR_TRIGGER_api, &tally, 0);
	weir_place_release(place, WEIR_TRIGGER_api);
	weir_store_release(&place->shown.state, (uint32_t)WEIR_POOL_DISPOSED);
	return true;
}

struct blocks {
	uint64_t leased;
	uint64_t retained;
};

static struct blocks count_blocks(const struct weir_place *place)
{
	struct blocks blocks = { 0, 0 };
	struct weir_region *region;
	const struct weir_slot *slot;
	uint64_t cursor = 0, word;
	uint32_t index;

	while (weir_space_step(&weir_space, &cursor, &region, &index)) {
		slot = &region->slots[index];
		word = weir_load_acquire(&slot->word);
		if (weir_load_relaxed(&slot->pool) != place->pool.place)
			continue;
		blocks.leased += (word & WEIR_SLOT_LIVE) != 0;
		blocks.retained += !(word & WEIR_SLOT_LIVE) && weir_slot_extent(word) > 0;
	}
	return blocks;
}

static void add_requests(struct weir_pool_figures *figures, const struct weir_pool_counts *counts)
{
	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++) {
		figures->hits += weir_cache_all_hits(counts, c);
		figures->misses += weir_load_relaxed(&counts->classes[c].misses);
	}
	figures->leases = figures->hits + figures->misses;
}

/* Of blocks of one size; the rest of the figures is of slabs. */
static void show_blocks(struct weir_place *place, struct weir_pool_figures *figures)
{
	figures->leased_blocks = weir_magazines_out(&place->blocks);
	figures->leased_bytes = figures->leased_blocks * place->block_bytes;
	figures->leases = weir_load_relaxed(&place->shown.block_leases);
	figures->misses = weir_min(figures->misses, figures->leases);
	figures->hits = figures->leases - figures->misses;
}

void weir_place_figures(struct weir_place *place, struct weir_pool_figures *figures)
{
	const struct weir_usage *usage = &place->shown.counts.usage;
	struct blocks blocks;
	struct weir_held held;

	gather(place); /* a slab whose blocks are at hand counts as live */
	blocks = count_blocks(place);
	weir_pool_note_peaks(&place->pool);
	held = weir_pool_held(&place->pool);
	*figures = (struct weir_pool_figures){
		.limit_bytes = weir_load_relaxed(&place->shown.limit_bytes),
		.leased_bytes = weir_units_to_bytes(held.live_units),
		.leased_blocks = blocks.leased,
		.retained_bytes = weir_units_to_bytes(held.retained_units),
		.retained_blocks = blocks.retained,
		.peak_leased_bytes =
			weir_units_to_bytes(weir_load_relaxed(&usage->peak_live_units)),
		.peak_retained_bytes =
			weir_units_to_bytes(weir_load_relaxed(&usage->peak_retained_units)),
		.oversize = weir_load_relaxed(&place->shown.oversize),
	};
	add_requests(figures, &place->shown.counts);
	if (place->block_bytes > 0)
		show_blocks(place, figures);
}

/* Decay of all */

static struct weir_place *next(const struct weir_place *before)
{
	uint32_t count = weir_load_acquire(&pools->count);
	uint32_t i = before ? before->pool.place + 1U : 1U;

	for (; i < count; i++)
		if (weir_place_is_open(weir_place_at(i)))
			return weir_place_at(i);
	return NULL;
}

void weir_places_gather(void)
{
	struct weir_place *place = NULL;

	while ((place = next(place)))
		gather(place);
}

/* Of pools that are disposed of, too. */

void weir_places_leave(void)
{
	uint32_t count = weir_load_acquire(&pools->count);

	for (uint32_t i = 1; i < count; i++)
		weir_magazines_leave(&weir_place_at(i)->blocks);
}

void weir_places_begin_anew(void)
{
	uint32_t count = weir_load_acquire(&pools->count);

	for (uint32_t i = 1; i < count; i++)
		weir_magazines_begin_anew(&weir_place_at(i)->blocks);
}

void weir_places_open_gates(void)
{
	struct weir_place *place = NULL;

	while ((place = next(place)))
		open_gate(place);
}

void weir_places_step(uint64_t now_ms)
{
	struct weir_place *place = NULL;
	struct weir_tally tally;

	while ((place = next(place))) {
		if (now_ms >= weir_load_relaxed(&place->decay.next_ms))
			gather(place);
		if (weir_decay_step(&place->decay, &place->pool, now_ms, &tally))
			weir_engine_say(WEIR_TRIGGER_decay, &tally);
	}
}

uint64_t weir_places_next_ms(void)
{
	struct weir_place *place = NULL;
	uint64_t next_ms = UINT64_MAX;

	while ((place = next(place)))
		next_ms = weir_min(next_ms, weir_decay_next_ms(&place->decay));
	return next_ms;
}
