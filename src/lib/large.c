#include "large.h"

#include "backend.h"
#include "cgroup.h"
#include "colour.h"
#include "decay.h"
#include "footprint.h"
#include "live.h"
#include "move.h"
#include "release.h"
#include "remap.h"
#include "report.h"
#include "resize.h"

#include <errno.h>
#include <string.h>

struct weir_gate weir_gate = { .min_bytes = SIZE_MAX };
struct weir_space weir_space;

static struct weir_config *config; /* the pointer is const after weir_large_enable */
static weir_large_watch *watch;	   /* const, too; or NULL */
static uint64_t next_watch_ms;	   /* atomic, relaxed */
static struct weir_pool pool;
static struct weir_decay decay;
static size_t memory_bytes; /* const once ready: the machine's or the container's */

/* Threads that come while the engine starts let it run, for a while: a child that
 * was forked in that moment has no thread that would finish. */
enum { ENGINE_COLD, ENGINE_STARTING, ENGINE_READY, ENGINE_UNAVAILABLE };
static int engine; /* atomic, release, pairs with acquire in ready() */

static void show_config(void)
{
	struct weir_text text;

	weir_stats_begin_texts();
	weir_text_init(&text, weir_stats_page.settings, sizeof weir_stats_page.settings);
	weir_config_format_settings(&text, config);
	weir_store_relaxed(&weir_stats_page.limit_bytes, (uint64_t)config->limit_bytes);
	weir_stats_end_texts();
}

void weir_large_enable(struct weir_config *enabled, weir_large_watch *called)
{
	config = enabled;
	watch = called;
	weir_gate.min_bytes = enabled->min_bytes;
	weir_stats_page.state = WEIR_STATE_IDLE;
	show_config();
}

const struct weir_config *weir_large_config(void)
{
	return config;
}

/* Only by the one who holds ENGINE_STARTING. */
static bool resolve(void)
{
	static bool resolved, valid;

	if (!resolved) {
		resolved = true;
		memory_bytes = weir_memory_limit_bytes("");
		valid = weir_config_resolve(config, memory_bytes, NULL);
		weir_gate.min_bytes = config->min_bytes;
		show_config();
	}
	return valid;
}

bool weir_large_resolve_config(void)
{
	int expected = ENGINE_COLD;
	bool valid = true;

	if (weir_cas_acq_rel(&engine, &expected, ENGINE_STARTING)) {
		valid = resolve();
		weir_store_release(&engine, ENGINE_COLD);
	}
	return valid;
}

static bool huge_pages_allowed(void)
{
	char text[128];

	return weir_os_read_file("/sys/kernel/mm/transparent_hugepage/enabled", 0, text,
				 sizeof text) > 0 &&
	       strstr(text, "[never]") == NULL;
}

/* Where nobody asked for huge pages, blocks of 4 to 64 MiB get them if the system
 * allows: their first touch is five times as fast then (16 MiB: 1.4 ms, 7.0 without).
 * Of shorter ones too much lies in no whole huge page; longer ones may be meant to be
 * used here and there only, and would be resident as a whole. */
static struct weir_space_options space_options(void)
{
	struct weir_space_options options = {
		.memory_bytes = weir_os_memory_bytes(),
		.address_limit_bytes = weir_os_address_limit_bytes(),
		.huge_stride_bytes = SIZE_MAX,
		.advice = WEIR_HUGE_NEVER,
	};

	if (config->hugepages == WEIR_HUGEPAGES_ALWAYS) {
		options.huge_stride_bytes = 4 * WEIR_MIB;
	} else if (config->hugepages == WEIR_HUGEPAGES_AUTO && huge_pages_allowed()) {
		options.huge_stride_bytes = 8 * WEIR_MIB;
		options.huge_stride_max = 64 * WEIR_MIB;
	}
	return options;
}

static void say_unavailable(void)
{
	struct weir_line line;

	if (!config->verbose)
		return;
	weir_line_begin(&line);
	weir_text_string(&line.text,
			 "no addresses to reserve, large requests go to the next allocator");
	weir_line_send(&line);
}

