/* Slots <-> addresses. Layer 3.
 *
 * One reservation holds a region for each stride and, behind them, the slots'
 * side arrays. All of it is PROT_NONE until a region's frontier passes it:
 *
 *   owns(p)  = p - base < span
 *   region   = (p - base) >> region_shift
 *   index    = offset in the region >> stride shift
 *   fresh   <= frontier >> stride shift  (slots ever handed out are committed)
 *
 * All that is const below is set by weir_space_init, before any block exists;
 * the rest is atomic. Every function but weir_space_init may
 * be called in a signal handler and by any number of threads. */
#ifndef WEIR_SPACE_H
#define WEIR_SPACE_H

#include "classes.h"
#include "lists.h"
#include "os.h"

#define WEIR_HUGE_PAGE_BYTES (2 * WEIR_MIB)

/* A region ends at 2 TiB: the live units of all regions then fit usage.h. It has 64 GiB at
 * least, where there are that many addresses. Where they have 32 bits, it has 64 MiB, and all
 * ten less than a quarter of the 3 GiB that a program may have. */
#define WEIR_REGION_MIN_SHIFT 20
#define WEIR_REGION_USUAL_SHIFT WEIR_BY_ADDRESS_BITS(36, 26)
#define WEIR_REGION_MAX_SHIFT WEIR_BY_ADDRESS_BITS(41, 26)

struct weir_region {
	char *base;		 /* const */
	struct weir_slot *slots; /* const; readable up to the frontier */
	unsigned stride_shift;	 /* const */
	uint32_t slot_count;	 /* const; 0 when a short reservation left none */
	size_t page_bytes;	 /* const */
	size_t trim_bytes;	 /* const: trims end at multiples; a page or a huge page */
	bool huge;		 /* const: blocks get huge pages for their whole units of 2 MiB */
	enum weir_huge advice;	 /* const: what all else of the region is advised */
	struct weir_list empty;	 /* slots without an extent; not those never used */
	uint32_t fresh;		 /* atomic: slots [0, fresh) were handed out once */
	size_t frontier; /* atomic, release, pairs with acquire in its readers: bytes committed */
};

/* Whether a move leaves its source mapped, as it must. */
enum weir_moves { WEIR_MOVES_UNTRIED, WEIR_MOVES_KEEP, WEIR_MOVES_LOSE };

struct weir_space {
	uintptr_t base;	       /* const; stored before span */
	size_t span;	       /* atomic, release, pairs with acquire in owns; 0: nothing yet */
	unsigned region_shift; /* const */
	bool release_zeroes;   /* const: MADV_DONTNEED works here (qemu-user ignores it) */
	struct weir_region regions[WEIR_REGION_COUNT];
	uint32_t pieces;	/* atomic, relaxed: the sum of all slots' pieces */
	uint32_t moves_refused; /* atomic, relaxed: since the last one that was not */
	uint32_t moves;		/* atomic, relaxed: enum weir_moves */
};

struct weir_space_options {
	uint64_t memory_bytes;	    /* of the machine; 0 when unknown */
	size_t address_limit_bytes; /* of the process; SIZE_MAX when none */
	size_t huge_stride_bytes;   /* regions of this stride and more use huge pages; SIZE_MAX for
				       none */
	size_t huge_stride_max;	    /* but none of more than this; 0 for no such end */
	enum weir_huge advice;	    /* for all that does not use them */
};

/* Reserves the regions: twice the memory each and at least the usual length, halved until
 * the system agrees, and at most a quarter of a limited address space in all.
 * False when nothing could be had. Not for concurrent callers. */
bool weir_space_init(struct weir_space *space, const struct weir_space_options *options);
void weir_space_destroy(struct weir_space *space);

static inline bool weir_space_owns(const struct weir_space *space, const void *address)
{
	size_t span = weir_load_acquire(&space->span);

	return (uintptr_t)address - space->base < span;
}

static inline char *weir_region_address(const struct weir_region *region, uint32_t index)
{
	return region->base + ((size_t)index << region->stride_shift);
}

static inline size_t weir_region_slot_bytes(const struct weir_region *region)
{
	return (size_t)1 << region->stride_shift;
}

/* The units that may be resident once `bytes` of a slot have been touched. */
static inline uint64_t weir_region_units(const struct weir_region *region, size_t bytes)
{
	return weir_align_up(bytes, region->page_bytes) >> WEIR_UNIT_SHIFT;
}

/* How many slots have been handed out so far; their words can be read. */
static inline uint32_t weir_region_fresh(const struct weir_region *region)
{
	return weir_load_acquire(&region->fresh);
}

/* The slot that a cursor stands at, and one step on: first to last of all that were
 * handed out, region by region from 0. False behind the last. The cursor is
 * atomic, relaxed: of the threads that share one, each gets slots of its own. */
bool weir_space_step(struct weir_space *space, uint64_t *cursor, struct weir_region **region,
		     uint32_t *index);

/* The slot in which an address lies that the space owns, and how far from its begin.
 * False where no slot was ever handed out. */
static inline bool weir_space_find(struct weir_space *space, const void *address,
				   struct weir_region **region, uint32_t *index, size_t *offset)
{
	uintptr_t in_space = (uintptr_t)address - space->base;
	struct weir_region *found = &space->regions[in_space >> space->region_shift];
	size_t in_region = in_space & (((size_t)1 << space->region_shift) - 1);
	size_t slot = in_region >> found->stride_shift;

	if (WEIR_UNLIKELY(slot >= weir_region_fresh(found)))
		return false;
	*region = found;
	*index = (uint32_t)slot;
	*offset = in_region & (weir_region_slot_bytes(found) - 1);
	return true;
}

/* A slot without an extent, used before or fresh: false when the region is full
 * or the system refuses to commit more. */
bool weir_region_take_empty(struct weir_region *region, uint32_t *index);
void weir_region_put_empty(struct weir_region *region, uint32_t index);

#endif
