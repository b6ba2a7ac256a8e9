#include "settings.h"

#include "engine.h"
#include "release.h"
#include "report.h"

#include <string.h>

static struct weir_config *config;	     /* const after weir_settings_begin */
static weir_u64 memory_bytes;		     /* atomic: the machine's or the container's */
static size_t ceiling_bytes = WEIR_NO_LIMIT; /* of who has `changing` */
static size_t held_ceiling_bytes = WEIR_NO_LIMIT;
static int changing;	      /* atomic: whether a thread changes what is in force */
static weir_u64 next_look_ms; /* atomic, relaxed: at the memory limit */
static int looked_after;      /* atomic: the helper thread alone looks at it */

static struct weir_cgroup cgroup; /* as last seen; of who has `changing` */
static struct weir_cgroup found;  /* while one looks; of the same */
static bool cgroup_changed;	  /* of the same */

/* What a change makes of the settings before it is in force; of who has `changing`. */
static struct weir_config changed;

/* How often the memory limit is read again. */
#define LOOK_MS 10000

static size_t limit_bytes(void)
{
	return config->disable ? 0 : weir_min(config->limit_bytes, ceiling_bytes);
}

static void show_config(void)
{
	struct weir_text text;

	weir_stats_begin_texts();
	weir_text_init(&text, weir_stats_page.settings, sizeof weir_stats_page.settings);
	weir_config_format_settings(&text, config);
	weir_store_relaxed(&weir_stats_page.limit_bytes, (uint64_t)config->limit_bytes);
	weir_stats_end_texts();
}

static void show_bounds(void)
{
	weir_store_relaxed(&weir_stats_page.memory_bytes, memory_bytes);
	weir_store_relaxed(&weir_stats_page.ceiling_bytes, (uint64_t)limit_bytes());
}

void weir_settings_begin(struct weir_config *loaded)
{
	config = loaded;
	show_config();
}

const struct weir_config *weir_settings(void)
{
	return config;
}

void weir_settings_say(const char *what, const char *more)
{
	struct weir_line line;

	if (!config->verbose)
		return;
	weir_line_begin(&line);
	weir_text_string(&line.text, what);
	weir_text_string(&line.text, more);
	weir_line_send(&line);
}

uint64_t weir_settings_memory_bytes(void)
{
	return weir_load_relaxed(&memory_bytes);
}

bool weir_settings_resolve(void)
{
	static bool resolved, valid;

	if (!resolved) {
		resolved = true;
		weir_cgroup_find("", &cgroup);
		memory_bytes = weir_cgroup_memory_bytes(&cgroup);
		next_look_ms = weir_os_now_ms() + LOOK_MS;
		valid = weir_config_resolve(config, memory_bytes, NULL);
		show_config();
		show_bounds();
	}
	return valid;
}

/* Longer blocks cost more to write than the cache saves. */
#define CACHED_MAX WEIR_MIB

size_t weir_settings_cached_bytes(void)
{
	if (config->record[0] != '\0') /* which wants to see each call */
		return 0;
	return weir_min(CACHED_MAX, weir_min(config->max_bytes, config->max_alloc_bytes));
}

static size_t cached_reach(void)
{
	return weir_settings_cached_bytes() > 0 ? weir_settings_cached_bytes() + WEIR_COLOUR_SPARE
						: 0;
}

struct weir_pool_settings weir_settings_pool_options(void)
{
	return (struct weir_pool_settings){
		.limit_bytes = limit_bytes(),
		.footprint_bytes = weir_min(config->footprint_bytes, held_ceiling_bytes),
		.class_blocks = config->class_blocks,
		.cached_bytes = cached_reach(),
		.live_limit_bytes = config->live_limit_bytes,
		.counts_live = config->live_limit_bytes != WEIR_NO_LIMIT,
		.hardened = config->harden,
		.class_limits = config->class_limits,
		.class_limit_count = config->class_limit_count,
		.stats = &weir_stats_page.pool,
		.pooled_bytes = WEIR_NO_LIMIT,
	};
}

/* Changes */

static bool begin_change(void)
{
	int free = 0;

	return weir_cas_acq_rel(&changing, &free, 1);
}

static void end_change(void)
{
	weir_store_release(&changing, 0);
}

static void put_in_force(void)
{
	struct weir_pool_settings limits = weir_settings_pool_options();

	weir_engine_open_gate();
	weir_pool_set_limits(&weir_engine.pool, &limits);
	show_bounds();
}

/* The settings that config_table.c calls live; of them requests read max_alloc_bytes. */
static void apply(void)
{
	weir_store_relaxed(&config->max_alloc_bytes, changed.max_alloc_bytes);
	weir_store_relaxed(&config->live_limit_bytes, changed.live_limit_bytes);
	config->limit_bytes = changed.limit_bytes;
	config->limit_share = changed.limit_share;
	config->footprint_bytes = changed.footprint_bytes;
	config->footprint_share = changed.footprint_share;
	config->max_alloc_share = changed.max_alloc_share;
	config->live_limit_share = changed.live_limit_share;
	config->class_blocks = changed.class_blocks;
	memcpy(config->class_limits, changed.class_limits, sizeof config->class_limits);
	memcpy(config->origins, changed.origins, sizeof config->origins);
	if (config->decay_ms != changed.decay_ms) {
		config->decay_ms = changed.decay_ms;
		weir_decay_set_period(&weir_engine.decay, config->decay_ms, weir_os_now_ms());
		weir_engine_expect_decay();
	}
	put_in_force();
	show_config();
}

