/* What weir counts. Layer 2. One table of counters, one of triggers; the report
 * prints them by these names. Atomic, relaxed: statistics, never a decision. */
#ifndef WEIR_STATS_H
#define WEIR_STATS_H

#include "atomic.h"
#include "base.h"

/* Report field, what it counts. */
#define WEIR_COUNTERS(X) \
	X(oversize, "requests above WEIR_MAX, served by the backend") \
	X(refused, "requests above WEIR_MAX_ALLOC, answered with ENOMEM") \
	X(passed, "large requests that found no slot or no engine, served by the backend") \
	X(reallocs_in_place, "large blocks resized where they were") \
	X(reallocs_moved, "large blocks resized by moving their pages") \
	X(reallocs_copied, "large blocks resized by copying their bytes") \
	X(calloc_zeroed_bytes, "bytes of retained blocks that calloc had to clear") \
	X(release_failures, "releases that the kernel refused") \
	X(remaps, "blocks that got pages of retained ones") \
	X(remapped_bytes, "bytes of those pages") \
	X(remap_failures, "page moves that the kernel refused, at least in part, or that would " \
			  "have made too many mappings")

enum weir_counter {
#define WEIR_COUNTER_ENUM(name, help) WEIR_COUNT_##name,
	WEIR_COUNTERS(WEIR_COUNTER_ENUM)
#undef WEIR_COUNTER_ENUM
		WEIR_COUNTER_COUNT
};

/* What caused a release. */
#define WEIR_TRIGGERS(X) X(limit) X(signal) X(decay) X(api) X(enomem)

enum weir_trigger {
#define WEIR_TRIGGER_ENUM(name) WEIR_TRIGGER_##name,
	WEIR_TRIGGERS(WEIR_TRIGGER_ENUM)
#undef WEIR_TRIGGER_ENUM
		WEIR_TRIGGER_COUNT
};

/* What one release gave back, and the time that the kernel took for it. */
struct weir_tally {
	uint64_t units;
	uint64_t blocks;
	uint64_t ns;
};

struct weir_released {
	uint64_t units;
	uint64_t blocks;
	uint64_t releases;
	uint64_t ns;
};

struct weir_stats {
	uint64_t counters[WEIR_COUNTER_COUNT];
	struct weir_released released[WEIR_TRIGGER_COUNT];
};

extern WEIR_HIDDEN struct weir_stats weir_stats;

const char *weir_counter_name(enum weir_counter counter);
const char *weir_trigger_name(enum weir_trigger trigger);

static inline void weir_stats_count(enum weir_counter counter, uint64_t n)
{
	weir_add_relaxed(&weir_stats.counters[counter], n);
}

/* Adds a tally to its trigger, as `releases` releases. */
void weir_stats_release(enum weir_trigger trigger, const struct weir_tally *tally,
			uint64_t releases);

#endif
