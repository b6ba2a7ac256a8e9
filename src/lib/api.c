/* The functions of weir.h. Layer 7.
 *
 * Where two libraries with weir are in a program, the one that the dynamic linker finds first
 * does the work (start.c). Whoever asked the other one by its handle (dlopen) comes here all the
 * same, and is led on, without a cost for others: no handle is known here then.
 *
 * What is here beside calls of places.h: arguments that people get wrong, and misuse, which ends
 * the program or is an error. A lease and a return of a block at hand are as short as malloc
 * and free of one (large.c). */
#include "api_shown.h"
#include "callers.h"
#include "config.h"
#include "engine.h"
#include "places.h"
#include "report.h"
#include "settings.h"
#include "start.h"
#include "track.h"

#include <errno.h>
#include <string.h>

static bool leads_on(void)
{
	return WEIR_UNLIKELY(!weir_stats_are_shown());
}

/* Options */

#define BLOCK_BYTES_MIN WEIR_KIB
#define BLOCK_BYTES_MAX WEIR_MIB
#define ALL_POOL_FLAGS ((unsigned)(WEIR_POOL_CLEAN | WEIR_POOL_TRACK | WEIR_POOL_NO_ABORT))

static bool are_valid_limits(const struct weir_pool_options *options)
{
	if (options->class_limit_count > WEIR_POOL_CLASS_LIMITS_MAX)
		return false;
	for (unsigned i = 0; i < options->class_limit_count; i++)
		if (options->class_limits[i].min_bytes > options->class_limits[i].max_bytes)
			return false;
	return true;
}

static bool is_valid_size(size_t block_bytes)
{
	return block_bytes == 0 ||
	       (block_bytes >= BLOCK_BYTES_MIN && block_bytes <= BLOCK_BYTES_MAX &&
		block_bytes % WEIR_SLAB_BLOCK_ALIGN == 0);
}

static bool are_valid(const struct weir_pool_options *options)
{
	for (unsigned i = 0; i < sizeof options->reserved / sizeof options->reserved[0]; i++)
		if (options->reserved[i] != 0)
			return false;
	return (options->flags & ~ALL_POOL_FLAGS) == 0 && are_valid_limits(options) &&
	       is_valid_size(options->block_bytes);
}

/* The table of presets is config's; it is asked as if the environment named one. */
struct weir_pool_options weir_pool_preset(enum weir_preset preset)
{
	static const char *const names[] = {
		[WEIR_PRESET_OFF] = "WEIR_PRESET=off",
		[WEIR_PRESET_MINIMAL] = "WEIR_PRESET=minimal",
		[WEIR_PRESET_MODERATE] = "WEIR_PRESET=moderate",
		[WEIR_PRESET_DEFAULT] = "WEIR_PRESET=default",
		[WEIR_PRESET_AGGRESSIVE] = "WEIR_PRESET=aggressive",
	};
	char name[32] = "";
	char *environment[] = { name, NULL };
	struct weir_config config;

	if (leads_on())
		return weir_shown.pool_preset(preset);
	weir_start();
	weir_engine_ready(); /* the container's memory is known from here on */
	if (preset <= WEIR_PRESET_AGGRESSIVE)
		strcpy(name, names[preset]);
	weir_config_load(&config, environment, "", NULL);
	weir_config_resolve(&config, weir_settings_memory_bytes(), NULL);
	return (struct weir_pool_options){
		.limit_bytes = config.limit_bytes,
		.class_blocks = config.class_blocks,
		.pooled_bytes = config.max_bytes,
		.decay_ms = config.decay_ms,
	};
}

struct weir_pool *weir_pool_create(const struct weir_pool_options *options)
{
	struct weir_pool_options standard;
	struct weir_place *place;
	int error = EINVAL;

	if (leads_on())
		return weir_shown.pool_create(options);
	weir_start();
	if (!options) {
		standard = weir_pool_preset(WEIR_PRESET_DEFAULT);
		options = &standard;
	}
	place = are_valid(options) ? weir_place_open(options, &error) : NULL;
	if (place)
		return weir_place_handle(place);
	errno = error;
	return NULL;
}

/* Misuse */

static int misuse(const struct weir_pool *handle, const char *call, const void *address,
		  const char *what, int error)
{
	if (!weir_place_is_quiet(handle))
		weir_report_misuse(call, address, what);
	return error;
}

static int wrong_pool(const struct weir_pool *handle, const void *block,
		      const struct weir_place *place, const struct weir_place *owner)
{
	char what_bytes[160];
	struct weir_text what;

	weir_text_init(&what, what_bytes, sizeof what_bytes);
	weir_text_string(&what, "the block is ");
	weir_text_string(&what, owner ? "of pool " : "of malloc");
	weir_text_string(&what, owner ? owner->shown.name : "");
	weir_text_string(&what, ", not of pool ");
	weir_text_string(&what, place->shown.name);
	return misuse(handle, "weir_return", block, what.data, EXDEV);
}