/* Longer blocks cost more to write than the cache saves. */
#define CACHED_MAX WEIR_MIB

static size_t cached_bytes(void)
{
	return weir_min(CACHED_MAX, weir_min(config->max_bytes, config->max_alloc_bytes));
}

static struct weir_pool_options pool_options(void)
{
	return (struct weir_pool_options){
		.limit_bytes = config->limit_bytes,
		.footprint_bytes = config->footprint_bytes,
		.class_blocks = config->class_blocks,
		.cached_bytes = cached_bytes() + WEIR_COLOUR_SPARE,
		.class_limits = config->class_limits,
		.class_limit_count = config->class_limit_count,
		.stats = &weir_stats_page.pool,
	};
}

/* Where a reader outside finds the slots. */
static void show_regions(void)
{
	for (unsigned r = 0; r < WEIR_REGION_COUNT; r++) {
		const struct weir_region *region = &weir_space.regions[r];

		if (region->slot_count == 0)
			continue;
		weir_stats_page.regions[r].fresh_address = (uintptr_t)&region->fresh;
		weir_stats_page.regions[r].slots_address = (uintptr_t)region->slots;
	}
}

static bool set_up(void)
{
	struct weir_space_options options;
	struct weir_pool_options limits;

	resolve();
	options = space_options();
	if (!weir_space_init(&weir_space, &options)) {
		say_unavailable();
		return false;
	}
	limits = pool_options();
	weir_pool_init(&pool, &weir_space, &limits);
	weir_decay_init(&decay, config->decay_ms, weir_os_now_ms());
	show_regions();
	weir_store_relaxed(&weir_gate.cached_bytes, cached_bytes());
	return true;
}

#define START_YIELDS_MAX 10000

static bool wait_for_start(void)
{
	int expected = ENGINE_STARTING;

	for (unsigned i = 0; i < START_YIELDS_MAX; i++) {
		if (weir_load_acquire(&engine) != ENGINE_STARTING)
			return weir_load_acquire(&engine) == ENGINE_READY;
		weir_os_yield();
	}
	weir_cas_acq_rel(&engine, &expected, ENGINE_UNAVAILABLE);
	return expected == ENGINE_READY;
}

static bool start(void)
{
	int expected = ENGINE_COLD;
	int saved_errno = errno;
	bool done;

	if (!weir_cas_acq_rel(&engine, &expected, ENGINE_STARTING))
		return expected == ENGINE_STARTING ? wait_for_start() : expected == ENGINE_READY;
	done = set_up();
	weir_store_release(&weir_stats_page.state,
			   (uint32_t)(done ? WEIR_STATE_READY : WEIR_STATE_UNAVAILABLE));
	weir_store_release(&engine, done ? ENGINE_READY : ENGINE_UNAVAILABLE);
	errno = saved_errno;
	return done;
}

static bool ready(void)
{
	return WEIR_LIKELY(weir_load_acquire(&engine) == ENGINE_READY) || start();
}

struct weir_pool *weir_large_pool(void)
{
	return weir_load_acquire(&engine) == ENGINE_READY ? &pool : NULL;
}

struct weir_tally weir_large_release(enum weir_trigger trigger)
{
	struct weir_tally tally = { 0, 0, 0 };

	if (!weir_large_pool())
		return tally;
	tally = weir_release_all(&pool, trigger, weir_os_now_ms());
	if (config->verbose)
		weir_release_say(trigger, &tally);
	return tally;
}

struct weir_tally weir_large_release_some(enum weir_trigger trigger, size_t keep_bytes,
					  size_t min_bytes, size_t max_bytes)
{
	struct weir_release_scope scope = { keep_bytes >> WEIR_UNIT_SHIFT, 0, WEIR_CLASS_COUNT };
	struct weir_tally tally = { 0, 0, 0 };

	if (!weir_large_pool())
		return tally;
	while (scope.first < scope.end && !weir_class_serves(scope.first, min_bytes, max_bytes))
		scope.first++;
	while (scope.end > scope.first && !weir_class_serves(scope.end - 1, min_bytes, max_bytes))
		scope.end--;
	tally = weir_release_some(&pool, trigger, &scope, weir_os_now_ms());
	if (config->verbose)
		weir_release_say(trigger, &tally);
	return tally;
}

