#include "family.h"

#include <signal.h>

static void free_keeps_errno(void)
{
	for (const size_t *size = family_sizes; *size != 0; size++) {
		char *block = malloc(*size);

		errno = 77;
		free(block);
		HOLDS(errno == 77);
	}
	free(NULL);
	HOLDS(errno == 77);
}

/* With a limit or a release the free calls the kernel, which may not show. */
static void successful_calls_keep_errno(void)
{
	for (const size_t *size = family_sizes; *size != 0; size++) {
		char *block;

		errno = 77;
		block = malloc(*size);
		memset(block, 1, *size);
		block = realloc(block, *size * 3);
		block = realloc(block, *size);
		free(block);
		free(calloc(1, *size));
		malloc_trim(0);
		HOLDS(errno == 77);
	}
}

static void release_by_signal_keeps_errno(void)
{
	for (const size_t *size = family_sizes; *size != 0; size++) {
		char *block = malloc(*size);

		memset(block, 1, *size);
		free(block);
		errno = 77;
		HOLDS(raise(SIGUSR1) == 0);
		HOLDS(errno == 77);
	}
}

static void too_many_bytes_are_refused(void)
{
	static const size_t many[] = { TOO_MANY_BYTES, SIZE_MAX, SIZE_MAX - 4095,
				       SIZE_MAX / 4 * 3 };

	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
		errno = 0;
		HOLDS(malloc(family_opaque(many[i])) == NULL);
		HOLDS(errno == ENOMEM);
		errno = 0;
		HOLDS(calloc(1, family_opaque(many[i])) == NULL);
		HOLDS(errno == ENOMEM);
		errno = 0;
		HOLDS(realloc(NULL, family_opaque(many[i])) == NULL);
		HOLDS(errno == ENOMEM);
	}
}

/* Its square is one more than a size_t can be. */
#define ROOT ((size_t)1 << (ADDRESS_BITS / 2))

static void products_that_overflow_are_refused(void)
{
	static const size_t factors[][2] = {
		{ SIZE_MAX, 2 }, { SIZE_MAX / 2 + 1, 2 }, { 2 * ROOT, ROOT / 2 }, { ROOT + 1, ROOT }
	};

	for (size_t i = 0; i < sizeof(factors) / sizeof(factors[0]); i++) {
		size_t a = family_opaque(factors[i][0]), b = family_opaque(factors[i][1]);

		errno = 0;
		HOLDS(calloc(a, b) == NULL && errno == ENOMEM);
		errno = 0;
		HOLDS(calloc(b, a) == NULL && errno == ENOMEM);
		errno = 0;
		HOLDS(reallocarray(NULL, a, b) == NULL && errno == ENOMEM);
	}
}

static void impossible_alignments_are_refused(void)
{
	static const size_t sizes[] = { 1000, MIB };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		errno = 0;
		HOLDS(memalign(family_opaque(SIZE_MAX), sizes[i]) == NULL && errno == EINVAL);
		errno = 0;
		HOLDS(memalign(family_opaque(SIZE_MAX / 2 + 1), sizes[i]) == NULL);
		HOLDS(errno == ENOMEM);
	}
}

const struct check error_checks[] = {
	{ "free_keeps_errno", free_keeps_errno },
	{ "successful_calls_keep_errno", successful_calls_keep_errno },
	{ "release_by_signal_keeps_errno", release_by_signal_keeps_errno },
	{ "too_many_bytes_are_refused", too_many_bytes_are_refused },
	{ "products_that_overflow_are_refused", products_that_overflow_are_refused },
	{ "impossible_alignments_are_refused", impossible_alignments_are_refused },
	{ NULL, NULL },
};
