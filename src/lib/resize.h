/* Resizes a live block inside its slot. Layer 4. */
#ifndef WEIR_RESIZE_H
#define WEIR_RESIZE_H

#include "pool.h"

/* To `bytes`, at most the stride. What it grows by comes from retained blocks, where
 * that is worth a move. False when another thread works on the block, which is then
 * unchanged. */
bool weir_resize_block(struct weir_pool *pool, struct weir_block *block, size_t bytes,
		       uint64_t now_ms);

#endif