static void put_in_force(void)
{
	struct weir_pool_options limits = pool_options();

	weir_store_relaxed(&weir_gate.cached_bytes, cached_bytes());
	weir_pool_set_limits(&pool, &limits);
	show_config();
}

/* The settings that config_table.c calls live; of them requests read max_alloc_bytes. */
static void apply(const struct weir_config *changed)
{
	weir_store_relaxed(&config->max_alloc_bytes, changed->max_alloc_bytes);
	config->limit_bytes = changed->limit_bytes;
	config->footprint_bytes = changed->footprint_bytes;
	config->class_blocks = changed->class_blocks;
	memcpy(config->class_limits, changed->class_limits, sizeof config->class_limits);
	memcpy(config->origins, changed->origins, sizeof config->origins);
	if (config->decay_ms != changed->decay_ms) {
		config->decay_ms = changed->decay_ms;
		weir_decay_set_period(&decay, config->decay_ms, weir_os_now_ms());
	}
	put_in_force();
}

/* How long what other threads have in hand is waited for. */
#define SETTLE_MS_MAX 1000

static void release_excess(struct weir_tally *all)
{
	struct weir_tally tally;

	for (unsigned i = 0; i < SETTLE_MS_MAX; i++) {
		tally = weir_release_excess(&pool, weir_os_now_ms());
		all->units += tally.units;
		all->blocks += tally.blocks;
		all->ns += tally.ns;
		if (weir_release_is_enough(&pool))
			return;
		weir_os_sleep_ms(1);
	}
}

bool weir_large_set(const char *name, const char *value, struct weir_text *reason,
		    struct weir_tally *tally)
{
	struct weir_config changed = *config;

	if (!weir_config_set(&changed, name, value, memory_bytes, reason))
		return false;
	apply(&changed);
	release_excess(tally);
	if (config->verbose && tally->blocks > 0)
		weir_release_say(WEIR_TRIGGER_limit, tally);
	return true;
}

#define WATCH_MS 10000

void weir_large_begin_anew(void)
{
	put_in_force();
	weir_release_excess(&pool, weir_os_now_ms());
	weir_store_relaxed(&next_watch_ms, (uint64_t)0);
}

__attribute__((noinline)) static void watch_due(uint64_t now_ms)
{
	uint64_t next_ms = weir_load_relaxed(&next_watch_ms);
	int saved_errno = errno;

	if (!watch || now_ms < next_ms ||
	    !weir_cas_acq_rel(&next_watch_ms, &next_ms, now_ms + WATCH_MS))
		return;
	watch();
	errno = saved_errno;
}

static void decay_step(uint64_t now_ms)
{
	struct weir_tally tally;

	if (WEIR_UNLIKELY(now_ms >= weir_load_relaxed(&next_watch_ms)))
		watch_due(now_ms);

	if (weir_decay_step(&decay, &pool, now_ms, &tally) && config->verbose)
		weir_release_say(WEIR_TRIGGER_decay, &tally);
}

/* From the backend */

static void *ask_backend(size_t bytes, size_t align, bool clean)
{
	void *block;
	int error;

	if (clean)
		return weir_backend.calloc(1, bytes);
	if (align <= sizeof(max_align_t))
		return weir_backend.malloc(bytes);
	error = weir_backend.posix_memalign(&block, align, bytes);
	if (error == 0)
		return block;
	errno = error;
	return NULL;
}

/* Whether a request that failed is worth another try: retained pages may be what
 * was missing, unless it is beyond reason. */
