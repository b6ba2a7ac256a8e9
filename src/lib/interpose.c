/* The exported malloc family: small requests go to the backend, large ones to
 * large.c. Layer 7. Nothing else is here, so that the cost of a small request
 * can be read off: one compare and a tail call. */
#include "backend.h"
#include "engine.h"
#include "large.h"
#include "os.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

/* The library is built with hidden visibility. */
#define WEIR_EXPORT __attribute__((visibility("default")))

/* Not in the headers of every C library. */
WEIR_EXPORT void *pvalloc(size_t bytes); // NOLINT(readability-redundant-declaration)
WEIR_EXPORT int malloc_trim(size_t pad); // NOLINT(readability-redundant-declaration)
WEIR_EXPORT void free_sized(void *address, size_t bytes);
WEIR_EXPORT void free_aligned_sized(void *address, size_t align, size_t bytes);
WEIR_EXPORT void cfree(void *address);

static bool is_small(size_t bytes)
{
	return WEIR_LIKELY(bytes < weir_gate.min_bytes);
}

static bool is_ours(const void *address)
{
	return WEIR_UNLIKELY(weir_space_owns(&weir_space, address));
}

WEIR_EXPORT void *malloc(size_t bytes)
{
	return is_small(bytes) ? weir_backend.malloc(bytes) : weir_large_malloc(bytes, 1);
}

WEIR_EXPORT void free(void *address)
{
	if (is_ours(address))
		weir_large_free(address);
	else
		weir_backend.free(address);
}

WEIR_EXPORT void *calloc(size_t count, size_t bytes)
{
	size_t total;

	if (WEIR_UNLIKELY(__builtin_mul_overflow(count, bytes, &total))) {
		errno = ENOMEM;
		return NULL;
	}
	return is_small(total) ? weir_backend.calloc(count, bytes) : weir_large_calloc(total);
}

WEIR_EXPORT void *realloc(void *address, size_t bytes)
{
	if (is_ours(address))
		return weir_large_realloc(address, bytes);
	if (is_small(bytes))
		return weir_backend.realloc(address, bytes);
	return address ? weir_large_adopt(address, bytes) : weir_large_malloc(bytes, 1);
}

WEIR_EXPORT void *reallocarray(void *address, size_t count, size_t bytes)
{
	size_t total;

	if (WEIR_UNLIKELY(__builtin_mul_overflow(count, bytes, &total))) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(address, total);
}

/* The aligned family. posix_memalign is the only one that every backend has. */

static void *allocate_aligned(size_t align, size_t bytes)
{
	void *block;
	int error;

	if (!is_small(bytes))
		return weir_large_malloc(bytes, align);
	error = weir_backend.posix_memalign(&block, weir_max(align, sizeof(void *)), bytes);
	if (error == 0)
		return block;
	errno = error;
	return NULL;
}

WEIR_EXPORT int posix_memalign(void **block, size_t align, size_t bytes)
{
	int saved_errno = errno;
	int error = 0;
	void *found;

	if (align % sizeof(void *) != 0 || !weir_is_power_of_two(align))
		return EINVAL;
	found = allocate_aligned(align, bytes);
	if (found)
		*block = found;
	else
		error = errno;
	errno = saved_errno;
	return error;
}

WEIR_EXPORT void *aligned_alloc(size_t align, size_t bytes)
{
	if (!weir_is_power_of_two(align)) {
		errno = EINVAL;
		return NULL;
	}
	return allocate_aligned(align, bytes);
}

/* The C library rounds any alignment up to a power of two. */
WEIR_EXPORT void *memalign(size_t align, size_t bytes)
{
	if (align > SIZE_MAX / 2 + 1) {
		errno = EINVAL;
		return NULL;
	}
	return allocate_aligned((size_t)1 << weir_log2_ceil(align), bytes);
}

WEIR_EXPORT void *valloc(size_t bytes)
{
	return allocate_aligned(weir_os_page_bytes(), bytes);
}

WEIR_EXPORT void *pvalloc(size_t bytes)
{
	size_t page = weir_os_page_bytes();

	if (bytes > SIZE_MAX - page) {
		errno = ENOMEM;
		return NULL;
	}
	return allocate_aligned(page, weir_align_up(bytes, page));
}

WEIR_EXPORT size_t malloc_usable_size(void *address)
{
	return is_ours(address) ? weir_large_usable_size(address)
				: weir_backend.malloc_usable_size(address);
}

WEIR_EXPORT int malloc_trim(size_t pad)
{
	int released = weir_engine_release(WEIR_TRIGGER_api).units > 0;

	return (weir_backend.malloc_trim && weir_backend.malloc_trim(pad)) || released;
}

void free_sized(void *address, size_t bytes)
{
	(void)bytes;
	free(address);
}

void free_aligned_sized(void *address, size_t align, size_t bytes)
{
	(void)align;
	(void)bytes;
	free(address);
}

void cfree(void *address)
{
	free(address);
}
