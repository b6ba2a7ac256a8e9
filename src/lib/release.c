#include "release.h"

#include "live.h"
#include "report.h"
#include "units.h"

static void release_unlisted(struct weir_pool *pool, uint64_t now_ms, struct weir_tally *tally)
{
	for (unsigned r = 0; r < WEIR_REGION_COUNT; r++) {
		struct weir_region *region = &pool->space->regions[r];
		uint32_t fresh = weir_region_fresh(region);

		for (uint32_t i = 0; i < fresh; i++)
			weir_live_trim(pool, region, i, false, now_ms, tally);
	}
}

/* No more blocks than there are now. */
static void drain(struct weir_pool *pool, unsigned class_index, struct weir_tally *tally)
{
	weir_pool_drain(pool, class_index, weir_load_seq_cst(&pool->classes[class_index].blocks),
			tally);
}

static void end_quarantines(struct weir_pool *pool)
{
	struct weir_pool *each = NULL;

	while ((each = weir_pool_next(pool, each)))
		weir_pool_end_quarantine(each);
}

struct weir_tally weir_release_all(struct weir_pool *pool, enum weir_trigger trigger,
				   uint64_t now_ms)
{
	struct weir_tally tally = { 0, 0, 0 };
	uint64_t start_ns = weir_os_now_ns();
	struct weir_pool *each = NULL;

	while ((each = weir_pool_next(pool, each))) {
		weir_pool_begin_release(each, trigger);
		weir_pool_end_quarantine(each);
		for (unsigned c = WEIR_CLASS_COUNT; c-- > 0;)
			drain(each, c, &tally);
	}
	release_unlisted(pool, now_ms, &tally);
	tally.ns = weir_os_now_ns() - start_ns;
	weir_stats_release(trigger, &tally, 1);
	return tally;
}

/* Beside live blocks, as the program sees them. */
static uint64_t beyond(struct weir_pool *pool, uint64_t keep_units)
{
	uint64_t retained = weir_pool_held(pool).retained_units;

	return retained > keep_units ? retained - keep_units : 0;
}

/* The class whose block, or whose block's surplus, lies in a slot that is on no list. */
static bool is_in_scope(const struct weir_region *region, uint32_t index,
			const struct weir_release_scope *scope)
{
	uint64_t word = weir_load_relaxed(&region->slots[index].word);
	size_t bytes = (word & WEIR_SLOT_LIVE) ? weir_slot_reach(word)
					       : weir_units_to_bytes(weir_slot_extent(word));
	unsigned class_index = weir_class_of(region->stride_shift - WEIR_MIN_STRIDE_SHIFT, bytes);

	return class_index >= scope->first && class_index < scope->end;
}

static void release_unlisted_of(struct weir_pool *pool, const struct weir_release_scope *scope,
				uint64_t now_ms, struct weir_tally *tally)
{
	struct weir_region *region;
	uint64_t cursor = 0;
	uint32_t index;

	while (weir_space_step(pool->space, &cursor, &region, &index))
		if (is_in_scope(region, index, scope) && beyond(pool, scope->keep_units) > 0)
			weir_live_trim(pool, region, index, false, now_ms, tally);
}

/* What has still to go. */
typedef uint64_t too_much(struct weir_pool *pool, uint64_t keep_units);

/* Another thread may take a block first, or the kernel refuse one, which then hides others. */
#define MISSES_MAX 16

/* Listed blocks, to the page; no more than were too much at the start, while others go on
 * freeing. After too many misses whole classes go. */
static void evict_down(struct weir_pool *pool, too_much *left,
		       const struct weir_release_scope *scope, struct weir_tally *tally)
{
	uint64_t most = left(pool, scope->keep_units) + tally->units, units;
	struct weir_pool *each = NULL;
	unsigned misses = 0;

	while (tally->units < most && misses < MISSES_MAX &&
	       (units = left(pool, scope->keep_units)) > 0)
		misses += !weir_pool_evict_of(pool, units, scope->first, scope->end, tally);
	while ((each = weir_pool_next(pool, each)))
		for (unsigned c = scope->first;
		     c < scope->end && tally->units < most && left(pool, scope->keep_units) > 0;
		     c++)
			drain(each, c, tally);
}

struct weir_tally weir_release_some(struct weir_pool *pool, enum weir_trigger trigger,
				    const struct weir_release_scope *scope, uint64_t now_ms)
{
	struct weir_tally tally = { 0, 0, 0 };
	uint64_t start_ns = weir_os_now_ns();

	end_quarantines(pool);
	evict_down(pool, beyond, scope, &tally);
	release_unlisted_of(pool, scope, now_ms, &tally);
	tally.ns = weir_os_now_ns() - start_ns;
	weir_stats_release(trigger, &tally, 1);
	return tally;
}