/* Leases */

/* Bits 8 and up of the flags are the alignment's logarithm. */
#define ALIGN_SHIFT 8
#define ALIGN_SHIFT_MAX 30U

/* Slabs begin where any power of two does that their size is a multiple of. */
static bool fits_block(const struct weir_place *place, size_t bytes, size_t align)
{
	return place->block_bytes == 0 ||
	       (bytes <= place->block_bytes && place->block_bytes % align == 0);
}

static int lease(struct weir_place *place, size_t bytes, unsigned flags, void **block)
{
	unsigned align_shift = flags >> ALIGN_SHIFT;
	unsigned others = flags & ((1U << ALIGN_SHIFT) - 1) & ~WEIR_CLEAN;

	if (bytes == 0 || others != 0 || align_shift > ALIGN_SHIFT_MAX ||
	    !fits_block(place, bytes, (size_t)1 << align_shift))
		return EINVAL;
	*block = weir_place_lease(place, bytes, (size_t)1 << align_shift,
				  (flags & WEIR_CLEAN) || (place->flags & WEIR_POOL_CLEAN));
	return *block ? 0 : ENOMEM;
}

/* Before the program has the block: whoever returns it finds it there. */
static void track(struct weir_place *place, const void *block, size_t bytes, void *caller)
{
	struct weir_track_lease lease = { .block = block,
					  .bytes = bytes,
					  .since_ms = weir_os_now_ms(),
					  .thread = (unsigned)weir_os_thread_id() };

	lease.depth = weir_callers(lease.stack, WEIR_TRACK_FRAMES, caller);
	weir_track_add(&place->track, &lease);
}

static int refuse_lease(const struct weir_pool *handle)
{
	return handle ? misuse(handle, "weir_lease", handle, "the pool is disposed of", ESTALE)
		      : EINVAL;
}

__attribute__((noinline)) static void *lease_uncached(struct weir_pool *handle, size_t bytes,
						      unsigned flags, void *caller)
{
	struct weir_place *place = weir_place_by_handle(handle);
	void *block = NULL;
	int error;

	if (WEIR_LIKELY(place && weir_place_is_open(place)))
		error = lease(place, bytes, flags, &block);
	else if (leads_on())
		return weir_shown.lease(handle, bytes, flags);
	else
		error = refuse_lease(handle);
	if (error)
		errno = error;
	else if (weir_place_tracks(place))
		track(place, block, bytes, caller);
	return block;
}

__attribute__((noinline)) static void *after_clock(void *block)
{
	weir_engine_step(weir_os_now_ms());
	return block;
}

/* Each way out is a call that ends the function, so that nothing need be saved; the program is the
 * caller of all of them. */

/* One in so many leases of blocks of one size has the clock. */
#define BLOCKS_PER_CLOCK 64

__attribute__((noinline)) static void *lease_block_otherwise(struct weir_place *place, size_t bytes,
							     struct weir_magazine_way way)
{
	void *block = weir_magazines_lease_otherwise(&place->blocks, way);

	return block ? after_clock(block)
		     : lease_uncached(weir_place_handle(place), bytes, 0,
				      __builtin_return_address(0));
}

/* Of a pool that the thread did not use last. */
__attribute__((noinline)) static void *lease_block_anew(struct weir_pool *handle, size_t bytes,
							unsigned flags)
{
	struct weir_place *place = weir_place_by_handle(handle);
	struct weir_magazine_way way = { NULL, 0 };

	if (place && flags == 0 && bytes - 1 < weir_load_relaxed(&place->fast_bytes))
		return lease_block_otherwise(place, bytes, way);
	return lease_uncached(handle, bytes, flags, __builtin_return_address(0));
}

static inline void *lease_block(struct weir_pool *handle, size_t bytes, unsigned flags)
{
	struct weir_place *place = weir_place_of_mine(handle);
	struct weir_magazine_way way;
	uint64_t leases;
	void *block;

	if (WEIR_UNLIKELY(!place || flags != 0 ||
			  bytes - 1 >= weir_load_relaxed(&place->fast_bytes)))
		return lease_block_anew(handle, bytes, flags);
	block = weir_magazine_lease_at_hand(weir_load_relaxed(&weir_magazine_memo.magazine), &way,
					    &leases);
	if (WEIR_UNLIKELY(!block))
		return lease_block_otherwise(place, bytes, way);
	if (WEIR_UNLIKELY(!weir_magazine_exit(way.magazine)))
		return weir_magazine_leased(&place->blocks, way.magazine, block);
	return WEIR_UNLIKELY(leases % BLOCKS_PER_CLOCK == 0) ? after_clock(block) : block;
}

