/* What weir doctor reads out of the figures of a process. */
#include "doctor.h"
#include "print.h"
#include "units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Fewer requests say nothing about a hit rate. */
#define REQUESTS_MIN 100

/* A share of hits that is worth a look, in percent. */
#define HIT_RATE_LOW 50

/* Requests that do not fit the limit matter from this share on, in percent. */
#define BEYOND_LIMIT_SHARE 10

bool doctor_is_loaded(const struct doctor_patient *patient)
{
	return patient->read == PROCESS_OK;
}

bool doctor_is_ready(const struct doctor_patient *patient)
{
	return doctor_is_loaded(patient) && patient->process.snapshot.state == WEIR_STATE_READY;
}

const char *doctor_setting(const struct doctor_patient *patient, const char *name, char *value,
			   size_t size)
{
	const char *line = patient->process.settings;
	size_t length = strlen(name);

	value[0] = '\0';
	while (line != NULL && (strncmp(line, name, length) != 0 || line[length] != '=')) {
		line = strchr(line, '\n');
		line = line == NULL ? NULL : line + 1;
	}
	if (line != NULL)
		snprintf(value, size, "%.*s", (int)strcspn(line + length + 1, "\t\n"),
			 line + length + 1);
	return value;
}

static uint64_t counter(const struct doctor_patient *patient, enum weir_counter which)
{
	return patient->process.snapshot.counters[which];
}

static uint64_t hit_percent(const struct weir_snapshot *snapshot)
{
	return snapshot->requests == 0 ? 100 : snapshot->hits * 100 / snapshot->requests;
}

/* The largest class that was asked for and does not fit the limit, in bytes; 0 for none, or
 * for so few requests that it is no matter. A block that is cut counts as a hit later. */
static uint64_t class_beyond_limit(const struct weir_snapshot *snapshot)
{
	uint64_t size = 0, requests = 0;

	for (size_t i = 0; i < WEIR_CLASS_COUNT; i++) {
		const struct weir_snapshot_class *counts = &snapshot->classes[i];

		if (counts->hits + counts->misses == 0 ||
		    counts->size_bytes <= snapshot->limit_bytes)
			continue;
		size = counts->size_bytes;
		requests += counts->hits + counts->misses;
	}
	return requests * 100 >= snapshot->requests * BEYOND_LIMIT_SHARE ? size : 0;
}

/* More went for the limit than is kept now, at least once over. */
static bool is_limit_short(const struct weir_snapshot *snapshot)
{
	return snapshot->requests >= REQUESTS_MIN && hit_percent(snapshot) < HIT_RATE_LOW &&
	       snapshot->released[WEIR_TRIGGER_limit].bytes > snapshot->retained_bytes;
}

/* What would have kept all that was ever free at once. */
static void advise_limit(const struct doctor_patient *patient, struct doctor_finding *finding,
			 uint64_t bytes)
{
	char value[32];
	struct weir_text text;

	weir_text_init(&text, value, sizeof value);
	weir_units_format_size_option(&text, weir_align_up((size_t)bytes, WEIR_MIB));
	doctor_advise(finding, "weir set %d limit=%s", (int)patient->process.pid, value);
}

static void examine_limit(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	const struct weir_snapshot *snapshot = &patient->process.snapshot;
	char limit[PRINT_SIZE_BYTES], other[PRINT_SIZE_BYTES];
	uint64_t size;

	if (!doctor_is_ready(patient))
		return;
	print_size(limit, snapshot->limit_bytes);
	size = class_beyond_limit(snapshot);
	if (snapshot->limit_bytes == 0) {
		doctor_say(finding, DOCTOR_PROBLEM, "WEIR_LIMIT is 0: no free block is kept");
		advise_limit(patient, finding, snapshot->peak_live_bytes);
	} else if (size > 0) {
		doctor_say(finding, DOCTOR_PROBLEM,
			   "blocks of %s were asked for, and WEIR_LIMIT is %s: they are cut when "
			   "they are freed",
			   print_size(other, size), limit);
		advise_limit(patient, finding, weir_max(size, snapshot->peak_live_bytes));
	} else if (is_limit_short(snapshot)) {
		doctor_say(finding, DOCTOR_PROBLEM,
			   "%s were released to stay within the limit of %s",
			   print_size(other, snapshot->released[WEIR_TRIGGER_limit].bytes), limit);
		advise_limit(patient, finding, snapshot->peak_live_bytes);
	} else {
		doctor_say(finding, DOCTOR_OK, "the limit of %s is large enough for what was seen",
			   limit);
	}
}

static void examine_hits(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	const struct weir_snapshot *snapshot = &patient->process.snapshot;
	uint64_t percent = hit_percent(snapshot);
	bool low = snapshot->requests >= REQUESTS_MIN && percent < HIT_RATE_LOW;

	if (doctor_is_ready(patient) && snapshot->requests > 0)
		doctor_say(finding, low ? DOCTOR_NOTE : DOCTOR_OK,
			   "%" PRIu64 " %% of them found a kept block", percent);
}

static void examine_oversize(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	uint64_t oversize = counter(patient, WEIR_COUNT_oversize);
	char max[64];

	if (!doctor_is_loaded(patient) || oversize == 0)
		return;
	doctor_say(finding,
		   oversize > patient->process.snapshot.requests ? DOCTOR_PROBLEM : DOCTOR_NOTE,
		   "requests above WEIR_MAX=%s, which are not pooled: %" PRIu64,
		   doctor_setting(patient, "WEIR_MAX", max, sizeof max), oversize);
	doctor_advise(finding, "start it with a larger WEIR_MAX");
}

static void examine_refused(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	uint64_t refused = counter(patient, WEIR_COUNT_refused);
	char max[64];

	if (!doctor_is_loaded(patient) || refused == 0)
		return;
	doctor_say(finding, DOCTOR_PROBLEM,
		   "requests above WEIR_MAX_ALLOC=%s, which got ENOMEM: %" PRIu64,
		   doctor_setting(patient, "WEIR_MAX_ALLOC", max, sizeof max), refused);
	doctor_advise(finding, "weir set %d max-alloc=none", (int)patient->process.pid);
}

static void examine_passed(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	uint64_t passed = counter(patient, WEIR_COUNT_passed);

	if (doctor_is_ready(patient) && passed > 0)
		doctor_say(finding, DOCTOR_NOTE,
			   "large requests that found no slot and went to the backend: %" PRIu64,
			   passed);
}

static void examine_releases(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	uint64_t failures = counter(patient, WEIR_COUNT_release_failures);

	if (!doctor_is_ready(patient) || failures == 0)
		return;
	doctor_say(finding, DOCTOR_PROBLEM, "releases that the kernel refused: %" PRIu64, failures);
	doctor_advise(finding, "memory that the program locks (mlock, mlockall) may not be "
			       "releasable: use Linux 5.18 or later, or lock less");
}

const struct doctor_check doctor_figure_checks[] = {
	{ "limit", examine_limit },
	{ "hits", examine_hits },
	{ "oversize", examine_oversize },
	{ "refused", examine_refused },
	{ "passed", examine_passed },
	{ "releases", examine_releases },
	{ NULL, NULL },
};