static bool gave_back_for(size_t bytes)
{
	if ((memory_bytes != 0 && bytes > memory_bytes) || !weir_large_pool() ||
	    weir_usage_retained(weir_pool_usage(&pool)) == 0)
		return false;
	weir_large_release(WEIR_TRIGGER_enomem);
	return true;
}

static void *from_backend(size_t bytes, size_t align, bool clean)
{
	int saved_errno = errno;
	void *block = ask_backend(bytes, align, clean);

	if (!block && gave_back_for(bytes)) {
		errno = saved_errno;
		block = ask_backend(bytes, align, clean);
	}
	return block;
}

static void *realloc_from_backend(void *backend_block, size_t bytes)
{
	int saved_errno = errno;
	void *block = weir_backend.realloc(backend_block, bytes);

	if (!block && gave_back_for(bytes)) {
		errno = saved_errno;
		block = weir_backend.realloc(backend_block, bytes);
	}
	return block;
}

/* Allocation */

enum route { ROUTE_WEIR, ROUTE_BACKEND, ROUTE_NOWHERE };

/* Who answers a request of this size; errno is set for nobody. A request of
 * SIZE_MAX bytes comes here even before weir_large_enable. */
static enum route route_for(size_t bytes)
{
	if (!config)
		return ROUTE_BACKEND;
	if (bytes > weir_load_relaxed(&config->max_alloc_bytes)) {
		weir_stats_count(WEIR_COUNT_refused, 1);
		errno = ENOMEM;
		return ROUTE_NOWHERE;
	}
	if (bytes > config->max_bytes) {
		weir_stats_count(WEIR_COUNT_oversize, 1);
		return ROUTE_BACKEND;
	}
	if (ready())
		return ROUTE_WEIR;
	weir_stats_count(WEIR_COUNT_passed, 1);
	return ROUTE_BACKEND;
}

static void *address_of(const struct weir_block *block)
{
	return weir_region_address(block->region, block->index) + weir_colour_bytes(block->word);
}

/* A slot of the stride that fits, or of a larger one where that region is full. */
static bool take(size_t bytes, size_t align, struct weir_block *block)
{
	uint64_t now_ms = weir_os_now_ms();
	size_t reach = weir_reach(bytes, align);

	for (unsigned region = weir_region_of(reach, align); region < WEIR_REGION_COUNT; region++)
		if (weir_pool_take(&pool, region, reach, now_ms, block)) {
			if (weir_is_coloured(bytes, align))
				block->word |= weir_colour_of(block->region, block->index);
			weir_remap_complete(&pool, block, reach, WEIR_CONTENTS_ANY, now_ms);
			weir_live_publish(&pool, block, reach, now_ms);
			decay_step(now_ms);
			return true;
		}
	weir_stats_count(WEIR_COUNT_passed, 1);
	return false;
}

/* The same out of fresh pages, for as long as its own region has a slot. */
static bool take_fresh(size_t bytes, struct weir_block *block)
{
	uint64_t now_ms = weir_os_now_ms();
	size_t reach = weir_reach(bytes, 1);

	if (!weir_pool_take_empty(&pool, weir_region_of(reach, 1), reach, now_ms, block))
		return false;
	block->word = WEIR_SLOT_CLEAN;
	if (weir_is_coloured(bytes, 1))
		block->word |= weir_colour_of(block->region, block->index);
	weir_footprint_add(&pool, weir_region_units(block->region, reach), now_ms);
	weir_live_publish(&pool, block, reach, now_ms);
	decay_step(now_ms);
	return true;
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

	if (route == ROUTE_WEIR && take(bytes, align, &block))
		return address_of(&block);
	return route == ROUTE_NOWHERE ? NULL : from_backend(bytes, align, false);
}

__attribute__((noinline)) static void *after_clock(void *address)
{
	decay_step(weir_os_now_ms());
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
	class_index = weir_cache_class_of(&pool.cache, reach);
	entry = &pool.cache.entries[group][class_index];
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

	return bytes >= FRESH_MIN && weir_pool_zeroes(&pool, class_index) == WEIR_ZEROES_FRESH;
}

