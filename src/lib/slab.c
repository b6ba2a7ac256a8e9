#include "slab.h"

#include "harden.h"
#include "live.h"
#include "remap.h"

/* Init */

/* What is known of slots is committed for so many at once: a page of words, and whole pages of
 * marks. */
static size_t step_slots(void)
{
	return weir_os_page_bytes() / sizeof(struct weir_slot);
}

/* Of a region up to there: pages. */
static size_t bytes_of_marks(const struct weir_slabs *slabs, size_t bytes)
{
	return weir_align_up(bytes >> slabs->mark_shift, weir_os_page_bytes());
}

static size_t bytes_of_words(const struct weir_slabs *slabs, size_t bytes)
{
	size_t slots = bytes >> slabs->stride_shift;

	return weir_align_up(slots * sizeof(struct weir_slot), weir_os_page_bytes());
}

static uint64_t all_blocks(const struct weir_slabs *slabs)
{
	return ((uint64_t)1 << slabs->blocks) - 1;
}

static size_t reach_of_slab(const struct weir_slabs *slabs)
{
	return (size_t)slabs->blocks * slabs->block_bytes;
}

/* The first region whose slots have room for enough blocks, and for the guard of a hardened one. */
static unsigned first_region(const struct weir_pool *pool, size_t block_bytes)
{
	size_t bytes = weir_max(WEIR_SLAB_BLOCKS_MIN * block_bytes, WEIR_SLAB_BYTES_MIN);

	return pool->hardened ? weir_harden_region(bytes, 1) : weir_region_of(bytes, 1);
}

/* Blocks are at least as far apart as the power of two below their size, and so are the marks,
 * if 64 times nearer: at least 16 bytes, and a line where that is shorter, which no two then share.
 */
static void set_marks(struct weir_slabs *slabs)
{
	unsigned shift = weir_log2_ceil(slabs->block_bytes + 1U) - 1;
	unsigned apart_shift = (unsigned)weir_min(shift - 6, 6U);

	slabs->mark_shift = shift - apart_shift;
	slabs->mark_mask = ~(((size_t)1 << apart_shift) - 1);
}

static void set_shape(struct weir_slabs *slabs, const struct weir_region *region,
		      size_t block_bytes)
{
	size_t stride = weir_region_slot_bytes(region);
	size_t bytes = (size_t)region->slot_count << region->stride_shift;
	uint64_t per_block = block_bytes / WEIR_SLAB_BLOCK_ALIGN;

	if (slabs->pool->hardened)
		stride -= region->page_bytes;
	slabs->base = region->base;
	slabs->stride_shift = region->stride_shift;
	slabs->block_bytes = (uint32_t)block_bytes;
	slabs->blocks = (uint32_t)weir_min(stride / block_bytes, (size_t)WEIR_SLAB_BLOCKS_MAX);
	slabs->reciprocal = (uint32_t)((((uint64_t)1 << 32) + per_block - 1) / per_block);
	set_marks(slabs);
	slabs->words_bytes = bytes_of_words(slabs, bytes);
	slabs->marks_bytes = bytes_of_marks(slabs, bytes);
}

bool weir_slabs_init(struct weir_slabs *slabs, struct weir_pool *pool, size_t block_bytes)
{
	char *side;

	slabs->pool = pool;
	slabs->region = first_region(pool, block_bytes);
	if (slabs->region >= WEIR_REGION_COUNT)
		return false;
	set_shape(slabs, &pool->space->regions[slabs->region], block_bytes);
	if (slabs->words_bytes == 0)
		return false;
	side = weir_os_reserve(slabs->words_bytes + slabs->marks_bytes, weir_os_page_bytes());
	if (!side)
		return false;
	slabs->slabs = (struct weir_slot *)(void *)side;
	slabs->marks = side + slabs->words_bytes;
	return true;
}

void weir_slabs_destroy(struct weir_slabs *slabs)
{
	weir_store_release(&slabs->known, (size_t)0);
	weir_store_relaxed(&slabs->listed.head, (uint64_t)0);
	weir_os_unreserve(slabs->slabs, slabs->words_bytes + slabs->marks_bytes);
}

/* Commits words and marks of the slots up to this one. Threads may do so at once: they commit
 * ranges that overlap, and the larger one stays. */
