#include "profile_keep.h"

#include "base.h"

#include <stdlib.h>

#define NS_PER_MS 1000000ULL

uint64_t profile_limit_bytes(unsigned i)
{
	uint64_t whole = (uint64_t)WEIR_MIB << i / 2;

	return i % 2 == 0 ? whole : whole + whole / 2;
}

uint64_t profile_age_ms(unsigned i)
{
	static const uint64_t ages[PROFILE_AGES] = {
		100,   200,   500,   1000,   2000,   5000,   10000,
		20000, 30000, 60000, 120000, 300000, 600000, UINT64_MAX,
	};

	return ages[i];
}

bool profile_keep_begin(struct profile_keep *keep, uint64_t limit_bytes)
{
	*keep = (struct profile_keep){ .limit_bytes = limit_bytes };
	keep->runs = calloc(PROFILE_FREED, sizeof *keep->runs);
	return keep->runs != NULL;
}

void profile_keep_end(struct profile_keep *keep)
{
	free(keep->runs);
}

/* Under all limits. */

static void take_all(struct profile_keep *keep, uint64_t bytes, struct profile_kept *kept)
{
	for (unsigned i = 0; i < PROFILE_LIMITS; i++) {
		uint64_t found = weir_min(keep->retained[i], bytes);

		keep->retained[i] -= found;
		kept->found_bytes[i] += found;
	}
}

static void put_all(struct profile_keep *keep, uint64_t bytes)
{
	for (unsigned i = 0; i < PROFILE_LIMITS; i++)
		keep->retained[i] = weir_min(keep->retained[i] + bytes, profile_limit_bytes(i));
}

/* Under the limit in force. */

static struct profile_freed *run_at(const struct profile_keep *keep, size_t i)
{
	return &keep->runs[(keep->first + i) % PROFILE_FREED];
}

static unsigned age_of(uint64_t ns)
{
	unsigned i = 0;

	while (i < PROFILE_AGES - 1 && ns > profile_age_ms(i) * NS_PER_MS)
		i++;
	return i;
}

static void take_last(struct profile_keep *keep, uint64_t ns, uint64_t bytes,
		      struct profile_kept *kept)
{
	while (bytes > 0 && keep->count > 0) {
		struct profile_freed *last = run_at(keep, keep->count - 1);
		uint64_t found = weir_min(bytes, last->bytes);

		kept->aged_bytes[age_of(ns - last->ns)] += found;
		keep->retained_bytes -= found;
		last->bytes -= found;
		bytes -= found;
		keep->count -= last->bytes == 0;
	}
}

static void drop_first(struct profile_keep *keep)
{
	while (keep->retained_bytes > keep->limit_bytes) {
		struct profile_freed *first = run_at(keep, 0);
		uint64_t beyond = weir_min(keep->retained_bytes - keep->limit_bytes, first->bytes);

		keep->retained_bytes -= beyond;
		first->bytes -= beyond;
		if (first->bytes == 0) {
			keep->first = (keep->first + 1) % PROFILE_FREED;
			keep->count--;
		}
	}
}

/* The two eldest become one that is as young as the younger. */
static void join_first(struct profile_keep *keep)
{
	run_at(keep, 1)->bytes += run_at(keep, 0)->bytes;
	keep->first = (keep->first + 1) % PROFILE_FREED;
	keep->count--;
}

void profile_keep_put(struct profile_keep *keep, uint64_t ns, uint64_t bytes)
{
	if (bytes == 0)
		return;
	put_all(keep, bytes);
	if (keep->count == PROFILE_FREED)
		join_first(keep);
	*run_at(keep, keep->count++) = (struct profile_freed){ ns, bytes };
	keep->retained_bytes += bytes;
	drop_first(keep);
}

void profile_keep_take(struct profile_keep *keep, uint64_t ns, uint64_t bytes,
		       struct profile_kept *kept)
{
	kept->asked_bytes += bytes;
	take_all(keep, bytes, kept);
	take_last(keep, ns, bytes, kept);
}
