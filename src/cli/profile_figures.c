#include "profile_figures.h"

#include "profile_balance.h"
#include "profile_live.h"

#include <stdlib.h>

#define NS_PER_MS 1000000ULL

struct profile {
	struct profile_figures figures;
	struct profile_balance balance;
	struct profile_live live;
	struct profile_live resized; /* in a realloc, by thread */
};

/* Lives. */

static const struct {
	uint64_t ns;
	const char *name;
} lives[PROFILE_LIVES] = {
	{ 100000, "under 0.1 ms" },
	{ NS_PER_MS, "under 1 ms" },
	{ 10 * NS_PER_MS, "under 10 ms" },
	{ 100 * NS_PER_MS, "under 0.1 s" },
	{ 1000 * NS_PER_MS, "under 1 s" },
	{ 10000 * NS_PER_MS, "under 10 s" },
	{ 100000 * NS_PER_MS, "under 100 s" },
	{ UINT64_MAX, "100 s and more" },
	{ UINT64_MAX, "to the end" },
};

uint64_t profile_life_ns(unsigned i)
{
	return lives[i].ns;
}

const char *profile_life_name(unsigned i)
{
	return lives[i].name;
}

static void add_life(struct profile_figures *figures, unsigned i, uint64_t bytes)
{
	figures->lives[i].blocks++;
	figures->lives[i].bytes += bytes;
}

static unsigned life_of(uint64_t ns)
{
	unsigned i = 0;

	while (i < PROFILE_SURVIVED - 1 && ns >= lives[i].ns)
		i++;
	return i;
}

/* Blocks. */

static void count_request(struct profile_figures *figures, const struct trace_event *event)
{
	unsigned size = weir_log2_ceil(weir_max(event->bytes, (uint64_t)4096)) - 12;
	struct profile_size *counted = &figures->sizes[weir_min(size, PROFILE_SIZES - 1U)];

	counted->requests++;
	counted->bytes += event->bytes;
	figures->requests++;
	figures->requested_bytes += event->bytes;
	figures->largest_bytes = weir_max(figures->largest_bytes, event->bytes);
	figures->processes[event->process].requests++;
}

/* Calls were lost where a block is there already. */
static bool put_block(struct profile *profile, const struct profile_block *block)
{
	struct profile_block lost;

	if (profile_live_take(&profile->live, block->process, block->key, &lost))
		profile_balance_put(&profile->balance, &lost);
	return profile_live_put(&profile->live, block);
}

/* One of no bytes takes up some, too; and a file may be made up. */
#define MOST_BYTES ((uint64_t)1 << 46)
static uint64_t block_bytes(const struct trace_event *event)
{
	return weir_min(weir_max(event->bytes, (uint64_t)1), MOST_BYTES);
}

static bool take_new(struct profile *profile, const struct trace_event *event)
{
	struct profile_block block = {
		.key = event->address,
		.process = event->process,
		.thread = event->thread,
		.bytes = block_bytes(event),
		.start_ns = event->ns,
	};

	count_request(&profile->figures, event);
	profile_balance_take(&profile->balance, &block);
	return put_block(profile, &block);
}

static void count_growth(struct profile_figures *figures, struct profile_block *block)
{
	figures->grown++;
	figures->grown_blocks += block->grown == 0;
	block->grown++;
	figures->grown_most = weir_max(figures->grown_most, (uint64_t)block->grown);
}

static bool take_resized(struct profile *profile, const struct trace_event *event)
{
	struct profile_block block;

	if (event->old_address == 0 ||
	    !profile_live_take(&profile->resized, event->process, (uint64_t)event->thread, &block))
		return take_new(profile, event);
	count_request(&profile->figures, event);
	if (profile_balance_resize(&profile->balance, &block, block_bytes(event)))
		count_growth(&profile->figures, &block);
	block.key = event->address;
	block.bytes = block_bytes(event);
	return put_block(profile, &block);
}

static bool begin_resize(struct profile *profile, const struct trace_event *event)
{
	struct profile_block block, lost;

	if (!profile_live_take(&profile->live, event->process, event->address, &block))
		return true;
	block.key = (uint64_t)event->thread;
	if (profile_live_take(&profile->resized, block.process, block.key, &lost))
		profile_balance_put(&profile->balance, &lost);
	return profile_live_put(&profile->resized, &block);
}

