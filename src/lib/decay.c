#include "decay.h"

#include "classes.h"
#include "live.h"

/* What one call releases, and the rest of a block: 1 ms and more on 4 KiB pages. */
#define STEP_UNITS ((32 * WEIR_MIB) >> WEIR_UNIT_SHIFT)

/* Slots that one call looks at, at most. */
#define STEP_SLOTS 4096

static uint64_t part_ms(const struct weir_decay *decay)
{
	uint64_t period_ms = weir_load_relaxed(&decay->period_ms);

	return weir_max(period_ms / WEIR_DECAY_PARTS, (uint64_t)1);
}

static uint64_t next_tick(const struct weir_decay *decay, uint64_t now_ms)
{
	return weir_load_relaxed(&decay->period_ms) == WEIR_DECAY_OFF ? UINT64_MAX
								      : now_ms + part_ms(decay);
}

/* Parts that a tick ends which was to come at tick_ms; of more than a period no more is
 * known. */
static uint64_t parts_since(const struct weir_decay *decay, uint64_t tick_ms, uint64_t now_ms)
{
	return weir_min(1 + (now_ms - tick_ms) / part_ms(decay), (uint64_t)WEIR_DECAY_PARTS);
}

void weir_decay_init(struct weir_decay *decay, uint64_t period_ms, uint64_t now_ms)
{
	weir_decay_set_period(decay, period_ms, now_ms);
}

void weir_decay_set_period(struct weir_decay *decay, uint64_t period_ms, uint64_t now_ms)
{
	weir_store_relaxed(&decay->period_ms, period_ms);
	weir_store_relaxed(&decay->next_ms, next_tick(decay, now_ms));
}

static void add(struct weir_tally *so_far, const struct weir_tally *tally)
{
	weir_add_relaxed(&so_far->units, tally->units);
	weir_add_relaxed(&so_far->blocks, tally->blocks);
	weir_add_relaxed(&so_far->ns, tally->ns);
}

/* The fewest blocks that the lists held in the last parts of which this is one. */
static uint64_t end_part(struct weir_class *class, uint64_t low)
{
	uint64_t fewest = low, newer = low, past;

	for (unsigned i = 0; i < WEIR_DECAY_PARTS - 1; i++) {
		past = weir_load_relaxed(&class->past_lows[i]);
		weir_store_relaxed(&class->past_lows[i], newer);
		fewest = weir_min(fewest, past);
		newer = past;
	}
	return fewest;
}

static uint64_t requests_of(const struct weir_pool *pool, unsigned class_index)
{
	return weir_cache_all_hits(pool->stats, class_index) +
	       weir_load_relaxed(&pool->stats->classes[class_index].misses);
}

/* Within as many parts as a period has. */
static bool is_asked_for(struct weir_pool *pool, unsigned class_index, uint64_t first,
			 uint64_t parts)
{
	uint64_t now = requests_of(pool, class_index), before = now;

	for (uint64_t i = 0; i < parts; i++) {
		uint64_t *then =
			&pool->classes[class_index].past_requests[(first + i) % WEIR_DECAY_PARTS];

		before = weir_load_relaxed(then);
		weir_store_relaxed(then, now);
	}
	return now != before;
}

/* A call that comes late ends several parts at once. */
static void tick_class(struct weir_pool *pool, unsigned class_index, uint64_t first, uint64_t parts)
{
	struct weir_class *class = &pool->classes[class_index];
	uint64_t low = weir_load_relaxed(&class->low_blocks), fewest = 0;

	for (uint64_t i = 0; i < parts; i++)
		fewest = end_part(class, low);
	if (!is_asked_for(pool, class_index, first, parts))
		fewest = low;
	weir_store_relaxed(&class->due_blocks, fewest);
	weir_store_relaxed(&class->low_blocks, weir_load_relaxed(&class->blocks));
}

/* Since a period ago. */
static void note_growth(struct weir_decay *decay, struct weir_pool *pool, uint64_t first,
			uint64_t parts)
{
	uint64_t live = weir_usage_live(weir_pool_own_usage(pool)) +
			weir_cache_credit(&pool->cache, pool->space);
	uint64_t before = live;

	for (uint64_t i = 0; i < parts; i++) {
		uint64_t *then = &decay->past_live[(first + i) % WEIR_DECAY_PARTS];

		before = weir_load_relaxed(then);
		weir_store_relaxed(then, live);
	}
	weir_store_relaxed(&decay->keep_units, live > before ? live - before : 0);
}

