#include "stats.h"

struct weir_stats weir_stats;

const char *weir_counter_name(enum weir_counter counter)
{
	static const char *const names[] = {
#define WEIR_COUNTER_NAME(name, help) #name,
		WEIR_COUNTERS(WEIR_COUNTER_NAME)
#undef WEIR_COUNTER_NAME
	};

	return names[counter];
}

const char *weir_trigger_name(enum weir_trigger trigger)
{
	static const char *const names[] = {
#define WEIR_TRIGGER_NAME(name) #name,
		WEIR_TRIGGERS(WEIR_TRIGGER_NAME)
#undef WEIR_TRIGGER_NAME
	};

	return names[trigger];
}

void weir_stats_release(enum weir_trigger trigger, const struct weir_tally *tally,
			uint64_t releases)
{
	struct weir_released *released = &weir_stats.released[trigger];

	weir_add_relaxed(&released->units, tally->units);
	weir_add_relaxed(&released->blocks, tally->blocks);
	weir_add_relaxed(&released->releases, releases);
	weir_add_relaxed(&released->ns, tally->ns);
}
