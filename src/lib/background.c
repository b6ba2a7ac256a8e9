/* Decay with a clock of its own: the helper thread's first duty. Layer 6. */
#include "duty.h"
#include "engine.h"

static unsigned expect(struct pollfd *waits, unsigned most, uint64_t now_ms, uint64_t *until_ms)
{
	(void)waits;
	(void)most;
	*until_ms = weir_min(*until_ms, weir_engine_tend(now_ms));
	return 0;
}

const struct weir_duty weir_background_duty = {
	.is_wanted = weir_config_wants_helper,
	.expect = expect,
};
