#include "quota.h"

#include "atomic.h"

static uint8_t first_match(size_t bytes, const struct weir_class_limit *limits, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (bytes >= weir_class_bytes_for(limits[i].min_bytes) &&
		    bytes <= limits[i].max_bytes)
			return (uint8_t)i;
	return WEIR_QUOTA_NONE;
}

void weir_quotas_init(struct weir_quotas *quotas, const struct weir_class_limit *limits,
		      unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		quotas->ranges[i].limit_units = limits[i].limit_bytes >> WEIR_UNIT_SHIFT;
	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++)
		quotas->of_class[c] = first_match(weir_class_bytes(c), limits, count);
}

uint64_t weir_quotas_reserve(struct weir_quotas *quotas, unsigned class_index, uint64_t units)
{
	uint8_t range = quotas->of_class[class_index];
	uint64_t used, room, granted;

	if (range == WEIR_QUOTA_NONE)
		return units;
	used = weir_load_relaxed(&quotas->ranges[range].used_units);
	do {
		room = used < quotas->ranges[range].limit_units
			       ? quotas->ranges[range].limit_units - used
			       : 0;
		granted = units < room ? units : room;
	} while (!weir_cas_weak_acq_rel(&quotas->ranges[range].used_units, &used, used + granted));
	return granted;
}

void weir_quotas_charge(struct weir_quotas *quotas, unsigned class_index, uint64_t units)
{
	uint8_t range = quotas->of_class[class_index];

	if (range != WEIR_QUOTA_NONE)
		weir_add_acq_rel(&quotas->ranges[range].used_units, units);
}

void weir_quotas_give_back(struct weir_quotas *quotas, unsigned class_index, uint64_t units)
{
	weir_quotas_charge(quotas, class_index, -units);
}
