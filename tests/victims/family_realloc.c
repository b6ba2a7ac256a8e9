#include "family.h"

/* Grows or shrinks a block that is all pattern as far as it is usable, which is
 * what programs that ask malloc_usable_size write, and makes it so again. */
static char *resize(char *block, size_t to)
{
	size_t from = malloc_usable_size(block);
	size_t kept = from < to ? from : to;
	size_t usable;

	block = realloc(block, to);
	HOLDS(block != NULL);
	usable = malloc_usable_size(block);
	HOLDS(usable >= to);
	HOLDS(pattern_check(block, kept, 5) == PATTERN_RIGHT);
	pattern_write(block, kept, usable, 5);
	return block;
}

static void realloc_keeps_every_byte_while_growing(void)
{
	size_t bytes = 1, next;
	char *block = resize(NULL, bytes);

	for (; bytes < 64 * MIB; bytes = next) {
		next = bytes + bytes / 2 + 1;
		block = resize(block, next);
	}
	HOLDS(pattern_check(block, bytes, 5) == PATTERN_RIGHT);
	free(block);
}

static void realloc_keeps_every_byte_while_shrinking(void)
{
	size_t bytes = 48 * MIB + 5;
	char *block = resize(NULL, bytes);

	for (; bytes > 1; bytes -= bytes / 3 + 1)
		block = resize(block, bytes - bytes / 3 - 1 + (bytes < 3));
	free(block);
}

/* Up and down over small, large and the borders of strides, with other blocks
 * dirty around it, so that pages come from every place they can come from. */
static void realloc_keeps_every_byte_on_a_walk(void)
{
	uint64_t dice = 42;
	size_t bytes = 100000, next;
	char *block = resize(NULL, bytes);

	for (int step = 0; step < 200; step++) {
		char *other;

		dice = dice * 6364136223846793005U + 1442695040888963407U;
		next = (size_t)1 << (12 + (dice >> 40) % 12);
		next += (size_t)(dice >> 20) % next;
		other = malloc(next);
		memset(other, 0xEE, next);
		free(other);
		block = resize(block, next);
		bytes = next;
	}
	free(block);
}

static void realloc_takes_blocks_of_every_function(void)
{
	for (const size_t *size = family_sizes; *size != 0; size++) {
		char *cleared = calloc(*size, 1), *aligned = aligned_alloc(4096, *size);

		pattern_write(cleared, 0, malloc_usable_size(cleared), 5);
		pattern_write(aligned, 0, malloc_usable_size(aligned), 5);
		free(resize(cleared, *size * 3));
		free(resize(aligned, *size / 2 + 1));
	}
}

static void realloc_within_the_stride_stays_in_place(void)
{
	char *block = malloc(MIB + 1), *grown;
	uintptr_t address = (uintptr_t)block;

	pattern_write(block, 0, malloc_usable_size(block), 5);
	grown = resize(block, 2 * MIB - 4096);
	HOLDS((uintptr_t)grown == address);
	free(grown);
}

static void realloc_of_null_allocates(void)
{
	for (const size_t *size = family_sizes; *size != 0; size++)
		free(resize(NULL, *size));
}

/* Or, of other C libraries than glibc, gives a block of no bytes. */
static void realloc_to_nothing_frees(void)
{
	for (const size_t *size = family_sizes; *size != 0; size++) {
		char *block = malloc(*size), *nothing = realloc(block, family_opaque(0));

#ifdef __GLIBC__
		HOLDS(nothing == NULL);
#else
		HOLDS(nothing != NULL);
#endif
		free(nothing);
	}
}

static void failed_realloc_leaves_the_block(void)
{
	for (const size_t *size = family_sizes; *size != 0; size++) {
		char *block = resize(NULL, *size);

		errno = 0;
		HOLDS(realloc(block, family_opaque(TOO_MANY_BYTES)) == NULL);
		HOLDS(errno == ENOMEM);
		errno = 0;
		HOLDS(reallocarray(block, family_opaque(SIZE_MAX / 2), 3) == NULL);
		HOLDS(errno == ENOMEM);
		HOLDS(pattern_check(block, *size, 5) == PATTERN_RIGHT);
		free(block);
	}
}

static void reallocarray_multiplies(void)
{
	char *block = reallocarray(NULL, 1000, 1000);

	HOLDS(malloc_usable_size(block) >= 1000000);
	pattern_write(block, 0, 1000000, 5);
	block = reallocarray(block, 3000, 1000);
	HOLDS(block != NULL && pattern_check(block, 1000000, 5) == PATTERN_RIGHT);
	HOLDS(malloc_usable_size(block) >= 3000000);
	free(block);
}

const struct check realloc_checks[] = {
	{ "realloc_keeps_every_byte_while_growing", realloc_keeps_every_byte_while_growing },
	{ "realloc_keeps_every_byte_while_shrinking", realloc_keeps_every_byte_while_shrinking },
	{ "realloc_keeps_every_byte_on_a_walk", realloc_keeps_every_byte_on_a_walk },
	{ "realloc_takes_blocks_of_every_function", realloc_takes_blocks_of_every_function },
	{ "realloc_within_the_stride_stays_in_place", realloc_within_the_stride_stays_in_place },
	{ "realloc_of_null_allocates", realloc_of_null_allocates },
	{ "realloc_to_nothing_frees", realloc_to_nothing_frees },
	{ "failed_realloc_leaves_the_block", failed_realloc_leaves_the_block },
	{ "reallocarray_multiplies", reallocarray_multiplies },
	{ NULL, NULL },
};
