#include "profile_advice.h"

#include "print.h"
#include "text.h"
#include "units.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_MS 1000000ULL

/* Tenths of a percent: below the first, what is freed is hardly used again; from the second on,
 * memory is short. */
#define LITTLE_FOUND_TENTHS 10
#define SHORT_TENTHS 750

/* A setting. */

__attribute__((format(printf, 3, 4))) static struct profile_setting *
add(struct profile_advice *advice, const char *name, const char *format, ...)
{
	struct profile_setting *setting = &advice->settings[advice->count++];
	va_list arguments;

	setting->name = name;
	setting->value[0] = '\0';
	va_start(arguments, format);
	vsnprintf(setting->reason, sizeof setting->reason, format, arguments);
	va_end(arguments);
	return setting;
}

static void put_size(struct profile_setting *setting, uint64_t bytes)
{
	struct weir_text text;

	weir_text_init(&text, setting->value, sizeof setting->value);
	weir_units_format_size_option(&text, bytes);
}

static const char *time_text(char *buffer, uint64_t ms)
{
	struct weir_text text;

	weir_text_init(&text, buffer, PRINT_SIZE_BYTES);
	weir_units_format_time_option(&text, ms);
	return buffer;
}

static void put_word(struct profile_setting *setting, const char *word)
{
	snprintf(setting->value, sizeof setting->value, "%s", word);
}

/* What is found. */

/* What an endless limit finds. */
static uint64_t most_found(const struct profile_kept *kept)
{
	return kept->found_bytes[PROFILE_LIMITS - 1];
}

static bool is_used_again(const struct profile_evidence *evidence)
{
	const struct profile_kept *kept = &evidence->figures->kept;

	return print_tenths(most_found(kept), kept->asked_bytes) >= LITTLE_FOUND_TENTHS;
}

/* Settings, each where there is evidence for it. */

static void advise_preset(struct profile_advice *advice, const struct profile_evidence *evidence)
{
	char share[PRINT_SIZE_BYTES];
	const struct profile_kept *kept = &evidence->figures->kept;

	if (evidence->figures->requests == 0 || is_used_again(evidence))
		return;
	put_word(
		add(advice, "WEIR_PRESET",
		    "of what was asked for, only %s had been freed before: there is nothing to keep",
		    print_share(share, most_found(kept), kept->asked_bytes)),
		"off");
}

static bool is_enough(uint64_t part, uint64_t whole)
{
	return part >= whole / 100 * PROFILE_ENOUGH;
}

static unsigned smallest_limit(const struct profile_kept *kept)
{
	unsigned i = 0;

	while (!is_enough(kept->found_bytes[i], most_found(kept)))
		i++;
	return i;
}

/* The largest limit of the model that is not above. */
static unsigned limit_below(uint64_t bytes)
{
	unsigned i = PROFILE_LIMITS - 1;

	while (i > 0 && profile_limit_bytes(i) > bytes)
		i--;
	return i;
}

static void advise_limit(struct profile_advice *advice, const struct profile_evidence *evidence)
{
	const struct profile_kept *kept = &evidence->figures->kept;
	unsigned i = smallest_limit(kept);
	uint64_t bytes = profile_limit_bytes(i);
	char found[PRINT_SIZE_BYTES], now[PRINT_SIZE_BYTES], limit[PRINT_SIZE_BYTES];
	struct profile_setting *setting;

	if (!is_used_again(evidence))
		return;
	print_share(found, kept->found_bytes[i], most_found(kept));
	print_size(limit, evidence->limit_bytes);
	print_share(now, kept->found_bytes[limit_below(evidence->limit_bytes)], most_found(kept));
	if (bytes > evidence->limit_bytes)
		setting = add(advice, "WEIR_LIMIT",
			      "the %s in force keep %s of the bytes that are used again, this "
			      "keeps %s",
			      limit, now, found);
	else
		setting = add(advice, "WEIR_LIMIT",
			      "keeps %s of the bytes that are used again; the %s in force keep no "
			      "more to speak of",
			      found, limit);
	put_size(setting, bytes);
}

static uint64_t shortest_decay(const struct profile_kept *kept)
{
	uint64_t most = profile_found_within(kept, UINT64_MAX);
	unsigned i = 0;

	while (!is_enough(profile_found_within(kept, profile_age_ms(i)), most))
		i++;
	return profile_age_ms(i) == UINT64_MAX ? UINT64_MAX
					       : weir_max(profile_age_ms(i), (uint64_t)1000);
}

/* What is shorter than a second is not worth a decay: pages would go and come all the time. */
static void advise_decay(struct profile_advice *advice, const struct profile_evidence *evidence)
{
	const struct profile_kept *kept = &evidence->figures->kept;
	uint64_t most = profile_found_within(kept, UINT64_MAX), ms = shortest_decay(kept);
	char share[PRINT_SIZE_BYTES], now[PRINT_SIZE_BYTES], value[PRINT_SIZE_BYTES];
	struct profile_setting *setting;

	if (!is_used_again(evidence) || most == 0 || ms == evidence->decay_ms)
		return;
	time_text(now, evidence->decay_ms);
	if (ms == UINT64_MAX) {
		put_word(add(advice, "WEIR_DECAY", "some of it is used again after ten minutes"),
			 "off");
		return;
	}
	print_share(share, profile_found_within(kept, ms), most);
	if (ms > evidence->decay_ms)
		setting = add(advice, "WEIR_DECAY",
			      "%s of what is used again is so within this time, only part of it "
			      "within the %s in force",
			      share, now);
	else
		setting = add(advice, "WEIR_DECAY",
			      "%s of what is used again is so within this time: what stays unused "
			      "longer may go sooner",
			      share);
	put_word(setting, time_text(value, ms));
}

