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

struct weir_tally weir_release_all(struct weir_pool *pool, enum weir_trigger trigger,
				   uint64_t now_ms)
{
	struct weir_tally tally = { 0, 0, 0 };
	uint64_t start_ns = weir_os_now_ns();

	weir_pool_begin_release(pool, trigger);
	for (unsigned c = WEIR_CLASS_COUNT; c-- > 0;)
		weir_pool_drain(pool, c, weir_load_seq_cst(&pool->classes[c].blocks), &tally);
	release_unlisted(pool, now_ms, &tally);
	tally.ns = weir_os_now_ns() - start_ns;
	weir_stats_release(trigger, &tally, 1);
	return tally;
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
