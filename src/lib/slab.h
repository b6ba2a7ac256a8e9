/* Blocks of one size, cut out of slots of a pool. Layer 4.
 *
 * A slab is a live slot, never cached, of which block n begins at n * block_bytes. It is taken
 * when no other has a free block, and put back to its pool once all of its blocks are free. What
 * is known of it lies outside: a word, by the slot's index, and a mark for each block.
 *
 *   word = USED, it is a slab now | LISTED, it is on the list | its free blocks
 *   LISTED is of the list, not of the slab: it stays while the slot is something else, and while
 *   the slab is full; whoever finds it so on the list drops it
 *   a block's mark = its address: the program has it | + 1 GiB: a magazine has it | 0
 *   a block is free by the word, or its mark is not 0, or it is in somebody's hand
 *
 * Who may race whom: everybody, any signal handler too, but for init and destroy. Blocks change
 * hands by compare-and-swap of the word alone: none is given to two, and a second return is
 * found there. Who stops in the middle loses what he had in hand. */
#ifndef WEIR_SLAB_H
#define WEIR_SLAB_H

#include "pool.h"

#define WEIR_SLAB_BLOCKS_MIN 32
#define WEIR_SLAB_BLOCKS_MAX 56
#define WEIR_SLAB_BYTES_MIN (128 * WEIR_KIB)
#define WEIR_SLAB_BLOCK_ALIGN 64U /* of block_bytes, which is 1 KiB to 1 MiB */

#define WEIR_SLAB_USED ((uint64_t)1 << 63)
#define WEIR_SLAB_LISTED ((uint64_t)1 << 62)
#define WEIR_SLAB_FREE_MASK (((uint64_t)1 << WEIR_SLAB_BLOCKS_MAX) - 1)

/* Marks are atomic, relaxed, and changed by whoever has the block, so that two returns of one
 * block at the same moment may both find it leased; see magazine.h. */
#define WEIR_MARK_FREE ((uintptr_t)0)
#define WEIR_MARK_LEASED(block) ((uintptr_t)(block))
#define WEIR_MARK_AT_HAND(block) ((uintptr_t)(block) + WEIR_GIB)

struct weir_slabs {
	/* Const after init. */
	struct weir_pool *pool;
	char *base; /* of the region */
	char *marks;
	size_t mark_mask; /* the mark is where (offset of its block >> mark_shift & mark_mask) is */
	unsigned mark_shift;
	unsigned region;
	unsigned stride_shift;
	uint32_t block_bytes;
	uint32_t reciprocal; /* of block_bytes */
	uint32_t blocks;     /* in a slab */
	size_t words_bytes;  /* reserved */
	size_t marks_bytes;
	struct weir_slot *slabs; /* by index: word, and the list's link */
	/* Shared. */
	WEIR_CACHE_ALIGNED size_t known; /* atomic, release, pairs with acquire in its readers:
					    bytes of the region whose words and marks are there */
	weir_u64 taken; /* atomic: blocks that are not free in a slab; the last that give changes */
	struct weir_list listed;
};

/* False where there are no addresses for what is known of slabs. The pool has no cache. */
bool weir_slabs_init(struct weir_slabs *slabs, struct weir_pool *pool, size_t block_bytes);

/* Nobody uses them any more. */
void weir_slabs_destroy(struct weir_slabs *slabs);

/* Where the mark of a block that begins there would be; NULL where there is none. */
static inline uintptr_t *weir_slabs_mark(const struct weir_slabs *slabs, const void *address)
{
	size_t offset = (size_t)((uintptr_t)address - (uintptr_t)slabs->base);

	if (WEIR_UNLIKELY(offset >= weir_load_acquire(&slabs->known)))
		return NULL;
	return (uintptr_t *)(void *)(slabs->marks +
				     (offset >> slabs->mark_shift & slabs->mark_mask));
}

/* The slot in which an address lies, and the number of the block that begins there. False where
 * none does. */
bool weir_slabs_find(const struct weir_slabs *slabs, const void *address, uint32_t *index,
		     uint32_t *number);

/* Takes up to `most` free blocks, all of one slab: a listed one, or else a new one. Returns how
 * many; 0 when the pool has no slot to give or the limit on live blocks is reached. */
unsigned weir_slabs_take(struct weir_slabs *slabs, char **blocks, unsigned most);

/* Makes blocks free again, and puts slabs back that are then free, as if they had been in hand
 * since the pool had that epoch (pool.h). Returns how many were free already: those are the
 * first of `blocks` then. */
unsigned weir_slabs_give(struct weir_slabs *slabs, char **blocks, unsigned count, uint64_t epoch);

#endif