/* False when there is none, or the kernel refuses. */
static bool drain_one(struct weir_pool *pool, unsigned class_index, struct weir_tally *tally)
{
	uint64_t before = tally->units;

	return weir_pool_drain(pool, class_index, 1, tally) > 0 && tally->units > before;
}

/* How often a cached block may be taken or freed between the looks at either. */
#define LEAVE_TRIES_MAX 100

/* The cache is for what no number of blocks bounds. Nothing is added to it any more. */
void weir_release_cache(struct weir_pool *pool, uint64_t now_ms, struct weir_tally *tally)
{
	for (unsigned i = 0; i < LEAVE_TRIES_MAX && weir_load_relaxed(&pool->cache.units) > 0;
	     i++) {
		while (weir_pool_reclaim_room(pool))
			;
		release_unlisted(pool, now_ms, tally);
	}
}

/* Blocks and units of single classes. */
static void release_excess_of_classes(struct weir_pool *pool, uint64_t now_ms,
				      struct weir_tally *tally)
{
	uint64_t most = weir_load_relaxed(&pool->class_blocks), blocks;

	if (most != WEIR_NO_LIMIT)
		weir_release_cache(pool, now_ms, tally);
	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++) {
		blocks = weir_load_seq_cst(&pool->classes[c].blocks);
		if (blocks > most)
			weir_pool_drain(pool, c, blocks - most, tally);
		while (weir_quotas_excess(&pool->quotas, c) > 0 && drain_one(pool, c, tally))
			;
	}
}

/* What all of them come to: cached blocks count whole, live or not. */
static uint64_t excess_in_all(struct weir_pool *pool, uint64_t unused)
{
	(void)unused;
	return weir_pool_excess(pool);
}

/* What is on no list, to the page as well; no more than was too much at the start. */
static void evict_at_hand(struct weir_pool *pool, struct weir_tally *tally)
{
	uint64_t most = weir_pool_excess(pool) + tally->units, units;

	while (tally->units < most && (units = weir_pool_excess(pool)) > 0 &&
	       weir_pool_evict(pool, units, WEIR_NO_CLASS, tally))
		;
}

struct weir_tally weir_release_excess(struct weir_pool *pool, enum weir_trigger trigger,
				      uint64_t now_ms)
{
	static const struct weir_release_scope everything = { 0, 0, WEIR_CLASS_COUNT };
	struct weir_tally tally = { 0, 0, 0 };
	uint64_t start_ns = weir_os_now_ns();

	end_quarantines(pool);
	release_excess_of_classes(pool, now_ms, &tally);
	while (weir_pool_excess(pool) > 0 && weir_pool_reclaim_room(pool))
		;
	evict_down(pool, excess_in_all, &everything, &tally);
	evict_at_hand(pool, &tally);
	if (weir_pool_excess(pool) > 0)
		release_unlisted(pool, now_ms, &tally);
	tally.ns = weir_os_now_ns() - start_ns;
	if (tally.blocks > 0)
		weir_stats_release(trigger, &tally, 1);
	return tally;
}

static bool is_enough_in_classes(const struct weir_pool *pool)
{
	uint64_t most = weir_load_relaxed(&pool->class_blocks);

	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++)
		if (weir_load_seq_cst(&pool->classes[c].blocks) > most ||
		    weir_quotas_excess(&pool->quotas, c) > 0)
			return false;
	return true;
}

static bool is_enough(struct weir_pool *pool)
{
	return is_enough_in_classes(pool) && weir_pool_excess(pool) == 0;
}

/* How long what other threads have in hand is waited for. */
#define SETTLE_MS_MAX 1000

static void add(struct weir_tally *all, const struct weir_tally *tally)
{
	all->units += tally->units;
	all->blocks += tally->blocks;
	all->ns += tally->ns;
}

void weir_release_settle(struct weir_pool *pool, enum weir_trigger trigger, struct weir_tally *all)
{
	struct weir_tally tally;

	for (unsigned i = 0; i < SETTLE_MS_MAX; i++) {
		tally = weir_release_excess(pool, trigger, weir_os_now_ms());
		add(all, &tally);
		if (is_enough(pool))
			return;
		weir_os_sleep_ms(1);
	}
}

void weir_release_say(enum weir_trigger trigger, const struct weir_tally *tally)
{
	struct weir_line line;

	weir_line_begin(&line);
	weir_text_string(&line.text, "released ");
	weir_units_format_size(&line.text, weir_units_to_bytes(tally->units));
	weir_text_string(&line.text, " in ");
	weir_text_decimal(&line.text, tally->blocks);
	weir_text_string(&line.text, " blocks (");
	weir_text_string(&line.text, weir_trigger_name(trigger));
	weir_text_string(&line.text, "), ");
	weir_text_fixed(&line.text, tally->ns / 100000, 1);
	weir_text_string(&line.text, " ms");
	weir_line_send(&line);
}
