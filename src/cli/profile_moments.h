/* The most of something over time, in a fixed number of moments that become longer as time goes
 * on. Pure. */
#ifndef WEIR_CLI_PROFILE_MOMENTS_H
#define WEIR_CLI_PROFILE_MOMENTS_H

#include <stddef.h>
#include <stdint.h>

#define PROFILE_MOMENTS 240
#define PROFILE_MOMENT_VALUES 2

/* All zero is the begin. */
struct profile_moments {
	uint64_t width_ns; /* of each; 0 before the first value */
	size_t count;
	uint64_t most[PROFILE_MOMENTS][PROFILE_MOMENT_VALUES];
	uint64_t now[PROFILE_MOMENT_VALUES];
};

/* Values from `ns` on, which does not go back. */
void profile_moments_set(struct profile_moments *moments, uint64_t ns,
			 const uint64_t values[PROFILE_MOMENT_VALUES]);

/* The last values held until `ns`. */
void profile_moments_end(struct profile_moments *moments, uint64_t ns);

#endif
