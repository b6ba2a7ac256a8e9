#include "family.h"

#include <sys/mman.h>

#define ZERO(block, bytes) HOLDS(pattern_check_zero(block, bytes) == PATTERN_RIGHT)

/* Frees a block of which every usable byte is dirty. */
static void leave_dirty(size_t bytes)
{
	char *block = malloc(bytes);

	HOLDS(block != NULL);
	memset(block, 0xAB, malloc_usable_size(block));
	free(block);
}

static void take_zeroed(size_t bytes)
{
	char *block = calloc(1, bytes);

	HOLDS(block != NULL);
	ZERO(block, bytes);
	memset(block, 0xCD, bytes);
	free(block);
}

static void calloc_is_zero_when_fresh(void)
{
	for (const size_t *size = family_sizes; *size != 0; size++) {
		char *block = calloc(*size, 1);

		HOLDS(block != NULL);
		ZERO(block, *size);
		free(block);
	}
}

/* A kept block may be longer, shorter or as long as what is asked for next. */
static void calloc_is_zero_after_dirty_blocks(void)
{
	for (const size_t *size = family_sizes; *size != 0; size++) {
		leave_dirty(*size);
		take_zeroed(*size);
		leave_dirty(*size);
		take_zeroed(*size - *size / 5);
		leave_dirty(*size);
		take_zeroed(*size + *size / 7);
		leave_dirty(*size);
		take_zeroed(*size * 2 - 1);
	}
}

static void calloc_is_zero_after_many_dirty_blocks(void)
{
	enum { COUNT = 24 };
	char *blocks[COUNT];

	for (size_t i = 0; i < COUNT; i++) {
		blocks[i] = malloc(64 * KIB << i % 6);
		memset(blocks[i], 0xAB, 64 * KIB << i % 6);
	}
	for (size_t i = 0; i < COUNT; i++)
		free(blocks[i]);
	for (size_t i = 0; i < COUNT; i++) {
		blocks[i] = calloc(64 * KIB + 12345 * i, 4);
		ZERO(blocks[i], 4 * (64 * KIB + 12345 * i));
		memset(blocks[i], 0xCD, 4 * (64 * KIB + 12345 * i));
	}
	for (size_t i = 0; i < COUNT; i++)
		free(blocks[i]);
}

static void calloc_is_zero_after_realloc_changed_the_extent(void)
{
	for (const size_t *size = family_sizes; *size != 0; size++) {
		char *block = malloc(*size * 2);

		memset(block, 0xAB, *size * 2);
		block = realloc(block, *size);
		free(block);
		take_zeroed(*size * 2);
		block = malloc(*size);
		memset(block, 0xAB, *size);
		block = realloc(block, *size + *size / 4 + 1);
		memset(block, 0xAB, *size + *size / 4 + 1);
		free(block);
		take_zeroed(*size);
		take_zeroed(*size * 2);
	}
}

static void calloc_is_zero_after_a_release(void)
{
	for (const size_t *size = family_sizes; *size != 0; size++) {
		leave_dirty(*size);
		malloc_trim(0);
		take_zeroed(*size);
		leave_dirty(*size);
	}
	malloc_trim(0);
	for (const size_t *size = family_sizes; *size != 0; size++)
		take_zeroed(*size);
}

/* The kernel refuses to drop locked pages, so that they keep what they held. */
static void calloc_is_zero_when_pages_are_locked(void)
{
	char *block = malloc(256 * KIB);

	HOLDS(mlock(block, 256 * KIB) == 0);
	memset(block, 0xAB, 256 * KIB);
	free(block);
	malloc_trim(0);
	take_zeroed(256 * KIB);
	take_zeroed(250 * KIB);
}

static void calloc_multiplies(void)
{
	char *block = calloc(300, 1001);

	HOLDS(block != NULL && malloc_usable_size(block) >= 300300);
	ZERO(block, 300300);
	free(block);
}

const struct check zero_checks[] = {
	{ "calloc_is_zero_when_fresh", calloc_is_zero_when_fresh },
	{ "calloc_is_zero_after_dirty_blocks", calloc_is_zero_after_dirty_blocks },
	{ "calloc_is_zero_after_many_dirty_blocks", calloc_is_zero_after_many_dirty_blocks },
	{ "calloc_is_zero_after_realloc_changed_the_extent",
	  calloc_is_zero_after_realloc_changed_the_extent },
	{ "calloc_is_zero_after_a_release", calloc_is_zero_after_a_release },
	{ "calloc_is_zero_when_pages_are_locked", calloc_is_zero_when_pages_are_locked },
	{ "calloc_multiplies", calloc_multiplies },
	{ NULL, NULL },
};