static void advise_larger_max(struct profile_advice *advice,
			      const struct profile_evidence *evidence)
{
	const struct profile_figures *figures = evidence->figures;
	uint64_t largest = figures->passed_largest_bytes;
	char size[PRINT_SIZE_BYTES];
	uint64_t most = (uint64_t)1 << weir_log2_ceil(weir_max(largest, (uint64_t)1));

	if (evidence->statistics.oversize == 0 || largest <= evidence->max_bytes ||
	    most > WEIR_LARGEST_STRIDE)
		return;
	put_size(add(advice, "WEIR_MAX",
		     "%" PRIu64 " requests of up to %s were above WEIR_MAX, and so given back to "
		     "the system when they were freed",
		     evidence->statistics.oversize, print_size(size, largest)),
		 most);
}

/* The largest size below those few giants of which there are hundred times as many others; 0
 * where there are none. */
static uint64_t below_giants(const struct profile_figures *figures)
{
	uint64_t requests = 0;
	unsigned i = PROFILE_SIZES;

	while (i > 0 && requests + figures->sizes[i - 1].requests <= 2)
		requests += figures->sizes[--i].requests;
	if (requests == 0 || i == 0 || figures->requests < 100 * requests)
		return 0;
	return profile_size_bytes(i - 1);
}

static void advise_smaller_max(struct profile_advice *advice,
			       const struct profile_evidence *evidence)
{
	const struct profile_figures *figures = evidence->figures;
	uint64_t below = below_giants(figures);
	char size[PRINT_SIZE_BYTES];

	if (evidence->statistics.oversize > 0 || below == 0 || below >= evidence->max_bytes ||
	    !is_used_again(evidence) ||
	    figures->largest_bytes <= profile_limit_bytes(smallest_limit(&figures->kept)))
		return;
	put_size(add(advice, "WEIR_MAX",
		     "a block of %s was asked for once or twice, and would push out what is used "
		     "all the time when it is freed",
		     print_size(size, figures->largest_bytes)),
		 below);
}

static void advise_background(struct profile_advice *advice,
			      const struct profile_evidence *evidence)
{
	const struct profile_figures *figures = evidence->figures;
	char size[PRINT_SIZE_BYTES], idle[PRINT_SIZE_BYTES];

	if (evidence->has_helper || figures->idle_retained_bytes < WEIR_MIB ||
	    evidence->decay_ms == UINT64_MAX || figures->idle_ns / NS_PER_MS < evidence->decay_ms)
		return;
	put_word(add(advice, "WEIR_BACKGROUND",
		     "it made no large request for %s with %s retained: WEIR_DECAY then needs a "
		     "thread to give it back",
		     time_text(idle, figures->idle_ns / NS_PER_MS / 1000 * 1000),
		     print_size(size, figures->idle_retained_bytes)),
		 "1");
}

static void advise_signal(struct profile_advice *advice, const struct profile_evidence *evidence)
{
	if (evidence->statistics.has_own_handler)
		put_word(add(advice, "WEIR_SIGNAL",
			     "the program handles the signal of weir itself, so that it releases "
			     "nothing"),
			 "RTMIN+18");
}

static void advise_pressure(struct profile_advice *advice, const struct profile_evidence *evidence)
{
	uint64_t resident = census_sum(&evidence->peak.memory);
	uint64_t memory = evidence->statistics.memory_bytes;
	char share[PRINT_SIZE_BYTES], size[PRINT_SIZE_BYTES];

	if (evidence->has_pressure || memory == 0 || print_tenths(resident, memory) < SHORT_TENTHS)
		return;
	put_word(add(advice, "WEIR_PRESSURE",
		     "%s of the %s that the container or machine has were resident: weir can give "
		     "way when memory runs short",
		     print_share(share, resident, memory), print_size(size, memory)),
		 "1");
}

static void advise_live_limit(struct profile_advice *advice,
			      const struct profile_evidence *evidence)
{
	const struct profile_figures *figures = evidence->figures;
	uint64_t needed = figures->peak_live_bytes + figures->refused_largest_bytes;

	if (evidence->statistics.refused_live == 0)
		return;
	put_size(add(advice, "WEIR_LIVE_LIMIT",
		     "%" PRIu64 " requests were refused; with this the largest of them would have "
		     "been answered",
		     evidence->statistics.refused_live),
		 weir_align_up(needed, (uint64_t)WEIR_MIB));
}

static void (*const advisers[])(struct profile_advice *advice,
				const struct profile_evidence *evidence) = {
	advise_preset,	   advise_limit,  advise_decay,	   advise_larger_max, advise_smaller_max,
	advise_background, advise_signal, advise_pressure, advise_live_limit,
};

void profile_advise(struct profile_advice *advice, const struct profile_evidence *evidence)
{
	advice->count = 0;
	profile_judge(advice, evidence);
	if (advice->verdict == PROFILE_CANNOT_HELP)
		return;
	for (size_t i = 0; i < sizeof advisers / sizeof *advisers; i++)
		advisers[i](advice, evidence);
}
