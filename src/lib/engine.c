#include "engine.h"

#include "places.h"
#include "release.h"
#include "settings.h"

#include <errno.h>
#include <string.h>

struct weir_gate weir_gate = { .min_bytes = SIZE_MAX };
struct weir_space weir_space;
struct weir_engine weir_engine;

static struct weir_pool *const pool = &weir_engine.pool;
static weir_engine_watch *watch; /* const, too; or NULL */

void weir_engine_enable(struct weir_config *enabled, weir_engine_watch *called)
{
	weir_engine.config = enabled;
	watch = called;
	weir_settings_begin(enabled);
	if (enabled->disable)
		return;
	weir_gate.min_bytes = enabled->min_bytes;
	weir_stats_page.state = WEIR_STATE_IDLE;
}

/* Start */

/* Only by the one who holds WEIR_ENGINE_STARTING. */
static bool resolve(void)
{
	bool valid = weir_settings_resolve();

	if (!weir_engine.config->disable)
		weir_gate.min_bytes = weir_engine.config->min_bytes;
	return valid;
}

bool weir_engine_resolve_config(void)
{
	int expected = WEIR_ENGINE_COLD;
	bool valid = true;

	if (weir_cas_acq_rel(&weir_engine.state, &expected, WEIR_ENGINE_STARTING)) {
		valid = resolve();
		weir_store_release(&weir_engine.state, WEIR_ENGINE_COLD);
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

	if (weir_engine.config->hugepages == WEIR_HUGEPAGES_ALWAYS) {
		options.huge_stride_bytes = 4 * WEIR_MIB;
	} else if (weir_engine.config->hugepages == WEIR_HUGEPAGES_AUTO && huge_pages_allowed()) {
		options.huge_stride_bytes = 8 * WEIR_MIB;
		options.huge_stride_max = 64 * WEIR_MIB;
	}
	return options;
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

void weir_engine_open_gate(void)
{
	weir_store_relaxed(&weir_gate.cached_bytes,
			   pool->cached_bytes == 0 ? 0 : weir_settings_cached_bytes());
	weir_places_open_gates();
}

static bool set_up(void)
{
	struct weir_space_options options;
	struct weir_pool_settings limits;

	resolve();
	options = space_options();
	if (!weir_space_init(&weir_space, &options)) {
		weir_settings_say("no addresses to reserve, ",
				  "large requests go to the next allocator");
		return false;
	}
	limits = weir_settings_pool_options();
	limits.pools = &weir_engine.pools;
	weir_pool_init(pool, &weir_space, &limits);
	weir_engine.pools.of[0] = pool;
	weir_store_release(&weir_engine.pools.count, 1U);
	weir_decay_init(&weir_engine.decay, weir_engine.config->decay_ms, weir_os_now_ms());
	show_regions();
	weir_engine_open_gate();
	return true;
}

#define START_YIELDS_MAX 10000

static bool wait_for_start(void)
{
	int expected = WEIR_ENGINE_STARTING;

	for (unsigned i = 0; i < START_YIELDS_MAX; i++) {
		if (weir_load_acquire(&weir_engine.state) != WEIR_ENGINE_STARTING)
			return weir_load_acquire(&weir_engine.state) == WEIR_ENGINE_READY;
		weir_os_yield();
	}
	weir_cas_acq_rel(&weir_engine.state, &expected, WEIR_ENGINE_UNAVAILABLE);
	return expected == WEIR_ENGINE_READY;
}

bool weir_engine_start(void)
{
	int expected = WEIR_ENGINE_COLD;
	int saved_errno = errno;
	bool done;

	if (!weir_cas_acq_rel(&weir_engine.state, &expected, WEIR_ENGINE_STARTING))
		return expected == WEIR_ENGINE_STARTING ? wait_for_start()
							: expected == WEIR_ENGINE_READY;
	done = set_up();
	weir_store_release(&weir_stats_page.state,
			   (uint32_t)(done ? WEIR_STATE_READY : WEIR_STATE_UNAVAILABLE));
	weir_store_release(&weir_engine.state, done ? WEIR_ENGINE_READY : WEIR_ENGINE_UNAVAILABLE);
	errno = saved_errno;
	return done;
}

struct weir_pool *weir_engine_pool(void)
{
	return weir_load_acquire(&weir_engine.state) == WEIR_ENGINE_READY ? pool : NULL;
}

/* Releases */

void weir_engine_say(enum weir_trigger trigger, const struct weir_tally *tally)
{
	if (weir_engine.config->verbose)
		weir_release_say(trigger, tally);
}

struct weir_tally weir_engine_release(enum weir_trigger trigger)
{
	struct weir_tally tally = { 0, 0, 0 };

	if (!weir_engine_pool())
		return tally;
	weir_places_gather();
	tally = weir_release_all(pool, trigger, weir_os_now_ms());
	weir_engine_say(trigger, &tally);
	return tally;
}

struct weir_tally weir_engine_release_some(enum weir_trigger trigger, size_t keep_bytes,
					   size_t min_bytes, size_t max_bytes)
{
	struct weir_release_scope scope = { keep_bytes >> WEIR_UNIT_SHIFT, 0, WEIR_CLASS_COUNT };
	struct weir_tally tally = { 0, 0, 0 };

	if (!weir_engine_pool())
		return tally;
	weir_places_gather();
	while (scope.first < scope.end && !weir_class_serves(scope.first, min_bytes, max_bytes))
		scope.first++;
	while (scope.end > scope.first && !weir_class_serves(scope.end - 1, min_bytes, max_bytes))
		scope.end--;
	tally = weir_release_some(pool, trigger, &scope, weir_os_now_ms());
	weir_engine_say(trigger, &tally);
	return tally;
}

bool weir_engine_gave_back_for(size_t bytes)
{
	uint64_t most = weir_settings_memory_bytes();

	if ((most != 0 && bytes > most) || !weir_engine_pool() ||
	    weir_usage_retained(weir_pool_usage(pool)) == 0)
		return false;
	weir_engine_release(WEIR_TRIGGER_enomem);
	return true;
}

/* What was used since then is the working set. */
#define IDLE_MS 1000

struct weir_tally weir_engine_release_idle(size_t bytes)
{
	uint64_t now_ms = weir_os_now_ms(),
		 units = weir_align_up(bytes, WEIR_UNIT_BYTES) >> WEIR_UNIT_SHIFT;
	struct weir_tally tally = { 0, 0, 0 };

	if (!weir_engine_pool() || now_ms < IDLE_MS)
		return tally;
	weir_places_gather();
	while (tally.units < units &&
	       weir_pool_evict_idle(pool, units - tally.units, now_ms - IDLE_MS, &tally))
		;
	if (tally.blocks > 0) {
		weir_stats_release(WEIR_TRIGGER_pressure, &tally, 1);
		weir_engine_say(WEIR_TRIGGER_pressure, &tally);
	}
	return tally;
}

/* Now and then */

void weir_engine_begin_anew(void)
{
	weir_store_relaxed(&weir_engine.next_watch_ms, (uint64_t)0);
	weir_places_begin_anew();
	weir_settings_begin_anew();
}

void weir_engine_expect_watch(void)
{
	weir_store_seq_cst(&weir_engine.next_watch_ms, (uint64_t)0);
}

/* How long requests go without a look at anything else, at most. */
#define WATCH_MS 10000

/* What `watch` returns holds unless somebody said that he expects a call meanwhile. */
__attribute__((noinline)) static void watch_due(uint64_t now_ms)
{
	uint64_t next_ms = weir_load_relaxed(&weir_engine.next_watch_ms);
	uint64_t guard_ms = now_ms + WATCH_MS;
	int saved_errno = errno;

	if (now_ms < next_ms || !weir_cas_seq_cst(&weir_engine.next_watch_ms, &next_ms, guard_ms))
		return;
	weir_settings_look(now_ms);
	if (watch)
		weir_cas_seq_cst(&weir_engine.next_watch_ms, &guard_ms, watch(now_ms));
	errno = saved_errno;
}

void weir_engine_expect_decay(void)
{
	weir_store_seq_cst(&weir_engine.next_decay_ms, (uint64_t)0);
}

static uint64_t find_next_decay_ms(void)
{
	return weir_min(weir_decay_next_ms(&weir_engine.decay), weir_places_next_ms());
}

/* What is found holds unless somebody said meanwhile that it is sooner, or found it too. */
__attribute__((noinline)) static void decay_due(uint64_t now_ms)
{
	uint64_t before = weir_load_seq_cst(&weir_engine.next_decay_ms);
	struct weir_tally tally;

	if (weir_decay_step(&weir_engine.decay, pool, now_ms, &tally))
		weir_engine_say(WEIR_TRIGGER_decay, &tally);
	weir_places_step(now_ms);
	weir_cas_seq_cst(&weir_engine.next_decay_ms, &before, find_next_decay_ms());
}

static void decay_step(uint64_t now_ms)
{
	if (WEIR_UNLIKELY(now_ms >= weir_load_seq_cst(&weir_engine.next_decay_ms)))
		decay_due(now_ms);
}

void weir_engine_step(uint64_t now_ms)
{
	if (WEIR_UNLIKELY(now_ms >= weir_load_seq_cst(&weir_engine.next_watch_ms)))
		watch_due(now_ms);
	decay_step(now_ms);
}

/* Blocks of the cache that are live count as retained, and nobody is told when they are
 * freed: they leave it where nothing else is retained. */
static bool retains_nothing(void)
{
	if (weir_pool_held(pool).retained_units > 0)
		return false;
	while (weir_pool_reclaim_room(pool))
		;
	return weir_usage_retained(weir_load_seq_cst(&weir_stats_page.pool.usage.word)) == 0;
}

uint64_t weir_engine_tend(uint64_t now_ms)
{
	if (!weir_engine_pool())
		return UINT64_MAX;
	do
		decay_due(now_ms);
	while (find_next_decay_ms() <= now_ms);
	return retains_nothing() ? UINT64_MAX : find_next_decay_ms();
}

bool weir_engine_retains(uint64_t at_least_bytes)
{
	return weir_engine_pool() &&
	       weir_units_to_bytes(weir_usage_retained(weir_pool_usage(pool))) >= at_least_bytes;
}
