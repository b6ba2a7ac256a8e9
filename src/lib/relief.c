/* Gives way when memory runs short: a duty of the helper thread, WEIR_PRESSURE. Layer 6.
 *
 * Joins who says so (pressure_watch.h) and how much is free (cgroup.h) to what is done
 * about it (pressure.h). */
#include "cgroup.h"
#include "duty.h"
#include "engine.h"
#include "pressure.h"
#include "pressure_watch.h"
#include "settings.h"

/* After an event: in a container that thrashes they come a thousand times a second, and the
 * kernel keeps them. */
#define DEAF_MS 100

static struct weir_pressure_control control;
static struct weir_pressure_watch watch;
static const struct weir_cgroup *cgroup; /* from `begin` on */
static enum weir_pressure said;		 /* since the last step */
static bool bounded;			 /* by a ceiling or a footprint */
static uint64_t next_look_ms, next_hear_ms;
static unsigned expected; /* descriptors that the last wait was for */

static bool is_wanted(const struct weir_config *config)
{
	return config->pressure;
}

static void open_watch(void)
{
	const struct weir_config *config = weir_settings();

	weir_pressure_watch_open(&watch, cgroup, "", config->pressure_watch,
				 config->pressure_write);
}

static void begin(void)
{
	weir_pressure_init(&control);
	said = WEIR_PRESSURE_NONE;
	bounded = false;
	next_look_ms = 0;
	next_hear_ms = 0;
	weir_settings_cgroup_changed(&cgroup);
	open_watch();
	weir_settings_say("memory pressure: watching ", weir_pressure_watch_name(&watch));
}

/* Thresholds are fractions of the limit. */
static void follow_cgroup(void)
{
	if (!weir_settings_cgroup_changed(&cgroup))
		return;
	weir_pressure_watch_close(&watch);
	open_watch();
}

/* A limit that the machine cannot fill tells nothing. Files that can be dropped are counted
 * only where it matters: that costs the kernel more than all the rest. */
static void view_cgroup(struct weir_pressure_view *view)
{
	uint64_t used;

	if (cgroup->limit_bytes == 0 || cgroup->limit_bytes > weir_settings_memory_bytes() ||
	    !weir_cgroup_read_usage(cgroup, &used))
		return;
	view->total_bytes = cgroup->limit_bytes;
	if (used > view->total_bytes / 4 * 3)
		weir_cgroup_read_used(cgroup, &used);
	view->used_bytes = used;
}

static struct weir_pressure_view view_now(void)
{
	struct weir_pressure_view view = { .limit_bytes = weir_settings()->limit_bytes };
	struct weir_held held;

	if (!weir_engine_pool())
		return view;
	held = weir_pool_held(weir_engine_pool());
	view.live_bytes = weir_units_to_bytes(held.live_units);
	view.retained_bytes = weir_units_to_bytes(held.retained_units);
	return view;
}

/* At every look, not only at steps. */
static bool put_in_force(const struct weir_pressure_view *view)
{
	size_t footprint_bytes = weir_pressure_footprint(&control, view);
	bool changes = bounded || footprint_bytes != WEIR_NO_LIMIT;

	bounded = footprint_bytes != WEIR_NO_LIMIT;
	return !changes || weir_settings_set_ceilings(control.ceiling_bytes, footprint_bytes);
}

static void relieve(uint64_t now_ms)
{
	struct weir_pressure_view view = view_now();
	struct weir_pressure_control before = control;
	struct weir_pressure_step step;

	if (view.retained_bytes > 0 || control.ceiling_bytes != WEIR_NO_LIMIT)
		view_cgroup(&view);
	if (weir_pressure_decide(&control, said, &view, now_ms, &step)) {
		said = WEIR_PRESSURE_NONE;
		if (step.idle_bytes > 0)
			weir_engine_release_idle(step.idle_bytes);
	}
	if (!put_in_force(&view))
		control = before;
	next_look_ms = weir_pressure_next_ms(&control, &view, now_ms);
}

static unsigned expect(struct pollfd *waits, unsigned most, uint64_t now_ms, uint64_t *until_ms)
{
	bool deaf = now_ms < next_hear_ms || most < WEIR_PRESSURE_WAITS_MAX;

	*until_ms = weir_min(*until_ms, deaf ? weir_min(next_look_ms, next_hear_ms) : next_look_ms);
	expected = deaf ? 0 : weir_pressure_watch_expect(&watch, waits);
	return expected;
}

static void act(const struct pollfd *waits, uint64_t now_ms)
{
	enum weir_pressure heard = weir_pressure_watch_hear(&watch, waits, expected);

	if (heard != WEIR_PRESSURE_NONE)
		next_hear_ms = now_ms + DEAF_MS;
	said = weir_pressure_worse(said, heard);
	relieve(now_ms);
	follow_cgroup();
}

static void end(void)
{
	weir_pressure_watch_close(&watch);
}

/* The ceiling was the parent's. */
static void begin_anew(void)
{
	weir_settings_set_ceilings(WEIR_NO_LIMIT, WEIR_NO_LIMIT);
}

const struct weir_duty weir_relief_duty = {
	.is_wanted = is_wanted,
	.needs_descriptors = true,
	.begin = begin,
	.expect = expect,
	.act = act,
	.end = end,
	.begin_anew = begin_anew,
};
