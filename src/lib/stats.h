/* What weir counts, and the page that shows it. Layer 2; the layout is weir.h's.
 *
 * The page is the only home of the counters: whoever reads it from outside needs
 * nobody in here. Atomic, relaxed: statistics, never a decision, but for the usage
 * word of a pool (usage.h). */
#ifndef WEIR_STATS_H
#define WEIR_STATS_H

#include "atomic.h"
#include "base.h"
#include "weir.h"

/* Exported as WEIR_STATS_SYMBOL; here without the detour that exported names take. */
extern WEIR_HIDDEN struct weir_stats_page weir_stats_page;

/* What one release gave back, and the time that the kernel took for it. */
struct weir_tally {
	weir_u64 units;
	weir_u64 blocks;
	weir_u64 ns;
};

/* Whether weir_statistics, which the dynamic linker finds for everybody, is this page: not where
 * another library with weir comes before this one. */
bool weir_stats_are_shown(void);

const char *weir_counter_name(enum weir_counter counter);
const char *weir_trigger_name(enum weir_trigger trigger);

static inline void weir_stats_count(enum weir_counter counter, uint64_t n)
{
	weir_add_relaxed(&weir_stats_page.counters[counter], n);
}

/* Around a change of the page's texts, by one thread at a time: readers outside take an odd
 * sequence, or one that changed, for a text in the making. */
static inline void weir_stats_begin_texts(void)
{
	weir_add_seq_cst(&weir_stats_page.settings_sequence, 1U);
}

static inline void weir_stats_end_texts(void)
{
	weir_add_seq_cst(&weir_stats_page.settings_sequence, 1U);
}

/* Adds a tally to its trigger, as `releases` releases. */
void weir_stats_release(enum weir_trigger trigger, const struct weir_tally *tally,
			uint64_t releases);

#endif
