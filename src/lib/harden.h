/* Blocks between guards, for WEIR_HARDEN. Layer 4.
 *
 *   | before | block                    | behind | guard page |
 *   ^ slot   ^ at its colour            ^ reach  ^ page       ^
 *
 * A block ends as near to a page's end as its alignment allows: 127 bytes before it at
 * most where that is 128 or less. Behind lies a page that nobody can touch. `before` and
 * `behind`, less than a page each, hold WEIR_HARDEN_FILL while the block is live, and the
 * resident pages of a free block hold that alone, or zeroes alone; both are looked at
 * before the slot changes hands. Where the kernel refuses a guard page the block has none.
 *
 * The caller has the slot in hand, or, of a live block, is the program that frees it. What
 * is found ends the program (report.h). */
#ifndef WEIR_HARDEN_H
#define WEIR_HARDEN_H

#include "pool.h"

#define WEIR_HARDEN_FILL 0xdf

/* Where a block of `bytes` lies: its colour as in a slot's word, how far it reaches, which is
 * just its end, and the first region whose slots have room for it and for its guard. */
uint64_t weir_harden_colour(size_t bytes, size_t align);
size_t weir_harden_reach(size_t bytes, size_t align);
unsigned weir_harden_region(size_t bytes, size_t align);

/* Looks whether a slot was written to since it was free, and puts guards around the block
 * that it is taken for. */
void weir_harden_begin(struct weir_space *space, const struct weir_block *block, size_t reach);

/* Looks whether a live block's bounds were written past. */
void weir_harden_check(const char *call, const struct weir_block *block);

/* The same before a block is freed; then takes its guard page away and fills it. False where
 * the kernel refuses that: the slot can then never be used again, and stays live. */
bool weir_harden_end(struct weir_space *space, const struct weir_block *block);

#endif
