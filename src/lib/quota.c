#include "quota.h"

#include "atomic.h"

static uint8_t first_match(unsigned class_index, const struct weir_class_limit *limits,
			   unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (weir_class_serves(class_index, limits[i].min_bytes, limits[i].max_bytes))
			return (uint8_t)i;
	return WEIR_QUOTA_NONE;
}

void weir_quotas_init(struct weir_quotas *quotas, const struct weir_class_limit *limits,
		      unsigned count)
{
	weir_quotas_set(quotas, limits, count);
	for (unsigned c = 0; c < WEIR_CLASS_COUNT; c++)
		quotas->of_class[c] = first_match(c, limits, count);
}

bool weir_quotas_set(struct weir_quotas *quotas, const struct weir_class_limit *limits,
		     unsigned count)
{
	bool lower = false;

	for (unsigned i = 0; i < count; i++) {
		uint64_t limit = (uint64_t)limits[i].limit_bytes >> WEIR_UNIT_SHIFT;

		lower |= limit < quotas->ranges[i].limit_units;
		weir_store_relaxed(&quotas->ranges[i].limit_units, limit);
	}
	return lower;
}

uint64_t weir_quotas_excess(const struct weir_quotas *quotas, unsigned class_index)
{
	uint8_t range = quotas->of_class[class_index];
	uint64_t used, limit;

	if (range == WEIR_QUOTA_NONE)
		return 0;
	used = weir_load_seq_cst(&quotas->ranges[range].used_units);
	limit = weir_load_relaxed(&quotas->ranges[range].limit_units);
	return used > limit ? used - limit : 0;
}

uint64_t weir_quotas_reserve(struct weir_quotas *quotas, unsigned class_index, uint64_t units)
{
	uint8_t range = quotas->of_class[class_index];
	uint64_t limit, used, room, granted;

	if (range == WEIR_QUOTA_NONE)
		return units;
	limit = weir_load_relaxed(&quotas->ranges[range].limit_units);
	used = weir_load_relaxed(&quotas->ranges[range].used_units);
	do {
		room = used < limit ? limit - used : 0;
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
