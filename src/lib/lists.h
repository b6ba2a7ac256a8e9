/* Lock-free LIFO lists of slots. Layer 3.
 *
 * A head packs the index of the first slot (plus one; 0 for none) with a tag
 * that every change raises. The tag is what makes a pop safe: a pop reads the
 * link of a slot that another thread may have popped and pushed again meanwhile,
 * and its compare-and-swap then fails on the tag. 38 bits of it repeat after
 * 2.7e11 changes of one list while one thread stands between two instructions.
 *
 * Who may race whom: take and put of any number of threads, and of a signal
 * handler that interrupted either. Nothing is locked, nobody waits. A process
 * forked in the middle of another thread's call loses at most the slot which
 * that thread had in hand. Heads are loaded and changed sequentially
 * consistently, which the release epoch of pool.h relies on. */
#ifndef WEIR_LISTS_H
#define WEIR_LISTS_H

#include "slot.h"

/* 2^26 slots of 64 KiB are 4 TiB; regions end at 2 TiB (space.h). */
#define WEIR_LIST_INDEX_BITS 26

struct weir_list {
	WEIR_CACHE_ALIGNED weir_u64 head; /* atomic: tag | index + 1 */
};

/* As of the moment. */
bool weir_list_is_empty(const struct weir_list *list);

/* The slot that was put last, which stays on the list: false when that is empty. */
bool weir_list_first(const struct weir_list *list, uint32_t *index);

/* Takes the slot that was put last: false when the list is empty. */
bool weir_list_take(struct weir_list *list, struct weir_slot *slots, uint32_t *index);

/* The slot must be in the caller's hand: on no list. */
void weir_list_put(struct weir_list *list, struct weir_slot *slots, uint32_t index);

#endif
