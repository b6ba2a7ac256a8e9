/* Live and retained units in one word. Layer 4.
 *
 * Both counts change by one atomic operation, so that every limit on either or
 * on their sum holds at every moment and not on average:
 *
 *   word = live units (34 bits) | retained units (30 bits)
 *
 * Changes are sequentially consistent, for whoever looks at it before he sleeps (engine.h).
 *
 * 30 bits of 4 KiB are 4 TiB, the largest WEIR_LIMIT. The word and the peaks, which are
 * statistics (atomic, relaxed), stand in the statistics page (weir.h). */
#ifndef WEIR_USAGE_H
#define WEIR_USAGE_H

#include "atomic.h"
#include "base.h"
#include "weir.h"

#define WEIR_USAGE_RETAINED_BITS WEIR_STATS_RETAINED_BITS
#define WEIR_USAGE_RETAINED_MAX (((uint64_t)1 << WEIR_USAGE_RETAINED_BITS) - 1)

/* More than all regions can hold; what is above it was below zero. */
#define WEIR_USAGE_LIVE_MAX ((uint64_t)3 << 32)

/* 0 where the count is below it for a moment, because another thread has yet to add. */
static inline uint64_t weir_usage_live(uint64_t word)
{
	uint64_t live = word >> WEIR_USAGE_RETAINED_BITS;

	return live <= WEIR_USAGE_LIVE_MAX ? live : 0;
}

static inline uint64_t weir_usage_retained(uint64_t word)
{
	return word & WEIR_USAGE_RETAINED_MAX;
}

/* What to add to the word; either count may be negative. */
static inline uint64_t weir_usage_delta(int64_t live_units, int64_t retained_units)
{
	return ((uint64_t)live_units << WEIR_USAGE_RETAINED_BITS) + (uint64_t)retained_units;
}

/* Returns the word then. */
static inline uint64_t weir_usage_add(struct weir_usage *usage, int64_t live_units,
				      int64_t retained_units)
{
	uint64_t delta = weir_usage_delta(live_units, retained_units);

	return weir_add_seq_cst(&usage->word, delta) + delta;
}

/* Whether a count is, or with `credit` units more live may be, larger than ever. */
static inline bool weir_usage_is_peak(const struct weir_usage *usage, uint64_t word,
				      uint64_t credit)
{
	uint64_t live = weir_usage_live(word);
	uint64_t retained = weir_usage_retained(word);

	return live + credit > weir_load_relaxed(&usage->peak_live_units) ||
	       retained > weir_load_relaxed(&usage->peak_retained_units) ||
	       live + retained > weir_load_relaxed(&usage->peak_footprint_units);
}

/* `credit` units that count as retained are live. */
static inline void weir_usage_note_peaks(struct weir_usage *usage, uint64_t word, uint64_t credit)
{
	uint64_t live = weir_usage_live(word);
	uint64_t retained = weir_usage_retained(word);

	credit = weir_min(credit, retained);
	weir_raise_relaxed(&usage->peak_live_units, live + credit);
	weir_raise_relaxed(&usage->peak_retained_units, retained - credit);
	weir_raise_relaxed(&usage->peak_footprint_units, live + retained);
}

#endif