static bool know(struct weir_slabs *slabs, uint32_t index)
{
	size_t known = weir_load_acquire(&slabs->known);
	size_t slots = slabs->pool->space->regions[slabs->region].slot_count;
	size_t target = weir_min(weir_align_up((size_t)index + 1, step_slots()), slots)
			<< slabs->stride_shift;
	size_t words = bytes_of_words(slabs, known), marks = bytes_of_marks(slabs, known);

	if (target <= known)
		return true;
	if (!weir_os_commit((char *)slabs->slabs + words, bytes_of_words(slabs, target) - words) ||
	    !weir_os_commit(slabs->marks + marks, bytes_of_marks(slabs, target) - marks))
		return false;
	while (known < target && !weir_cas_weak_acq_rel(&slabs->known, &known, target))
		;
	return true;
}

/* Slots of the pool */

/* As a program frees a block: whoever works on its surplus puts it then. */
static void put_slot(struct weir_slabs *slabs, uint32_t index, uint64_t epoch)
{
	struct weir_region *region = &slabs->pool->space->regions[slabs->region];
	uint64_t *word = &region->slots[index].word;
	struct weir_block block = { region, index, weir_load_acquire(word), epoch };

	if (slabs->pool->hardened && !weir_harden_end(slabs->pool->space, &block))
		return;
	while (!weir_cas_seq_cst(word, &block.word, block.word & ~WEIR_SLOT_LIVE))
		;
	if (block.word & WEIR_SLOT_BUSY) {
		weir_pool_give_back_live(slabs->pool, weir_live_size(&block));
		return;
	}
	block.word &= ~WEIR_SLOT_LIVE;
	weir_pool_put(slabs->pool, &block, weir_os_now_ms());
}

static bool take_slot(struct weir_slabs *slabs, uint32_t *index)
{
	struct weir_pool *pool = slabs->pool;
	size_t reach = reach_of_slab(slabs);
	uint64_t units = weir_region_units(&pool->space->regions[slabs->region], reach);
	uint64_t now_ms = weir_os_now_ms();
	struct weir_block block;

	if (!weir_pool_reserve_live(pool, units))
		return false;
	if (!weir_pool_take(pool, slabs->region, reach, now_ms, &block)) {
		weir_pool_give_back_live(pool, units);
		return false;
	}
	weir_remap_complete(pool, &block, reach, WEIR_CONTENTS_ANY, now_ms);
	if (pool->hardened)
		weir_harden_begin(pool->space, &block, reach);
	*index = block.index;
	weir_live_publish(pool, &block, reach, now_ms);
	if (know(slabs, block.index))
		return true;
	put_slot(slabs, block.index, block.epoch);
	return false;
}

/* Blocks of slabs */

static uint64_t lowest(uint64_t blocks, unsigned most)
{
	uint64_t rest = blocks;

	while (most-- > 0)
		rest &= rest - 1;
	return blocks & ~rest;
}

static unsigned list_blocks(const struct weir_slabs *slabs, uint32_t index, uint64_t numbers,
			    char **blocks)
{
	char *slab = slabs->base + ((size_t)index << slabs->stride_shift);
	unsigned count = 0;

	for (; numbers != 0; numbers &= numbers - 1)
		blocks[count++] = slab + (size_t)__builtin_ctzll(numbers) * slabs->block_bytes;
	return count;
}

/* Right for multiples of block_bytes, and what it is for others fails the comparison. */
static uint32_t number_at(const struct weir_slabs *slabs, size_t in_slab)
{
	uint64_t parts = in_slab / WEIR_SLAB_BLOCK_ALIGN;

	return (uint32_t)(parts * slabs->reciprocal >> 32);
}

bool weir_slabs_find(const struct weir_slabs *slabs, const void *address, uint32_t *index,
		     uint32_t *number)
{
	size_t offset = (size_t)((uintptr_t)address - (uintptr_t)slabs->base);
	size_t in_slab = offset & (((size_t)1 << slabs->stride_shift) - 1);

	*index = (uint32_t)(offset >> slabs->stride_shift);
	*number = number_at(slabs, in_slab);
	return offset < weir_load_acquire(&slabs->known) && *number < slabs->blocks &&
	       *number * slabs->block_bytes == in_slab;
}

/* 0 where the slot is no slab, or a full one. */
static uint64_t take_of(struct weir_slabs *slabs, uint32_t index, unsigned most)
{
	uint64_t word = weir_load_acquire(&slabs->slabs[index].word), taken;

	do
		taken = lowest(word & WEIR_SLAB_FREE_MASK, most);
	while (taken != 0 &&
	       !weir_cas_weak_acq_rel(&slabs->slabs[index].word, &word, word & ~taken));
	return taken;
}