__attribute__((noinline)) static void *lease_cached(struct weir_place *place, size_t bytes)
{
	uint64_t *hits;
	void *block = weir_block_take_cached(&place->pool, place->pool.place, &place->shown.counts,
					     bytes, &hits);

	if (WEIR_UNLIKELY(!block))
		return lease_uncached(weir_place_handle(place), bytes, 0,
				      __builtin_return_address(0));
	return WEIR_UNLIKELY(weir_block_wants_clock(hits)) ? after_clock(block) : block;
}

void *weir_lease(struct weir_pool *handle, size_t bytes, unsigned flags)
{
	struct weir_place *place;

	if (weir_place_has_blocks(handle))
		return lease_block(handle, bytes, flags);
	place = weir_place_by_handle(handle);
	if (WEIR_LIKELY(place && flags == 0 && bytes - 1 < weir_load_relaxed(&place->fast_bytes)))
		return lease_cached(place, bytes);
	return lease_uncached(handle, bytes, flags, __builtin_return_address(0));
}

size_t weir_lease_size(const void *block)
{
	struct weir_place *place =
		weir_space_owns(&weir_space, block) ? weir_place_of(block) : NULL;

	if (leads_on())
		return weir_shown.lease_size(block);
	return place ? weir_place_usable(place, block) : 0;
}

/* Why a block cannot be returned to the place, which it is not of. */
static int refuse_foreign(const struct weir_pool *handle, struct weir_place *place, void *block)
{
	struct weir_place *owner = weir_place_of(block);
	struct weir_block there = { NULL, 0, 0, 0 };
	enum weir_found found = weir_block_find(block, &there);

	if (owner ? weir_place_usable(owner, block) > 0 : found == WEIR_FOUND_LIVE)
		return wrong_pool(handle, block, place, owner);
	if (found == WEIR_FOUND_FREE || (owner && owner->block_bytes > 0))
		return misuse(handle, "weir_return", block, "the block is not leased", EALREADY);
	return misuse(handle, "weir_return", block, "not the start of a block", EINVAL);
}

static int return_to(const struct weir_pool *handle, struct weir_place *place, void *block)
{
	uint64_t now_ms = weir_os_now_ms();

	switch (weir_place_return(place, block, now_ms)) {
	case WEIR_FOUND_LIVE:
		weir_engine_step(now_ms);
		return 0;
	case WEIR_FOUND_FREE:
		return misuse(handle, "weir_return", block,
			      "returned twice, the block is not leased", EALREADY);
	case WEIR_FOUND_INSIDE:
	case WEIR_FOUND_UNUSED:
		break;
	}
	return misuse(handle, "weir_return", block, "not the start of a block", EINVAL);
}

static int refuse_return(const struct weir_pool *handle, void *block)
{
	if (!handle)
		return EINVAL;
	return misuse(handle, "weir_return", block, "the pool is gone", ESTALE);
}

/* Of a block that no place has, or of no pool. */
static int return_elsewhere(struct weir_pool *handle, struct weir_place *place, void *block)
{
	if (!block)
		return 0;
	if (!place && leads_on())
		return weir_shown.return_block(handle, block);
	if (!place || weir_place_is_gone(place))
		return refuse_return(handle, block);
	if (!weir_space_owns(&weir_space, block))
		return misuse(handle, "weir_return", block, "no pool has a block there", EINVAL);
	return refuse_foreign(handle, place, block);
}

__attribute__((noinline)) static int return_uncached(struct weir_pool *handle, void *block)
{
	struct weir_place *place = weir_place_by_handle(handle);

	if (WEIR_LIKELY(place && weir_space_owns(&weir_space, block) &&
			weir_place_of(block) == place && !weir_place_is_gone(place)))
		return return_to(handle, place, block);
	return return_elsewhere(handle, place, block);
}

__attribute__((noinline)) static int return_block_otherwise(struct weir_pool *handle,
							    struct weir_place *place, void *block,
							    struct weir_magazine_way way)
{
	return weir_magazines_return_otherwise(&place->blocks, way, block) == WEIR_RETURNED
		       ? 0
		       : return_uncached(handle, block);
}

__attribute__((noinline)) static int hand_over_and_return(struct weir_place *place,
							  struct weir_magazine *magazine)
{
	weir_magazine_hand_over(&place->blocks, magazine);
	return 0;
}

static inline int return_block(struct weir_pool *handle, void *block)
{
	struct weir_place *place = weir_place_of_mine(handle);
	struct weir_magazine_way way;
	uintptr_t *mark;

	if (WEIR_UNLIKELY(!place || weir_load_relaxed(&place->fast_bytes) == 0))
		return return_uncached(handle, block);
	mark = weir_magazines_leased(&place->blocks, block);
	if (WEIR_UNLIKELY(!mark))
		return return_uncached(handle, block);
	if (WEIR_UNLIKELY(
		    !weir_magazine_put_at_hand(weir_load_relaxed(&weir_magazine_memo.magazine),
					       place->blocks.used_max, &way, block, mark)))
		return return_block_otherwise(handle, place, block, way);
	return WEIR_LIKELY(weir_magazine_exit(way.magazine))
		       ? 0
		       : hand_over_and_return(place, way.magazine);
}

