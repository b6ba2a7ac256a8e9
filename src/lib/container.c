/* Follows the memory limit of the container: a duty of the helper thread. Layer 6.
 *
 * Only beside duties that need descriptors: in the program's own table a file that is open for
 * a moment would take the number that a program of one thread counts on. */
#include "duty.h"
#include "settings.h"

static bool is_wanted(const struct weir_config *config)
{
	return config->pressure || config->socket[0] != '\0';
}

static unsigned expect(struct pollfd *waits, unsigned most, uint64_t now_ms, uint64_t *until_ms)
{
	(void)waits;
	(void)most;
	*until_ms = weir_min(*until_ms, weir_settings_look_alone(now_ms));
	return 0;
}

const struct weir_duty weir_container_duty = {
	.is_wanted = is_wanted,
	.needs_descriptors = true,
	.expect = expect,
};
