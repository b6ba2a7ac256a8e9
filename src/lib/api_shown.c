/* Not in api.c, where the compiler would take each function's own name for itself. */
#include "api_shown.h"

const struct weir_shown weir_shown = {
	.pool_preset = weir_pool_preset,
	.pool_create = weir_pool_create,
	.lease = weir_lease,
	.lease_size = weir_lease_size,
	.return_block = weir_return,
	.pool_release = weir_pool_release,
	.release = weir_release,
	.pool_set_limit = weir_pool_set_limit,
	.pool_stats = weir_pool_stats,
	.stats = weir_stats,
	.pool_report = weir_pool_report,
	.pool_dispose = weir_pool_dispose,
};
