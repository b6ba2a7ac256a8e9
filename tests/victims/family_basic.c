#include "family.h"

#include <dlfcn.h>
#include <unistd.h>

static void malloc_gives_writable_memory(void)
{
	for (const size_t *size = family_sizes; *size != 0; size++) {
		char *block = malloc(*size);

		HOLDS(block != NULL);
		HOLDS(*size < 16 || (uintptr_t)block % 16 == 0);
		pattern_write(block, 0, *size, *size);
		HOLDS(pattern_check(block, *size, *size) == PATTERN_RIGHT);
		free(block);
	}
}

static void blocks_do_not_overlap(void)
{
	enum { COUNT = 40 };
	char *blocks[COUNT];

	for (size_t round = 0; round < 3; round++) {
		for (size_t i = 0; i < COUNT; i++) {
			blocks[i] = malloc(64 * KIB + i * 30011);
			HOLDS(blocks[i] != NULL);
			pattern_write(blocks[i], 0, 64 * KIB + i * 30011, i);
		}
		for (size_t i = 0; i < COUNT; i++) {
			HOLDS(pattern_check(blocks[i], 64 * KIB + i * 30011, i) == PATTERN_RIGHT);
			free(blocks[i]);
		}
	}
}

static void large_blocks_are_aligned_to_128(void)
{
	for (const size_t *size = family_sizes; *size != 0; size++) {
		char *block = malloc(*size);

		HOLDS(*size < 64 * KIB || *size > LARGEST_POOLED || (uintptr_t)block % 128 == 0);
		free(block);
	}
}

static void usable_size_ends_with_a_page(void)
{
	HOLDS(malloc_usable_size(NULL) == 0);
	for (const size_t *size = family_sizes; *size != 0; size++) {
		char *block = malloc(*size);
		size_t usable = malloc_usable_size(block);

		HOLDS(usable >= *size);
		HOLDS(*size < 64 * KIB || ((uintptr_t)block + usable) % 4096 == 0);
		HOLDS(*size < 64 * KIB || usable < *size + 2 * 4096);
		free(block);
	}
}

static void all_of_the_usable_size_is_the_programs(void)
{
	for (const size_t *size = family_sizes; *size != 0; size++) {
		char *block = malloc(*size);
		size_t usable = malloc_usable_size(block);
		char *neighbour = malloc(*size);

		pattern_write(block, 0, usable, 7);
		pattern_write(neighbour, 0, malloc_usable_size(neighbour), 8);
		HOLDS(pattern_check(block, usable, 7) == PATTERN_RIGHT);
		free(neighbour);
		free(block);
	}
}

static void zero_bytes_are_a_block_of_their_own(void)
{
	void *a = malloc(0), *b = malloc(0), *c = calloc(0, 8), *d = calloc(8, 0);

	HOLDS(a != NULL && b != NULL && c != NULL && d != NULL);
	HOLDS(a != b && c != d);
	free(a);
	free(b);
	free(c);
	free(d);
}

static void blocks_as_large_as_a_region_and_more_work(void)
{
	static const size_t sizes[] = { LARGEST_POOLED - 1, LARGEST_POOLED, LARGEST_POOLED + 1,
					LARGEST_POOLED / 2 * 3 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *block = malloc(family_opaque(sizes[i]));

		HOLDS(block != NULL);
		block[0] = 1;
		block[sizes[i] / 2] = 2;
		block[sizes[i] - 1] = 3;
		HOLDS(block[0] == 1 && block[sizes[i] / 2] == 2 && block[sizes[i] - 1] == 3);
		free(block);
	}
}

static void malloc_trim_answers_and_keeps_live_data(void)
{
	char *live = malloc(MIB), *gone = malloc(MIB);

	pattern_write(live, 0, MIB, 1);
	pattern_write(gone, 0, MIB, 2);
	free(gone);
	HOLDS((unsigned)malloc_trim(0) <= 1);
	HOLDS(pattern_check(live, MIB, 1) == PATTERN_RIGHT);
	free(live);
}

/* These two are C23's; the C library of Debian 12 has neither them nor cfree. */
static void sized_frees_and_cfree_exist(void)
{
	void (*free_sized)(void *, size_t) = NULL;
	void (*free_aligned_sized)(void *, size_t, size_t) = NULL;
	void (*cfree)(void *) = NULL;

	*(void **)&free_sized = dlsym(RTLD_DEFAULT, "free_sized");
	*(void **)&free_aligned_sized = dlsym(RTLD_DEFAULT, "free_aligned_sized");
	*(void **)&cfree = dlsym(RTLD_DEFAULT, "cfree");
	HOLDS(free_sized != NULL && free_aligned_sized != NULL && cfree != NULL);
	for (const size_t *size = family_sizes; *size != 0; size++) {
		free_sized(malloc(*size), *size);
		free_aligned_sized(aligned_alloc(64, *size), 64, *size);
		cfree(malloc(*size));
	}
	free_sized(NULL, 0);
	free_aligned_sized(NULL, 64, 0);
	cfree(NULL);
}

static void figures_of_the_c_library_still_work(void)
{
#ifdef __GLIBC__ /* others have none */
	char *block = malloc(1000);
	FILE *sink = tmpfile();
	char start[7] = { 0 };

	HOLDS(block != NULL && sink != NULL);
	HOLDS(mallopt(M_ARENA_MAX, 4) == 1);
	HOLDS(mallinfo2().arena > 0);
	HOLDS(malloc_info(0, sink) == 0);
	rewind(sink);
	HOLDS(fread(start, 1, 6, sink) == 6 && strncmp(start, "<mallo", 6) == 0);
	fclose(sink);
	malloc_stats();
	free(block);
#endif
}

const struct check basic_checks[] = {
	{ "malloc_gives_writable_memory", malloc_gives_writable_memory },
	{ "blocks_do_not_overlap", blocks_do_not_overlap },
	{ "large_blocks_are_aligned_to_128", large_blocks_are_aligned_to_128 },
	{ "usable_size_ends_with_a_page", usable_size_ends_with_a_page },
	{ "all_of_the_usable_size_is_the_programs", all_of_the_usable_size_is_the_programs },
	{ "zero_bytes_are_a_block_of_their_own", zero_bytes_are_a_block_of_their_own },
	{ "blocks_as_large_as_a_region_and_more_work", blocks_as_large_as_a_region_and_more_work },
	{ "malloc_trim_answers_and_keeps_live_data", malloc_trim_answers_and_keeps_live_data },
	{ "sized_frees_and_cfree_exist", sized_frees_and_cfree_exist },
	{ "figures_of_the_c_library_still_work", figures_of_the_c_library_still_work },
	{ NULL, NULL },
};