#define WAIT_MS_MAX 1000

/* Changes from elsewhere end soon: of those none waits. */
static bool wait_for_change(void)
{
	for (unsigned i = 0; i < WAIT_MS_MAX; i++) {
		if (begin_change())
			return true;
		weir_os_sleep_ms(1);
	}
	return false;
}

static bool is_possible(struct weir_text *reason)
{
	if (changed.live_limit_bytes == WEIR_NO_LIMIT || weir_engine.pool.counts_live)
		return true;
	weir_text_string(reason, "WEIR_LIVE_LIMIT can be changed only where it was set when the "
				 "program started: live blocks are not counted one by one here");
	return false;
}

bool weir_settings_set(const char *name, const char *value, struct weir_text *reason,
		       struct weir_tally *tally)
{
	bool done;

	if (!wait_for_change()) {
		weir_text_string(reason, "another change does not end");
		return false;
	}
	changed = *config;
	done = weir_config_set(&changed, name, value, memory_bytes, reason) && is_possible(reason);
	if (done) {
		apply();
		weir_release_settle(&weir_engine.pool, WEIR_TRIGGER_limit, tally);
	}
	end_change();
	if (done && tally->blocks > 0)
		weir_engine_say(WEIR_TRIGGER_limit, tally);
	return done;
}

bool weir_settings_set_ceilings(size_t retained_bytes, size_t held_bytes)
{
	struct weir_tally tally;

	if (!weir_engine_pool() || !wait_for_change())
		return false;
	ceiling_bytes = retained_bytes;
	held_ceiling_bytes = held_bytes;
	put_in_force();
	tally = weir_release_excess(&weir_engine.pool, WEIR_TRIGGER_pressure, weir_os_now_ms());
	end_change();
	if (tally.blocks > 0)
		weir_engine_say(WEIR_TRIGGER_pressure, &tally);
	return true;
}

/* The memory limit may change while the program runs. */

static void resolve_again(uint64_t bytes)
{
	struct weir_tally tally;

	changed = *config;
	weir_config_resolve(&changed, bytes, NULL);
	weir_store_relaxed(&memory_bytes, bytes);
	apply();
	tally = weir_release_excess(&weir_engine.pool, WEIR_TRIGGER_limit, weir_os_now_ms());
	if (tally.blocks > 0)
		weir_engine_say(WEIR_TRIGGER_limit, &tally);
}

static bool is_same(const struct weir_cgroup *one, const struct weir_cgroup *other)
{
	return one->limit_bytes == other->limit_bytes && one->version == other->version &&
	       strcmp(one->directory, other->directory) == 0 &&
	       strcmp(one->pressure, other->pressure) == 0;
}

/* Unknown now: what was known stays in force. A program that left its root, or that has no
 * descriptor left, is still in its container. */
static void look(void)
{
	uint64_t bytes;

	if (!weir_cgroup_find("", &found) || is_same(&found, &cgroup))
		return;
	cgroup = found;
	cgroup_changed = true;
	bytes = weir_cgroup_memory_bytes(&cgroup);
	if (bytes != memory_bytes)
		resolve_again(bytes);
}

void weir_settings_look(uint64_t now_ms)
{
	if (now_ms < weir_load_relaxed(&next_look_ms) || weir_load_acquire(&looked_after) ||
	    !weir_config_has_shares(config) || !begin_change())
		return;
	weir_store_relaxed(&next_look_ms, now_ms + LOOK_MS);
	if (!weir_load_acquire(&looked_after))
		look();
	end_change();
}

/* Whoever is looking has ended once this has had its turn. */
uint64_t weir_settings_look_alone(uint64_t now_ms)
{
	weir_store_release(&looked_after, 1);
	if (now_ms >= weir_load_relaxed(&next_look_ms) && wait_for_change()) {
		weir_store_relaxed(&next_look_ms, now_ms + LOOK_MS);
		look();
		end_change();
	}
	return weir_load_relaxed(&next_look_ms);
}

bool weir_settings_cgroup_changed(const struct weir_cgroup **last)
{
	bool changed_since = cgroup_changed;

	cgroup_changed = false;
	*last = &cgroup;
	return changed_since;
}

void weir_settings_begin_anew(void)
{
	bool was_changing = weir_load_relaxed(&changing);

	end_change();
	weir_store_relaxed(&looked_after, 0);
	weir_store_relaxed(&weir_stats_page.settings_sequence, 0U);
	if (!was_changing || !weir_engine_pool())
		return;
	put_in_force();
	show_config();
	weir_release_excess(&weir_engine.pool, WEIR_TRIGGER_limit, weir_os_now_ms());
}