__attribute__((noinline)) static int return_cached(struct weir_pool *handle,
						   const struct weir_place *place, void *block)
{
	struct weir_slot *slot = NULL;
	uint64_t word = 0;

	if (WEIR_LIKELY(weir_space_owns(&weir_space, block)))
		slot = weir_block_cached(block, &word);
	return WEIR_LIKELY(slot && weir_load_relaxed(&slot->pool) == place->pool.place &&
			   weir_block_free_cached(slot, word))
		       ? 0
		       : return_uncached(handle, block);
}

/* As in weir_lease. */
int weir_return(struct weir_pool *handle, void *block)
{
	struct weir_place *place;

	if (weir_place_has_blocks(handle))
		return return_block(handle, block);
	place = weir_place_by_handle(handle);
	return WEIR_LIKELY(place != NULL) ? return_cached(handle, place, block)
					  : return_uncached(handle, block);
}

/* Asked of a pool that is gone; no misuse. */
static int missing(const struct weir_pool *handle)
{
	return handle ? ESTALE : EINVAL;
}

/* What is retained */

static size_t bytes_of(const struct weir_tally *tally)
{
	return weir_units_to_bytes(tally->units);
}

size_t weir_pool_release(struct weir_pool *handle)
{
	struct weir_place *place = weir_place_by_handle(handle);
	struct weir_tally tally = { 0, 0, 0 };
	int saved_errno = errno;

	if (leads_on())
		return weir_shown.pool_release(handle);
	if (place)
		tally = weir_place_release(place, WEIR_TRIGGER_api);
	errno = saved_errno;
	return bytes_of(&tally);
}

size_t weir_release(void)
{
	int saved_errno = errno;
	struct weir_tally tally;

	if (leads_on())
		return weir_shown.release();
	tally = weir_engine_release(WEIR_TRIGGER_api);
	errno = saved_errno;
	return bytes_of(&tally);
}

int weir_pool_set_limit(struct weir_pool *handle, size_t limit_bytes)
{
	struct weir_place *place = weir_place_by_handle(handle);
	int saved_errno = errno;

	if (leads_on())
		return weir_shown.pool_set_limit(handle, limit_bytes);
	if (!place || !weir_place_is_open(place))
		return missing(handle);
	weir_place_set_limit(place, limit_bytes);
	errno = saved_errno;
	return 0;
}

int weir_pool_stats(struct weir_pool *handle, struct weir_pool_figures *figures)
{
	struct weir_place *place = weir_place_by_handle(handle);

	if (leads_on())
		return weir_shown.pool_stats(handle, figures);
	if (!place)
		return missing(handle);
	weir_place_figures(place, figures);
	return 0;
}

const struct weir_stats_page *weir_stats(void)
{
	return leads_on() ? weir_shown.stats() : &weir_stats_page;
}

/* What is out: by whom, where that is known. */
static int report(struct weir_place *place, int fd)
{
	struct weir_pool_figures figures;

	if (weir_place_tracks(place))
		return weir_track_report(&place->track, place->shown.name, weir_os_now_ms(),
					 weir_callers_name, fd);
	weir_place_figures(place, &figures);
	return weir_track_report_sums(place->shown.name, figures.leased_bytes,
				      figures.leased_blocks, fd);
}

int weir_pool_report(struct weir_pool *handle, int fd)
{
	struct weir_place *place = weir_place_by_handle(handle);
	int saved_errno = errno, error;

	if (leads_on())
		return weir_shown.pool_report(handle, fd);
	if (!place)
		return missing(handle);
	error = -report(place, fd);
	errno = saved_errno;
	return error;
}

static void report_lost(struct weir_place *place)
{
	struct weir_line line;

	weir_line_begin(&line);
	weir_text_string(&line.text, "disposed of while blocks are leased:");
	weir_line_send(&line);
	report(place, weir_report_fd());
}

size_t weir_pool_dispose(struct weir_pool *handle)
{
	struct weir_place *place = weir_place_by_handle(handle);
	struct weir_pool_figures figures;
	int saved_errno = errno;
	bool first;

	if (leads_on())
		return weir_shown.pool_dispose(handle);
	if (!place)
		return 0;
	first = weir_place_dispose(place);
	weir_place_figures(place, &figures);
	if (first && figures.leased_blocks > 0 &&
	    (weir_place_tracks(place) || weir_settings()->verbose))
		report_lost(place);
	errno = saved_errno;
	return (size_t)figures.leased_blocks;
}