/* A realloc that failed leaves the block where it was. */
static bool take_refused(struct profile *profile, const struct trace_event *event)
{
	struct profile_figures *figures = &profile->figures;
	struct profile_block block;

	figures->refused_largest_bytes = weir_max(figures->refused_largest_bytes, event->bytes);
	if (event->old_address == 0 ||
	    !profile_live_take(&profile->resized, event->process, (uint64_t)event->thread, &block))
		return true;
	block.key = event->old_address;
	return put_block(profile, &block);
}

static bool take_passed(struct profile *profile, const struct trace_event *event)
{
	struct profile_figures *figures = &profile->figures;
	struct profile_block block;

	figures->passed_bytes += event->bytes;
	figures->passed_largest_bytes = weir_max(figures->passed_largest_bytes, event->bytes);
	if (event->old_address != 0 &&
	    profile_live_take(&profile->resized, event->process, (uint64_t)event->thread, &block))
		profile_balance_put(&profile->balance, &block);
	return true;
}

static bool take_freed(struct profile *profile, const struct trace_event *event)
{
	struct profile_figures *figures = &profile->figures;
	struct profile_block block;

	if (!profile_live_take(&profile->live, event->process, event->address, &block))
		return true;
	figures->freed++;
	figures->freed_bytes += block.bytes;
	if (block.thread != event->thread) {
		figures->freed_foreign++;
		figures->freed_foreign_bytes += block.bytes;
	}
	if (event->call == WEIR_TRACE_FREE_TOUCHED) {
		figures->touched_bytes += weir_min(event->touched, block.bytes);
		figures->touched_of_bytes += block.bytes;
	}
	add_life(figures, life_of(event->ns - weir_min(event->ns, block.start_ns)), block.bytes);
	profile_balance_put(&profile->balance, &block);
	return true;
}

/* The trace. */

static bool (*const takers[WEIR_TRACE_CALLS])(struct profile *profile,
					      const struct trace_event *event) = {
	[WEIR_TRACE_MALLOC] = take_new,
	[WEIR_TRACE_CALLOC] = take_new,
	[WEIR_TRACE_FREE] = take_freed,
	[WEIR_TRACE_FREE_TOUCHED] = take_freed,
	[WEIR_TRACE_REALLOC_BEGIN] = begin_resize,
	[WEIR_TRACE_REALLOC] = take_resized,
	[WEIR_TRACE_PASSED] = take_passed,
	[WEIR_TRACE_REFUSED] = take_refused,
};

bool profile_take(struct profile *profile, const struct trace_event *event)
{
	profile_balance_pass(&profile->balance, event->ns);
	profile->figures.calls[event->call]++;
	return takers[event->call](profile, event);
}

const struct profile_figures *profile_finish(struct profile *profile)
{
	profile_balance_finish(&profile->balance);
	for (size_t i = 0; i < profile->live.room; i++)
		if (profile->live.blocks[i].bytes != 0)
			add_life(&profile->figures, PROFILE_SURVIVED,
				 profile->live.blocks[i].bytes);
	return &profile->figures;
}

const struct profile_figures *profile_read(struct profile *profile, struct trace *trace)
{
	struct trace_event event;
	enum trace_step step;

	while ((step = trace_next(trace, &event)) == TRACE_EVENT)
		if (!profile_take(profile, &event))
			return NULL;
	return step == TRACE_END ? profile_finish(profile) : NULL;
}

struct profile *profile_begin(const struct trace *trace, uint64_t limit_bytes)
{
	struct profile *profile = calloc(1, sizeof *profile);

	if (profile == NULL ||
	    profile_balance_begin(&profile->balance, &profile->figures, trace, limit_bytes))
		return profile;
	profile_end(profile);
	return NULL;
}

void profile_end(struct profile *profile)
{
	if (profile == NULL)
		return;
	profile_balance_end(&profile->balance);
	profile_live_end(&profile->live);
	profile_live_end(&profile->resized);
	free(profile);
}