/* Takes a slot off the list, unless it has free blocks by now. */
static void drop_listed(struct weir_slabs *slabs)
{
	uint64_t word, free;
	uint32_t index;

	if (!weir_list_take(&slabs->listed, slabs->slabs, &index))
		return;
	word = weir_load_acquire(&slabs->slabs[index].word);
	do
		free = word & WEIR_SLAB_FREE_MASK;
	while (free == 0 &&
	       !weir_cas_weak_acq_rel(&slabs->slabs[index].word, &word, word & ~WEIR_SLAB_LISTED));
	if (free != 0)
		weir_list_put(&slabs->listed, slabs->slabs, index);
}

/* Whoever set LISTED lists it. */
static void enlist(struct weir_slabs *slabs, uint32_t index, uint64_t word_before)
{
	if (!(word_before & WEIR_SLAB_LISTED))
		weir_list_put(&slabs->listed, slabs->slabs, index);
}

/* The word was 0, or LISTED, and only that may change meanwhile. */
static uint64_t take_of_new(struct weir_slabs *slabs, uint32_t index, unsigned most)
{
	uint64_t all = all_blocks(slabs), taken = lowest(all, most);
	uint64_t *word = &slabs->slabs[index].word;
	uint64_t before = weir_load_acquire(word);

	if (taken == all) {
		while (!weir_cas_weak_acq_rel(word, &before, before | WEIR_SLAB_USED))
			;
		return taken;
	}
	while (!weir_cas_weak_acq_rel(word, &before,
				      WEIR_SLAB_USED | WEIR_SLAB_LISTED | (all & ~taken)))
		;
	enlist(slabs, index, before);
	return taken;
}

unsigned weir_slabs_take(struct weir_slabs *slabs, char **blocks, unsigned most)
{
	uint64_t taken = 0;
	uint32_t index;
	unsigned count;

	while (taken == 0 && weir_list_first(&slabs->listed, &index)) {
		taken = take_of(slabs, index, most);
		if (taken == 0)
			drop_listed(slabs);
	}
	if (taken == 0) {
		if (!take_slot(slabs, &index))
			return 0;
		taken = take_of_new(slabs, index, most);
	}
	count = list_blocks(slabs, index, taken, blocks);
	weir_add_relaxed(&slabs->taken, (uint64_t)count);
	return count;
}

/* Returns those of the blocks that were free already. */
static uint64_t give_of(struct weir_slabs *slabs, uint32_t index, uint64_t blocks, uint64_t epoch)
{
	uint64_t *place = &slabs->slabs[index].word;
	uint64_t word = weir_load_acquire(place), free, after;

	do {
		free = word & WEIR_SLAB_FREE_MASK;
		if (!(word & WEIR_SLAB_USED) || (free & blocks) == blocks)
			return blocks;
		after = (free | blocks) == all_blocks(slabs) ? word & WEIR_SLAB_LISTED
							     : word | blocks | WEIR_SLAB_LISTED;
	} while (!weir_cas_weak_acq_rel(place, &word, after));
	if (after & WEIR_SLAB_USED)
		enlist(slabs, index, word);
	else
		put_slot(slabs, index, epoch);
	return free & blocks;
}

/* How many blocks at the begin of `blocks` are of the same slab, *index, and different ones. */
static unsigned collect(const struct weir_slabs *slabs, char *const *blocks, unsigned count,
			uint32_t *index, uint64_t *numbers)
{
	uint32_t number, other;
	unsigned n = 0;

	*numbers = 0;
	weir_slabs_find(slabs, blocks[0], index, &number);
	do {
		*numbers |= (uint64_t)1 << number;
		n++;
	} while (n < count && weir_slabs_find(slabs, blocks[n], &other, &number) &&
		 other == *index && !(*numbers >> number & 1));
	return n;
}

unsigned weir_slabs_give(struct weir_slabs *slabs, char **blocks, unsigned count, uint64_t epoch)
{
	unsigned refused = 0, step;
	uint64_t numbers;
	uint32_t index;

	for (unsigned i = 0; i < count; i += step) {
		step = collect(slabs, blocks + i, count - i, &index, &numbers);
		numbers = give_of(slabs, index, numbers, epoch);
		refused += list_blocks(slabs, index, numbers, blocks + refused);
	}
	weir_add_seq_cst(&slabs->taken, (uint64_t)refused - count);
	return refused;
}
