#include "pressure.h"

#include "config.h"

/* Between steps. A release of 100 MiB takes 3 ms, faulting them in again 30: whoever takes
 * memory at 300 MiB/s has 30 MiB more then. */
#define SOME_STEP_MS 250
#define HIGH_STEP_MS 100

/* Quiet before the first rise, and between rises; each is a sixteenth of WEIR_LIMIT. */
#define QUIET_MS 5000
#define RISE_MS 1000

/* Looks, where nobody can say that it is time: near the reserve, and far from it, where at
 * 300 MiB/s it lasts for more than one. */
#define NEAR_MS 100
#define FAR_MS 1000

void weir_pressure_init(struct weir_pressure_control *control)
{
	*control = (struct weir_pressure_control){ .ceiling_bytes = WEIR_NO_LIMIT };
}

static uint64_t reserve_of(const struct weir_pressure_view *view)
{
	return view->total_bytes / 8;
}

static uint64_t free_of(const struct weir_pressure_view *view)
{
	return view->total_bytes > view->used_bytes ? view->total_bytes - view->used_bytes : 0;
}

/* Bytes that the reserve lacks; none where the container is unknown. */
static uint64_t missing(const struct weir_pressure_view *view)
{
	uint64_t reserve = reserve_of(view), free = free_of(view);

	return free < reserve ? reserve - free : 0;
}

/* Of a container whose figures show room, file pages fill the rest: that is worth giving them
 * more, but not in a hurry. */
static enum weir_pressure level_of(enum weir_pressure said, const struct weir_pressure_view *view)
{
	uint64_t lacking = missing(view);
	enum weir_pressure seen = lacking > reserve_of(view) / 2 ? WEIR_PRESSURE_HIGH
				  : lacking > 0			 ? WEIR_PRESSURE_SOME
								 : WEIR_PRESSURE_NONE;

	if (view->total_bytes > 0 && lacking == 0)
		return said < WEIR_PRESSURE_SOME ? said : WEIR_PRESSURE_SOME;
	return weir_pressure_worse(said, seen);
}

static uint64_t below(uint64_t bytes, uint64_t less)
{
	return bytes > less ? bytes - less : 0;
}

/* What is live may be freed next and is then retained. */
static void step_some(const struct weir_pressure_view *view, struct weir_pressure_step *step)
{
	step->idle_bytes = weir_fit(weir_max(missing(view), view->retained_bytes / 8));
	step->ceiling_bytes = view->live_bytes + view->retained_bytes;
}

static void step_high(const struct weir_pressure_view *view, struct weir_pressure_step *step)
{
	uint64_t lacking = missing(view), reserve = reserve_of(view);
	bool last = reserve > 0 && lacking > reserve - reserve / 4;

	step->idle_bytes = 0;
	step->ceiling_bytes = last ? 0
				   : (size_t)below(view->retained_bytes,
						   weir_max(lacking, view->retained_bytes / 2));
}

static bool fall(struct weir_pressure_control *control, enum weir_pressure level,
		 const struct weir_pressure_view *view, uint64_t now_ms,
		 struct weir_pressure_step *step)
{
	bool high = level == WEIR_PRESSURE_HIGH;

	control->next_rise_ms = now_ms + QUIET_MS;
	if (now_ms < (high ? control->next_high_ms : control->next_some_ms))
		return false;
	control->next_high_ms = now_ms + HIGH_STEP_MS;
	control->next_some_ms = now_ms + SOME_STEP_MS;
	if (high)
		step_high(view, step);
	else
		step_some(view, step);
	step->ceiling_bytes =
		weir_min(step->ceiling_bytes, weir_min(control->ceiling_bytes, view->limit_bytes));
	control->ceiling_bytes = step->ceiling_bytes;
	return true;
}

static bool rise(struct weir_pressure_control *control, const struct weir_pressure_view *view,
		 uint64_t now_ms, struct weir_pressure_step *step)
{
	uint64_t room = view->total_bytes == 0 ? WEIR_NO_LIMIT - view->retained_bytes
					       : free_of(view) - reserve_of(view);
	size_t risen;

	if (control->ceiling_bytes == WEIR_NO_LIMIT || now_ms < control->next_rise_ms)
		return false;
	control->next_rise_ms = now_ms + RISE_MS;
	risen = control->ceiling_bytes + weir_max(view->limit_bytes / 16, (size_t)WEIR_MIB);
	risen = (size_t)weir_min(risen, view->retained_bytes + room);
	if (risen <= control->ceiling_bytes)
		return false;
	control->ceiling_bytes = risen >= view->limit_bytes ? WEIR_NO_LIMIT : risen;
	*step = (struct weir_pressure_step){ 0, control->ceiling_bytes };
	return true;
}

bool weir_pressure_decide(struct weir_pressure_control *control, enum weir_pressure said,
			  const struct weir_pressure_view *view, uint64_t now_ms,
			  struct weir_pressure_step *step)
{
	enum weir_pressure level = level_of(said, view);

	return level == WEIR_PRESSURE_NONE ? rise(control, view, now_ms, step)
					   : fall(control, level, view, now_ms, step);
}

static bool looks_again(const struct weir_pressure_control *control,
			const struct weir_pressure_view *view)
{
	return control->ceiling_bytes != WEIR_NO_LIMIT ||
	       (view->retained_bytes > 0 && view->total_bytes > 0);
}

size_t weir_pressure_footprint(const struct weir_pressure_control *control,
			       const struct weir_pressure_view *view)
{
	size_t held = view->live_bytes + weir_min(view->retained_bytes, control->ceiling_bytes);

	return looks_again(control, view) ? weir_fit(held + below(free_of(view), reserve_of(view)))
					  : WEIR_NO_LIMIT;
}

uint64_t weir_pressure_next_ms(const struct weir_pressure_control *control,
			       const struct weir_pressure_view *view, uint64_t now_ms)
{
	if (!looks_again(control, view))
		return UINT64_MAX;
	if (view->total_bytes == 0)
		return now_ms + RISE_MS;
	return now_ms + (free_of(view) < 4 * reserve_of(view) ? NEAR_MS : FAR_MS);
}
