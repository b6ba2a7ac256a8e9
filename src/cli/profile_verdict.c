#include "profile_advice.h"

#include "print.h"
#include "text.h"

#define FAULT_NS_PER_MIB 200000ULL

/* Tenths of a percent: below these, little is saved of the time, and little of the memory is
 * weir's. */
#define LITTLE_TIME_TENTHS 5
#define LITTLE_MEMORY_TENTHS 100

uint64_t profile_found_within(const struct profile_kept *kept, uint64_t ms)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < PROFILE_AGES && profile_age_ms(i) <= ms; i++)
		bytes += kept->aged_bytes[i];
	return bytes;
}

struct profile_saving profile_save(const struct profile_evidence *evidence)
{
	const struct profile_kept *kept = &evidence->figures->kept;
	struct profile_saving saving = { .found_bytes =
						 profile_found_within(kept, evidence->decay_ms) };
	uint64_t faulted = kept->asked_bytes - saving.found_bytes;
	uint64_t libc = evidence->figures->libc_faulted_bytes;

	saving.bytes = libc > faulted ? libc - faulted : 0;
	saving.ns = saving.bytes / WEIR_MIB * FAULT_NS_PER_MIB;
	return saving;
}

static enum census_kind largest_other(const struct census *memory)
{
	enum census_kind most = CENSUS_HEAP;

	for (unsigned kind = 0; kind < CENSUS_KINDS; kind++)
		if (kind != CENSUS_WEIR && memory->bytes[kind] > memory->bytes[most])
			most = kind;
	return most;
}

/* Not where the program ended too soon, or what is live was half of its peak at most. */
static bool was_seen(const struct profile_evidence *evidence)
{
	return evidence->peak.processes > 0 &&
	       2 * evidence->peak.live_bytes >= evidence->figures->peak_live_bytes;
}

static void judge(struct profile_advice *advice, const struct profile_evidence *evidence)
{
	const struct profile_figures *figures = evidence->figures;
	const struct census *memory = &evidence->peak.memory;
	uint64_t ns = profile_save(evidence).ns;
	bool saves = print_tenths(ns, figures->span_ns) >= LITTLE_TIME_TENTHS;
	bool serves = !was_seen(evidence) ||
		      print_tenths(memory->bytes[CENSUS_WEIR], census_private(memory)) >=
			      LITTLE_MEMORY_TENTHS;

	advice->verdict = figures->requests > 0 && saves ? PROFILE_HELPS : PROFILE_HELPS_LITTLE;
	if (figures->requests == 0 || (!serves && !saves))
		advice->verdict = PROFILE_CANNOT_HELP;
}

/* "weir serves 3.1 % of the memory": of nothing where nothing was seen. */
static void put_share(struct weir_text *text, const struct profile_evidence *evidence)
{
	const struct census *memory = &evidence->peak.memory;
	char share[PRINT_SIZE_BYTES];

	if (evidence->figures->requests == 0) {
		weir_text_string(text, "weir got no large request");
	} else if (!was_seen(evidence)) {
		weir_text_string(text, "weir serves the large requests");
	} else {
		weir_text_string(text, "weir serves ");
		weir_text_string(text, print_share(share, memory->bytes[CENSUS_WEIR],
						   census_private(memory)));
		weir_text_string(text, " of the memory");
	}
}

static void put_rest(struct weir_text *text, const struct profile_evidence *evidence)
{
	const struct census *memory = &evidence->peak.memory;
	char size[PRINT_SIZE_BYTES];
	enum census_kind other = largest_other(memory);

	if (evidence->peak.processes == 0)
		return;
	weir_text_string(text, "; most of it, ");
	weir_text_string(text, print_size(size, memory->bytes[other]));
	weir_text_string(text, ", is: ");
	weir_text_string(text, census_label(other));
}

static void summarize(struct profile_advice *advice, const struct profile_evidence *evidence)
{
	struct profile_saving saving = profile_save(evidence);
	char size[PRINT_SIZE_BYTES], share[PRINT_SIZE_BYTES], time[PRINT_SIZE_BYTES];
	struct weir_text text;

	weir_text_init(&text, advice->summary, sizeof advice->summary);
	put_share(&text, evidence);
	if (advice->verdict == PROFILE_CANNOT_HELP) {
		weir_text_string(&text, ": it cannot help here");
		put_rest(&text, evidence);
		return;
	}
	weir_text_string(&text,
			 advice->verdict == PROFILE_HELPS ? ", and saves " : ", but saves only ");
	weir_text_string(&text, print_size(size, saving.bytes));
	weir_text_string(&text, " of page faults, about ");
	weir_text_string(&text, print_time(time, saving.ns));
	weir_text_string(&text, " or ");
	weir_text_string(&text, print_share(share, saving.ns, evidence->figures->span_ns));
	weir_text_string(&text, " of the time it ran");
}

const char *profile_verdict_name(enum profile_verdict verdict)
{
	static const char *const verdict_names[] = {
		[PROFILE_HELPS] = "helps",
		[PROFILE_HELPS_LITTLE] = "helps-little",
		[PROFILE_CANNOT_HELP] = "cannot-help",
	};

	return verdict_names[verdict];
}

void profile_judge(struct profile_advice *advice, const struct profile_evidence *evidence)
{
	judge(advice, evidence);
	summarize(advice, evidence);
}
