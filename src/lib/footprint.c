#include "footprint.h"

#include "live.h"

/* For blocks that are in the hands of others: of a process that was forked in the
 * middle, for ever. */
#define YIELDS_MAX 100

/* What may be held beyond the peak of what was live. An eighth is enough where blocks
 * exchange whole tables (32 of 64 KiB to 16 MiB); many short ones need more than half
 * (16 threads with 8 of 64 KiB to 4 MiB: 21 us for each request with an eighth, 1 so). */
static uint64_t spare(uint64_t peak, uint64_t limit)
{
	uint64_t of_limit = limit / 8 * 3;

	return weir_max(peak / 8, of_limit > peak / 2 ? of_limit - peak / 2 : 0);
}

/* Less than this is not released by itself: the next request would want it. */
#define STEP_UNITS (2 * WEIR_MIB >> WEIR_UNIT_SHIFT)

/* What must go before `units` more may be live; nothing where nothing can. */
static uint64_t excess(struct weir_pool *pool, uint64_t word, uint64_t units, uint64_t most)
{
	uint64_t total = weir_usage_live(word) + weir_usage_retained(word) + units;

	return total > most && weir_usage_retained(word) > weir_pool_credit(pool) ? total - most
										  : 0;
}

static uint64_t excess_over_footprint(struct weir_pool *first, uint64_t word, uint64_t units)
{
	return excess(first, word, units, weir_load_seq_cst(&first->footprint_units));
}

/* The second line of footprint.h, once `units` more are live. */
static uint64_t excess_over_peak(struct weir_pool *pool, uint64_t units)
{
	uint64_t word = weir_pool_own_usage(pool);
	uint64_t live = weir_usage_live(word) + units;
	uint64_t peak = weir_max(weir_load_relaxed(&pool->stats->usage.peak_live_units), live);

	return excess(pool, word, units, peak + spare(peak, weir_load_relaxed(&pool->limit_units)));
}

bool weir_footprint_has_room(struct weir_pool *pool, uint64_t units)
{
	return excess_over_footprint(pool->first, weir_pool_usage(pool->first), units) == 0 &&
	       excess_over_peak(pool, units) == 0;
}

/* The surplus of live blocks, until `units` have gone: each slot once, from where the
 * last search ended. */
static bool trim_surplus(struct weir_pool *pool, uint64_t units, uint64_t now_ms,
			 struct weir_tally *tally)
{
	uint64_t start = weir_load_relaxed(&pool->surplus_cursor), cursor = start;
	uint64_t before = tally->units;
	struct weir_region *region;
	bool again = false;
	uint32_t index;

	while (tally->units - before < units && (!again || cursor < start)) {
		if (weir_space_step(pool->space, &cursor, &region, &index)) {
			weir_live_trim(pool, region, index, false, now_ms, tally);
		} else if (!again) {
			again = true;
			cursor = 0;
		} else {
			break;
		}
	}
	weir_store_relaxed(&pool->surplus_cursor, cursor);
	return tally->units > before;
}

static bool make_room(struct weir_pool *pool, uint64_t units, uint64_t now_ms,
		      struct weir_tally *tally, unsigned *yields)
{
	if (weir_pool_evict(pool, units, WEIR_NO_CLASS, tally) ||
	    trim_surplus(pool, units, now_ms, tally))
		return true;
	weir_os_yield();
	return ++*yields < YIELDS_MAX;
}

static void add_under_footprint(struct weir_pool *pool, uint64_t units, uint64_t now_ms,
				struct weir_tally *tally)
{
	uint64_t delta = weir_usage_delta((int64_t)units, 0);
	uint64_t word = weir_pool_usage(pool), needed;
	unsigned yields = 0;

	do {
		while ((needed = excess_over_footprint(pool, word, units)) > 0 &&
		       make_room(pool, needed, now_ms, tally, &yields))
			word = weir_pool_usage(pool);
	} while (!weir_cas_weak_acq_rel(&pool->stats->usage.word, &word, word + delta));
	weir_pool_note_peaks(pool);
}

/* Of what was counted while a lower footprint came into force. */
static void make_room_again(struct weir_pool *pool, uint64_t now_ms, struct weir_tally *tally)
{
	unsigned yields = 0;
	uint64_t needed;

	while ((needed = excess_over_footprint(pool, weir_load_seq_cst(&pool->stats->usage.word),
					       0)) > 0 &&
	       make_room(pool, needed, now_ms, tally, &yields))
		;
}

void weir_footprint_add(struct weir_pool *pool, uint64_t units, uint64_t now_ms)
{
	struct weir_tally tally = { 0, 0, 0 };
	uint64_t needed;

	if (units == 0)
		return;
	needed = weir_align_up(excess_over_peak(pool, units), STEP_UNITS);
	while (tally.units < needed && weir_pool_evict_own(pool, needed - tally.units, &tally))
		;
	if (weir_load_relaxed(&pool->first->footprint_units) == UINT64_MAX) {
		weir_pool_count(pool, (int64_t)units, 0);
	} else {
		add_under_footprint(pool->first, units, now_ms, &tally);
		if (pool->first != pool)
			weir_pool_count_own(pool, (int64_t)units, 0);
	}
	make_room_again(pool->first, now_ms, &tally);
	if (tally.blocks > 0)
		weir_stats_release(WEIR_TRIGGER_limit, &tally, 1);
}
