/* Limits per size range (WEIR_CLASS_LIMITS) over the lists of a pool. Layer 4.
 *
 * A quota counts the units of the blocks on the lists of its classes, and passes
 * its limit only where the kernel refuses to release: units are reserved before a
 * block is put on a list and given back after it was taken off. */
#ifndef WEIR_QUOTA_H
#define WEIR_QUOTA_H

#include "classes.h"
#include "config.h"
#include "weir.h"

#define WEIR_QUOTA_NONE 0xff

struct weir_quotas {
	struct {
		weir_u64 limit_units;			/* atomic, relaxed */
		WEIR_CACHE_ALIGNED weir_u64 used_units; /* atomic */
	} ranges[WEIR_CLASS_LIMITS_MAX];
	uint8_t of_class[WEIR_CLASS_COUNT]; /* const: index into ranges or WEIR_QUOTA_NONE */
};

/* A class belongs to the first limit whose range has requests that it serves. */
void weir_quotas_init(struct weir_quotas *quotas, const struct weir_class_limit *limits,
		      unsigned count);

/* Changes the limits of the same ranges. True where one is lower than it was. */
bool weir_quotas_set(struct weir_quotas *quotas, const struct weir_class_limit *limits,
		     unsigned count);

/* Units that the range of a class has beyond its limit. */
uint64_t weir_quotas_excess(const struct weir_quotas *quotas, unsigned class_index);

/* Reserves up to `units`, whatever is free; returns how many. */
uint64_t weir_quotas_reserve(struct weir_quotas *quotas, unsigned class_index, uint64_t units);
/* Counts units that are there whatever the limit says. */
void weir_quotas_charge(struct weir_quotas *quotas, unsigned class_index, uint64_t units);
void weir_quotas_give_back(struct weir_quotas *quotas, unsigned class_index, uint64_t units);

#endif