void *weir_large_calloc(size_t bytes)
{
	enum route route = route_for(bytes);
	bool fresh = route == ROUTE_WEIR && wants_fresh(bytes);
	struct weir_block block;
	uint64_t *hits;
	void *cached;

	if (route != ROUTE_WEIR)
		return route == ROUTE_NOWHERE ? NULL : from_backend(bytes, 1, true);
	cached = fresh ? NULL : take_cached(bytes, 1, &hits);
	if (cached)
		return clear(cached, bytes);
	if ((fresh && take_fresh(bytes, &block)) || take(bytes, 1, &block))
		return clear(address_of(&block), dirty_bytes(&block, bytes));
	return from_backend(bytes, 1, true);
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

	while (!weir_cas_seq_cst(word, &block.word, freed(block.word)))
		if (!(block.word & WEIR_SLOT_LIVE))
			refuse("free", address, 0, true);
	if (block.word & (WEIR_SLOT_CACHED | WEIR_SLOT_BUSY))
		return; /* it is at hand; or whoever works on its pages puts it */
	block.word &= ~WEIR_SLOT_LIVE;
	now_ms = weir_os_now_ms();
	weir_pool_put(&pool, &block, now_ms);
	decay_step(now_ms);
}

void weir_large_free(void *address)
{
	if (WEIR_UNLIKELY(!free_cached(address)))
		free_uncached(address);
}

/* All that the program may have written, as it may ask malloc_usable_size. */
static size_t usable_bytes(const struct weir_block *block)
{
	return weir_align_up(weir_slot_reach(block->word), weir_os_page_bytes()) -
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
	void *block = bytes < config->min_bytes ? from_backend(bytes, 1, false)
						: weir_large_malloc(bytes, 1);

	if (!block)
		return NULL;
	memcpy(block, address, weir_min(old_bytes, bytes));
	weir_large_free(address);
	weir_stats_count(WEIR_COUNT_reallocs_copied, 1);
	return block;
}

/* Where it is, or moved to a longer slot: false where neither goes. */
static bool resize(char **address, struct weir_block *block, size_t bytes)
{
	uint64_t now_ms = weir_os_now_ms();
	size_t colour = weir_colour_bytes(block->word);
	size_t reach = weir_max(weir_reach(bytes, 1), bytes + colour);
	size_t stride = weir_region_slot_bytes(block->region);
	unsigned region = weir_region_of(reach, 1);
	char *slot;

	if (bytes + colour <= stride) {
		if (!weir_resize_block(&pool, block, weir_min(reach, stride), now_ms))
			return false;
		weir_stats_count(WEIR_COUNT_reallocs_in_place, 1);
		return true;
	}
	if (region >= WEIR_REGION_COUNT) /* of just WEIR_MAX, with a colour */
		return false;
	slot = weir_move_block(&pool, block, region, reach, now_ms);
	if (!slot)
		return false;
	weir_stats_count(WEIR_COUNT_reallocs_moved, 1);
	*address = slot + colour;
	return true;
}

void *weir_large_realloc(void *address, size_t bytes)
{
	struct weir_block block = must_find_live("realloc", address);
	size_t old_bytes = usable_bytes(&block);
	char *resized = address;

	if (bytes == 0) { /* as the C library does */
		weir_large_free(address);
		return NULL;
	}
	if (bytes >= config->min_bytes && bytes <= config->max_bytes &&
	    bytes <= weir_load_relaxed(&config->max_alloc_bytes) && resize(&resized, &block, bytes))
		return resized;
	return resize_by_copy(address, old_bytes, bytes);
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
	if (route != ROUTE_WEIR || !take(bytes, 1, &block))
		return route == ROUTE_NOWHERE ? NULL : realloc_from_backend(backend_block, bytes);
	address = address_of(&block);
	memcpy(address, backend_block, old_bytes);
	weir_backend.free(backend_block);
	weir_stats_count(WEIR_COUNT_reallocs_copied, 1);
	return address;
}
