#include "profile_moments.h"

#include "base.h"

#include <string.h>

#define FIRST_WIDTH_NS 1000

static void raise_to(uint64_t *most, const uint64_t *values)
{
	for (size_t v = 0; v < PROFILE_MOMENT_VALUES; v++)
		most[v] = weir_max(most[v], values[v]);
}

/* Two moments become one. */
static void widen(struct profile_moments *moments)
{
	size_t half = (moments->count + 1) / 2;

	for (size_t i = 0; i < half; i++) {
		uint64_t *first = moments->most[2 * i];

		if (2 * i + 1 < moments->count)
			raise_to(first, moments->most[2 * i + 1]);
		memmove(moments->most[i], first, sizeof moments->most[i]);
	}
	moments->count = half;
	moments->width_ns *= 2;
}

void profile_moments_end(struct profile_moments *moments, uint64_t ns)
{
	if (moments->width_ns == 0)
		moments->width_ns = FIRST_WIDTH_NS;
	while (ns / moments->width_ns >= PROFILE_MOMENTS)
		widen(moments);
	while (moments->count <= ns / moments->width_ns)
		memcpy(moments->most[moments->count++], moments->now, sizeof moments->now);
}

void profile_moments_set(struct profile_moments *moments, uint64_t ns,
			 const uint64_t values[PROFILE_MOMENT_VALUES])
{
	profile_moments_end(moments, ns);
	memcpy(moments->now, values, sizeof moments->now);
	raise_to(moments->most[moments->count - 1], values);
}
