/* What the figures of a program say about weir and its settings: whether it helps, and which
 * settings suit, each with its reason. Pure. */
#ifndef WEIR_CLI_PROFILE_ADVICE_H
#define WEIR_CLI_PROFILE_ADVICE_H

#include "census_take.h"
#include "profile_figures.h"

/* The statistics of all processes under weir, summed, as last known. */
struct profile_statistics {
	uint64_t processes;
	uint64_t requests;
	uint64_t hits;
	uint64_t misses;
	uint64_t oversize;
	uint64_t passed;
	uint64_t refused;      /* by WEIR_MAX_ALLOC */
	uint64_t refused_live; /* by WEIR_LIVE_LIMIT */
	uint64_t limit_bytes;  /* the largest */
	uint64_t memory_bytes; /* of the container or machine; 0 for unknown */
	bool has_own_handler;  /* some program has WEIR_SIGNAL for itself */
};

struct profile_evidence {
	const struct profile_figures *figures;
	struct profile_statistics statistics;
	struct census_sample peak; /* when most was resident; without processes: never seen */
	uint64_t limit_bytes;	   /* settings in force */
	uint64_t max_bytes;
	uint64_t decay_ms; /* UINT64_MAX for off */
	bool has_helper;
	bool has_pressure;
};

/* Page faults that weir saved beside the C library, by the models; and about the time they take:
 * 0.2 ms for each MiB. */
struct profile_saving {
	uint64_t found_bytes; /* of those requested, that were retained when they were asked for */
	uint64_t bytes;	      /* not faulted that the C library would have */
	uint64_t ns;
};
struct profile_saving profile_save(const struct profile_evidence *evidence);

/* Bytes that were found under the limit in force after that time at most. */
uint64_t profile_found_within(const struct profile_kept *kept, uint64_t ms);

enum profile_verdict { PROFILE_HELPS, PROFILE_HELPS_LITTLE, PROFILE_CANNOT_HELP };
const char *profile_verdict_name(enum profile_verdict verdict); /* for programs */

#define PROFILE_SETTINGS_MAX 12
#define PROFILE_TEXT_BYTES 320

struct profile_setting {
	const char *name;
	char value[32];
	char reason[PROFILE_TEXT_BYTES];
};

struct profile_advice {
	enum profile_verdict verdict;
	char summary[PROFILE_TEXT_BYTES];
	size_t count;
	struct profile_setting settings[PROFILE_SETTINGS_MAX];
};

/* The verdict and its summary alone, and all of it. */
void profile_judge(struct profile_advice *advice, const struct profile_evidence *evidence);
void profile_advise(struct profile_advice *advice, const struct profile_evidence *evidence);

/* A limit or a decay is enough that has this share of what an endless one would have. */
#define PROFILE_ENOUGH 98

#endif
