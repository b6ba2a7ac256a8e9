/* The functions of weir.h as everybody finds them: this library's, or those of one that the
 * dynamic linker found first. Layer 7. */
#ifndef WEIR_API_SHOWN_H
#define WEIR_API_SHOWN_H

#include "base.h"
#include "weir.h"

struct weir_shown {
	struct weir_pool_options (*pool_preset)(enum weir_preset preset);
	struct weir_pool *(*pool_create)(const struct weir_pool_options *options);
	void *(*lease)(struct weir_pool *pool, size_t bytes, unsigned flags);
	size_t (*lease_size)(const void *block);
	int (*return_block)(struct weir_pool *pool, void *block);
	size_t (*pool_release)(struct weir_pool *pool);
	size_t (*release)(void);
	int (*pool_set_limit)(struct weir_pool *pool, size_t limit_bytes);
	int (*pool_stats)(struct weir_pool *pool, struct weir_pool_figures *figures);
	const struct weir_stats_page *(*stats)(void);
	int (*pool_report)(struct weir_pool *pool, int fd);
	size_t (*pool_dispose)(struct weir_pool *pool);
};

extern WEIR_HIDDEN const struct weir_shown weir_shown;

#endif
