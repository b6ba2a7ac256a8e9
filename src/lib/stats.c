#include "stats.h"

struct weir_stats_page weir_stats_page = {
	.size = sizeof(struct weir_stats_page),
	.version = WEIR_STATS_VERSION,
	.weir_version = WEIR_VERSION,
};

extern struct weir_stats_page weir_statistics
	__attribute__((alias("weir_stats_page"), visibility("default")));

_Static_assert(WEIR_COUNTER_COUNT <= WEIR_STATS_COUNTERS_MAX, "every counter has its place");
_Static_assert(WEIR_TRIGGER_COUNT <= WEIR_STATS_TRIGGERS_MAX, "every trigger has its place");

/* The compiler would take them for two things. */
bool weir_stats_are_shown(void)
{
	const struct weir_stats_page *shown = &weir_statistics;

	__asm__("" : "+r"(shown));
	return shown == &weir_stats_page;
}

const char *weir_counter_name(enum weir_counter counter)
{
	static const char *const names[] = {
#define WEIR_COUNTER_NAME(name, help) #name,
		WEIR_STATS_COUNTERS(WEIR_COUNTER_NAME)
#undef WEIR_COUNTER_NAME
	};

	return names[counter];
}

const char *weir_trigger_name(enum weir_trigger trigger)
{
	static const char *const names[] = {
#define WEIR_TRIGGER_NAME(name) #name,
		WEIR_STATS_TRIGGERS(WEIR_TRIGGER_NAME)
#undef WEIR_TRIGGER_NAME
	};

	return names[trigger];
}

void weir_stats_release(enum weir_trigger trigger, const struct weir_tally *tally,
			uint64_t releases)
{
	struct weir_released *released = &weir_stats_page.released[trigger];

	weir_add_relaxed(&released->units, tally->units);
	weir_add_relaxed(&released->blocks, tally->blocks);
	weir_add_relaxed(&released->ns, tally->ns);
	weir_add_acq_rel(&released->releases, releases); /* last: who waits for it reads the rest */
}
