#include "family.h"

#include <unistd.h>

static void use_and_free(void *block, size_t alignment, size_t bytes)
{
	HOLDS(block != NULL);
	HOLDS((uintptr_t)block % alignment == 0);
	HOLDS(malloc_usable_size(block) >= bytes);
	pattern_write(block, 0, bytes, alignment);
	HOLDS(pattern_check(block, bytes, alignment) == PATTERN_RIGHT);
	free(block);
}

/* Of small requests musl itself gives no more; it crashes. */
#ifdef __GLIBC__
#define LARGEST_ALIGNMENT LARGEST_POOLED
#else
#define LARGEST_ALIGNMENT GIB
#endif

static void every_alignment_up_to_the_largest_is_given(void)
{
	static const size_t sizes[] = { 100, 5000, 64 * KIB, 100001, MIB + 1 };

	for (size_t alignment = 8; alignment <= LARGEST_ALIGNMENT; alignment *= 2) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			void *block = NULL;

			HOLDS(posix_memalign(&block, alignment, sizes[i]) == 0);
			use_and_free(block, alignment, sizes[i]);
			use_and_free(aligned_alloc(alignment, sizes[i]), alignment, sizes[i]);
			use_and_free(memalign(alignment, sizes[i]), alignment, sizes[i]);
		}
	}
}

static void aligned_blocks_do_not_overlap(void)
{
	enum { COUNT = 32 };
	char *blocks[COUNT];

	for (size_t i = 0; i < COUNT; i++) {
		blocks[i] = aligned_alloc((size_t)64 << i % 16, 70000 + 4096 * i);
		HOLDS(blocks[i] != NULL && (uintptr_t)blocks[i] % ((size_t)64 << i % 16) == 0);
		pattern_write(blocks[i], 0, 70000 + 4096 * i, i);
	}
	for (size_t i = 0; i < COUNT; i++) {
		HOLDS(pattern_check(blocks[i], 70000 + 4096 * i, i) == PATTERN_RIGHT);
		free(blocks[i]);
	}
}

static void posix_memalign_refuses_bad_alignments(void)
{
	static const size_t bad[] = {
		0, 1, 2, sizeof(void *) / 2, 3, 7, 9, 24, 4095, 4097, 3 * MIB
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (const size_t *size = family_sizes; *size != 0; size++) {
			void *block = &block;

			errno = 77;
			HOLDS(posix_memalign(&block, family_opaque(bad[i]), *size) == EINVAL);
			HOLDS(block == &block && errno == 77);
		}
	}
}

static void posix_memalign_refuses_too_many_bytes(void)
{
	void *block = &block;

	HOLDS(posix_memalign(&block, 64, family_opaque(TOO_MANY_BYTES)) == ENOMEM);
	HOLDS(block == &block);
	errno = 0;
	HOLDS(aligned_alloc(64, family_opaque(TOO_MANY_BYTES)) == NULL && errno == ENOMEM);
	errno = 0;
	HOLDS(memalign(64, family_opaque(TOO_MANY_BYTES)) == NULL && errno == ENOMEM);
}

static void aligned_zero_bytes_can_be_freed(void)
{
	void *block = NULL;

	HOLDS(posix_memalign(&block, 4096, 0) == 0);
	free(block);
	free(aligned_alloc(4096, 0));
	free(memalign(4096, 0));
}

static void valloc_and_pvalloc_give_whole_pages(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (const size_t *size = family_sizes; *size != 0; size++) {
		size_t rounded = (*size + page - 1) / page * page;

		use_and_free(valloc(*size), page, *size);
		use_and_free(pvalloc(*size), page, rounded);
	}
	errno = 0;
	HOLDS(valloc(family_opaque(TOO_MANY_BYTES)) == NULL && errno == ENOMEM);
	errno = 0;
	HOLDS(pvalloc(family_opaque(SIZE_MAX)) == NULL && errno == ENOMEM);
}

const struct check aligned_checks[] = {
	{ "every_alignment_up_to_the_largest_is_given",
	  every_alignment_up_to_the_largest_is_given },
	{ "aligned_blocks_do_not_overlap", aligned_blocks_do_not_overlap },
	{ "posix_memalign_refuses_bad_alignments", posix_memalign_refuses_bad_alignments },
	{ "posix_memalign_refuses_too_many_bytes", posix_memalign_refuses_too_many_bytes },
	{ "aligned_zero_bytes_can_be_freed", aligned_zero_bytes_can_be_freed },
	{ "valloc_and_pvalloc_give_whole_pages", valloc_and_pvalloc_give_whole_pages },
	{ NULL, NULL },
};
