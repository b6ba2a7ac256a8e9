/* Where the random numbers of the tests begin. */
#ifndef SEED_H
#define SEED_H

#include <cstdlib>

/* A seed for each part of a test, fixed but for LIBWEIR_SEED=N, which makes others. What
 * failed with one fails again with it, as far as threads allow. */
inline unsigned test_seed(unsigned part)
{
	const char *said = getenv("LIBWEIR_SEED");
	unsigned seed = said ? (unsigned)strtoul(said, nullptr, 10) : 1;

	return seed * 2654435761U + part + 1;
}

#endif
