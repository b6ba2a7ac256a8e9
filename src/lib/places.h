/* The pools of programs: where they stand, and what is leased from them. Layer 5.
 *
 * A place has a pool, what it decays by and what readers outside see of it. Places are
 * reserved with the first one, committed one by one, never taken away and used again, so that
 * slot.pool always leads to a pool:
 *
 *   NONE -> CHANGING -> OPEN -> CHANGING -> DISPOSED -> CHANGING
 *
 * each to CHANGING by one compare-and-swap, and from DISPOSED only once nothing of the pool is
 * live or retained. A handle is a place's
 * address and the generation of its pool, so that one of a pool that is gone leads nowhere.
 *
 * Who may race whom: everybody. A lease that races with the disposal of its pool may be the
 * last one. Not for signal handlers, but for weir_place_release. */
#ifndef WEIR_PLACES_H
#define WEIR_PLACES_H

#include "block.h"
#include "decay.h"
#include "magazine.h"
#include "track.h"

#define WEIR_PLACE_SHIFT 17
#define WEIR_PLACE_BYTES ((size_t)1 << WEIR_PLACE_SHIFT)

/* In a handle: WEIR_POOL_NO_ABORT, and that blocks are of one size, beside 15 bits of
 * generation. */
#define WEIR_HANDLE_QUIET ((uintptr_t)1 << 16)
#define WEIR_HANDLE_BLOCKS ((uintptr_t)1 << 15)

struct weir_place {
	struct weir_stats_pool shown; /* its state is atomic, release, pairs with acquire here */
	uintptr_t handle;	      /* atomic: of the pool that is here now; 0 for none yet */
	unsigned flags;		      /* const while it is open: enum weir_pool_flags */
	size_t pooled_bytes;	      /* const, too; or WEIR_NO_LIMIT */
	/* Atomic, relaxed: the longest lease to try the cache for; and where it has no flags, and
	 * nothing but to try that, or what is at hand of blocks of one size, is to be done. */
	size_t cached_bytes;
	size_t fast_bytes;
	size_t block_bytes; /* const while it is open: where blocks are of one size; else 0 */
	struct weir_pool pool;
	struct weir_decay decay;
	struct weir_magazines blocks; /* of one size; kept by the place until it is used again */
	struct weir_track track;      /* with WEIR_POOL_TRACK: what is leased; kept by the place */
};

/* Where they are; aligned to a place's size. Place 0 is nobody's. */
struct weir_places {
	char *base;  /* atomic, release, pairs with acquire in weir_place_at; NULL until needed */
	size_t span; /* atomic, release, pairs with acquire in weir_place_by_handle: in use */
	void (*claimed)(void); /* const: called by a thread that has to call weir_places_leave when
				* it ends; or NULL */
};
extern WEIR_HIDDEN struct weir_places weir_places;

static inline struct weir_place *weir_place_at(uint32_t place)
{
	return (struct weir_place *)(void *)(weir_load_acquire(&weir_places.base) +
					     ((size_t)place << WEIR_PLACE_SHIFT));
}

static inline struct weir_pool *weir_place_handle(const struct weir_place *place)
{
	return (struct weir_pool *)place->handle; // NOLINT: not a pointer
}

/* NULL for a handle that was never one, or of a pool that is gone. */
static inline struct weir_place *weir_place_by_handle(const struct weir_pool *handle)
{
	uintptr_t at = (uintptr_t)handle & ~(uintptr_t)(WEIR_PLACE_BYTES - 1);
	size_t span = weir_load_acquire(&weir_places.span);
	struct weir_place *place = (struct weir_place *)at; // NOLINT: one of ours, if anything

	if (WEIR_UNLIKELY(at - (uintptr_t)weir_load_relaxed(&weir_places.base) >= span))
		return NULL;
	return WEIR_LIKELY(weir_load_relaxed(&place->handle) == (uintptr_t)handle) ? place : NULL;
}

static inline bool weir_place_has_blocks(const struct weir_pool *handle)
{
	return ((uintptr_t)handle & WEIR_HANDLE_BLOCKS) != 0;
}

/* The place of a pool with blocks of one size that the calling thread used last, so that its
 * magazine is the one that the memo has; else NULL. The memo's key was a handle, so there is a
 * place there, and its pool is still the one that had it where the serial is. */
static inline struct weir_place *weir_place_of_mine(const struct weir_pool *handle)
{
	uintptr_t at = (uintptr_t)handle & ~(uintptr_t)(WEIR_PLACE_BYTES - 1);
	struct weir_place *place = (struct weir_place *)at; // NOLINT: one of ours, by its key

	return WEIR_LIKELY(weir_load_relaxed(&weir_magazine_memo.key) == (uintptr_t)handle &&
			   weir_magazine_is_mine(&place->blocks))
		       ? place
		       : NULL;
}

static inline bool weir_place_is_quiet(const struct weir_pool *handle)
{
	return ((uintptr_t)handle & WEIR_HANDLE_QUIET) != 0;
}

/* Makes a pool of valid options. NULL with an error: ENOMEM, or EAGAIN where no place is left. */
struct weir_place *weir_place_open(const struct weir_pool_options *options, int *error);

/* The place that has a slot, or that of an address which the space owns; NULL where that is
 * malloc's. */
static inline struct weir_place *weir_place_with(const struct weir_block *block)
{
	uint16_t place = weir_load_relaxed(&block->region->slots[block->index].pool);

	return WEIR_LIKELY(place == 0) ? NULL : weir_place_at(place);
}
struct weir_place *weir_place_of(const void *address);

static inline bool weir_place_is_open(const struct weir_place *place)
{
	return weir_load_acquire(&place->shown.state) == WEIR_POOL_OPEN;
}

static inline bool weir_place_tracks(const struct weir_place *place)
{
	return (place->flags & WEIR_POOL_TRACK) != 0;
}

/* A block of a pool that is open, aligned to a power of two; NULL when there is none. Where
 * leases are tracked the caller adds it. */
void *weir_place_lease(struct weir_place *place, size_t bytes, size_t align, bool clean);

/* Takes a block back, which lies in a slot of the place. WEIR_FOUND_LIVE when that is done. */
enum weir_found weir_place_return(struct weir_place *place, void *address, uint64_t now_ms);

/* How many bytes of such a block may be used; 0 where none is leased that begins there. */
size_t weir_place_usable(struct weir_place *place, const void *address);

struct weir_tally weir_place_release(struct weir_place *place, enum weir_trigger trigger);
void weir_place_set_limit(struct weir_place *place, size_t limit_bytes);
void weir_place_figures(struct weir_place *place, struct weir_pool_figures *figures);

/* False when it was disposed of before. */
bool weir_place_dispose(struct weir_place *place);

/* Whether it is disposed of and nothing of it is left. */
bool weir_place_is_gone(const struct weir_place *place);

/* What threads have at hand of blocks of one size goes back, in every pool: before a release. */
void weir_places_gather(void);

/* The calling thread ends; and in a forked child. */
void weir_places_leave(void);
void weir_places_begin_anew(void);

/* Has leases try the cache as far as the settings allow. */
void weir_places_open_gates(void);

/* For the engine: decay of every pool; and when there is something to do next. */
void weir_places_step(uint64_t now_ms);
uint64_t weir_places_next_ms(void);

#endif