/* The surplus of live blocks is looked at once a period, and what waited in quarantine is
 * listed. */
static void tick(struct weir_decay *decay, struct weir_pool *pool, uint64_t parts, uint64_t now_ms)
{
	uint64_t first = weir_add_relaxed(&decay->parts, parts);
	bool whole = (first + parts) / WEIR_DECAY_PARTS > first / WEIR_DECAY_PARTS;

	if (whole)
		weir_pool_end_quarantine(pool);
	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++)
		tick_class(pool, c, first, parts);
	weir_cache_age(&pool->cache, (unsigned)parts);
	note_growth(decay, pool, first, parts);
	weir_store_relaxed(&decay->cursor, whole ? (uint64_t)0 : UINT64_MAX);
	weir_store_release(&decay->due, now_ms);
}

/* Blocks that were used after the tick are spared: the lowest count since then
 * bounds what is due. */
static bool take_due(struct weir_class *class)
{
	uint64_t due = weir_load_relaxed(&class->due_blocks);
	uint64_t low, left;

	do {
		low = weir_load_relaxed(&class->low_blocks);
		left = due < low ? due : low;
		if (left == 0)
			return false;
	} while (!weir_cas_weak_relaxed(&class->due_blocks, &due, left - 1));
	return true;
}

static bool is_wanted(const struct weir_decay *decay, struct weir_pool *pool)
{
	return weir_usage_retained(weir_pool_own_usage(pool)) <=
	       weir_load_relaxed(&decay->keep_units);
}

/* False when no block is left due. */
static bool release_blocks(const struct weir_decay *decay, struct weir_pool *pool,
			   struct weir_tally *tally)
{
	while (!is_wanted(decay, pool) && weir_pool_drop_aged(pool, tally))
		if (tally->units >= STEP_UNITS)
			return true;
	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++)
		while (!is_wanted(decay, pool) && take_due(&pool->classes[c])) {
			if (weir_pool_drain(pool, c, 1, tally) == 0)
				weir_store_relaxed(&pool->classes[c].due_blocks, (uint64_t)0);
			if (tally->units >= STEP_UNITS)
				return true;
		}
	return false;
}

/* Each slot is looked at once a tick, or it would age twice. False when all were. */
static bool release_unlisted(struct weir_decay *decay, struct weir_pool *pool, uint64_t now_ms,
			     struct weir_tally *tally)
{
	struct weir_region *region;
	uint32_t index;

	for (unsigned i = 0; i < STEP_SLOTS && tally->units < STEP_UNITS; i++) {
		if (!weir_space_step(pool->space, &decay->cursor, &region, &index))
			return false;
		weir_live_trim(pool, region, index, true, now_ms, tally);
	}
	return true;
}

/* Takes the sum since the tick; the thread that ends the work reports it. */
static bool finish(struct weir_decay *decay, uint64_t due, struct weir_tally *tally)
{
	if (!weir_cas_acq_rel(&decay->due, &due, (uint64_t)0))
		return false;
	tally->units = weir_exchange_acq_rel(&decay->so_far.units, (uint64_t)0);
	tally->blocks = weir_exchange_acq_rel(&decay->so_far.blocks, (uint64_t)0);
	tally->ns = weir_exchange_acq_rel(&decay->so_far.ns, (uint64_t)0);
	if (tally->blocks == 0)
		return false;
	weir_stats_release(WEIR_TRIGGER_decay, tally, 1);
	return true;
}

uint64_t weir_decay_next_ms(const struct weir_decay *decay)
{
	return weir_load_acquire(&decay->due) != 0 ? 0 : weir_load_relaxed(&decay->next_ms);
}

bool weir_decay_step(struct weir_decay *decay, struct weir_pool *pool, uint64_t now_ms,
		     struct weir_tally *tally)
{
	uint64_t next_ms = weir_load_relaxed(&decay->next_ms);
	struct weir_tally step = { 0, 0, 0 };
	uint64_t due;
	bool more;

	if (now_ms >= next_ms &&
	    weir_cas_acq_rel(&decay->next_ms, &next_ms, next_tick(decay, now_ms)))
		tick(decay, pool, parts_since(decay, next_ms, now_ms), now_ms);
	due = weir_load_acquire(&decay->due);
	if (due == 0)
		return false;
	more = release_blocks(decay, pool, &step) || release_unlisted(decay, pool, now_ms, &step);
	add(&decay->so_far, &step);
	return !more && finish(decay, due, tally);
}
