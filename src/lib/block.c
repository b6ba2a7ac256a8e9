#include "block.h"

#include "footprint.h"
#include "harden.h"
#include "live.h"
#include "remap.h"
#include "report.h"

#include <string.h>

static size_t reach_of(const struct weir_pool *pool, size_t bytes, size_t align)
{
	return pool->hardened ? weir_harden_reach(bytes, align) : weir_reach(bytes, align);
}

static unsigned first_region(const struct weir_pool *pool, size_t bytes, size_t align)
{
	return pool->hardened ? weir_harden_region(bytes, align)
			      : weir_region_of(weir_reach(bytes, align), align);
}

static uint64_t colour_in(const struct weir_pool *pool, const struct weir_block *block,
			  size_t bytes, size_t align)
{
	if (pool->hardened)
		return weir_harden_colour(bytes, align);
	return weir_is_coloured(bytes, align) ? weir_colour_of(block->region, block->index) : 0;
}

/* A slot of the stride that fits, or of a larger one where that region is full. */
static bool take_slot(struct weir_pool *pool, size_t bytes, size_t align, uint64_t now_ms,
		      struct weir_block *block)
{
	size_t reach = reach_of(pool, bytes, align);

	for (unsigned region = first_region(pool, bytes, align); region < WEIR_REGION_COUNT;
	     region++)
		if (weir_pool_take(pool, region, reach, now_ms, block)) {
			block->word |= colour_in(pool, block, bytes, align);
			weir_remap_complete(pool, block, reach, WEIR_CONTENTS_ANY, now_ms);
			if (pool->hardened)
				weir_harden_begin(&weir_space, block, reach);
			weir_live_publish(pool, block, reach, now_ms);
			return true;
		}
	return false;
}

/* The same out of fresh pages, for as long as its own region has a slot. */
static bool take_fresh_slot(struct weir_pool *pool, size_t bytes, uint64_t now_ms,
			    struct weir_block *block)
{
	size_t reach = reach_of(pool, bytes, 1);

	if (!weir_pool_take_empty(pool, first_region(pool, bytes, 1), reach, now_ms, block))
		return false;
	block->word = WEIR_SLOT_CLEAN | colour_in(pool, block, bytes, 1);
	weir_footprint_add(pool, weir_region_units(block->region, reach), now_ms);
	weir_live_publish(pool, block, reach, now_ms);
	return true;
}

enum weir_taken weir_block_take(struct weir_pool *pool, size_t bytes, size_t align, bool fresh,
				uint64_t now_ms, struct weir_block *block)
{
	uint64_t units = weir_block_units(reach_of(pool, bytes, align));

	if (!weir_pool_reserve_live(pool, units))
		return WEIR_TAKEN_REFUSED;
	if ((fresh && take_fresh_slot(pool, bytes, now_ms, block)) ||
	    take_slot(pool, bytes, align, now_ms, block))
		return WEIR_TAKEN;
	weir_pool_give_back_live(pool, units);
	return WEIR_TAKEN_NO_SLOT;
}

/* Less is cleared whatever the program does with it. */
#define FRESH_MIN WEIR_MIB

bool weir_block_wants_fresh(struct weir_pool *pool, size_t bytes)
{
	size_t reach = weir_reach(bytes, 1);
	unsigned region = weir_region_of(reach, 1);

	return bytes >= FRESH_MIN && !pool->hardened && region < WEIR_REGION_COUNT &&
	       weir_pool_zeroes(pool, weir_class_of(region, reach)) == WEIR_ZEROES_FRESH;
}

size_t weir_block_dirty_bytes(const struct weir_block *block, size_t bytes)
{
	size_t extent = weir_units_to_bytes(weir_slot_extent(block->word));
	size_t colour = weir_colour_bytes(block->word);

	return extent > colour ? weir_min(bytes, extent - colour) : 0;
}

void *weir_block_clear(void *address, size_t bytes)
{
	if (bytes > 0) {
		memset(address, 0, bytes);
		weir_stats_count(WEIR_COUNT_calloc_zeroed_bytes, bytes);
	}
	return address;
}

/* Live blocks */

enum weir_found weir_block_find(const void *address, struct weir_block *block)
{
	size_t offset;

	if (WEIR_UNLIKELY(
		    !weir_space_find(&weir_space, address, &block->region, &block->index, &offset)))
		return WEIR_FOUND_UNUSED;
	block->word = weir_load_acquire(&block->region->slots[block->index].word);
	if (WEIR_LIKELY(block->word & WEIR_SLOT_LIVE))
		return offset == weir_colour_bytes(block->word) ? WEIR_FOUND_LIVE
								: WEIR_FOUND_INSIDE;
	return offset % WEIR_COLOUR_ALIGN == 0 && offset <= WEIR_COLOUR_SPARE ? WEIR_FOUND_FREE
									      : WEIR_FOUND_INSIDE;
}

void weir_block_refuse(const char *call, const void *address, enum weir_found found)
{
	if (found == WEIR_FOUND_UNUSED)
		weir_report_misuse(call, address, "no block was handed out at this address");
	if (found == WEIR_FOUND_INSIDE)
		weir_report_misuse(call, address, "not the start of a block");
	weir_report_misuse(call, address,
			   strcmp(call, "free") == 0 ? "double free, the block is already free"
						     : "the block is already free");
}

static uint64_t freed(const struct weir_pool *pool, uint64_t word)
{
	return (word & WEIR_SLOT_CACHED) ? weir_cache_freed(word, pool->place)
					 : word & ~WEIR_SLOT_LIVE;
}

bool weir_block_free(struct weir_pool *pool, struct weir_block *block, uint64_t now_ms)
{
	uint64_t *word = &block->region->slots[block->index].word;

	if (pool->hardened && !weir_harden_end(&weir_space, block))
		return true;
	block->epoch = weir_load_seq_cst(&pool->epoch);
	while (!weir_cas_seq_cst(word, &block->word, freed(pool, block->word)))
		if (!(block->word & WEIR_SLOT_LIVE))
			return false;
	if (block->word & WEIR_SLOT_BUSY) /* whoever works on its pages puts it */
		weir_pool_give_back_live(pool, weir_live_size(block));
	if (block->word & (WEIR_SLOT_CACHED | WEIR_SLOT_BUSY))
		return true; /* it is at hand; or so */
	block->word &= ~WEIR_SLOT_LIVE;
	weir_pool_put(pool, block, now_ms);
	return true;
}

size_t weir_block_usable(const struct weir_block *block)
{
	size_t reach = weir_slot_reach(block->word);

	return (weir_engine.pool.hardened ? reach : weir_align_up(reach, weir_os_page_bytes())) -
	       weir_colour_bytes(block->word);
}
