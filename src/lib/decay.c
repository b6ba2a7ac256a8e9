#include "decay.h"

#include "classes.h"
#include "live.h"

/* What one call releases, and the rest of a block: 1 ms and more on 4 KiB pages. */
#define STEP_UNITS ((32 * WEIR_MIB) >> WEIR_UNIT_SHIFT)

/* Slots that one call looks at, at most. */
#define STEP_SLOTS 4096

static uint64_t next_tick(const struct weir_decay *decay, uint64_t now_ms)
{
	uint64_t period_ms = weir_load_relaxed(&decay->period_ms);

	return period_ms == WEIR_DECAY_OFF ? UINT64_MAX : now_ms + period_ms;
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

static void tick(struct weir_decay *decay, struct weir_pool *pool, uint64_t now_ms)
{
	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++) {
		struct weir_class *class = &pool->classes[c];

		weir_store_relaxed(&class->due_blocks, weir_load_relaxed(&class->low_blocks));
		weir_store_relaxed(&class->low_blocks, weir_load_relaxed(&class->blocks));
	}
	weir_store_relaxed(&decay->cursor, (uint64_t)0);
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

/* False when no block is left due. */
static bool release_blocks(struct weir_pool *pool, struct weir_tally *tally)
{
	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++)
		while (take_due(&pool->classes[c])) {
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

bool weir_decay_step(struct weir_decay *decay, struct weir_pool *pool, uint64_t now_ms,
		     struct weir_tally *tally)
{
	uint64_t next_ms = weir_load_relaxed(&decay->next_ms);
	struct weir_tally step = { 0, 0, 0 };
	uint64_t due;
	bool more;

	if (now_ms >= next_ms &&
	    weir_cas_acq_rel(&decay->next_ms, &next_ms, next_tick(decay, now_ms)))
		tick(decay, pool, now_ms);
	due = weir_load_acquire(&decay->due);
	if (due == 0)
		return false;
	more = release_blocks(pool, &step) || release_unlisted(decay, pool, now_ms, &step);
	add(&decay->so_far, &step);
	return !more && finish(decay, due, tally);
}
