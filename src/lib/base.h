/* Arithmetic and annotations that every layer uses. Layer 0: pure, no state.
 *
 * Headers of the library are valid C++ too, so that the unit tests can include
 * them; that is why shared fields are plain integers behind atomic.h. */
#ifndef WEIR_BASE_H
#define WEIR_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEIR_LIKELY(x) __builtin_expect(!!(x), 1)
#define WEIR_UNLIKELY(x) __builtin_expect(!!(x), 0)

#define WEIR_KIB ((size_t)1 << 10)
#define WEIR_MIB ((size_t)1 << 20)
#define WEIR_GIB ((size_t)1 << 30)

/* Memory is accounted in units of 4 KiB on every machine, whatever its page
 * size is, so that a size in units fits a few bits of a packed word. */
#define WEIR_UNIT_SHIFT 12
#define WEIR_UNIT_BYTES ((size_t)1 << WEIR_UNIT_SHIFT)

/* On variables that cross files: reached without the global offset table. */
#define WEIR_HIDDEN __attribute__((visibility("hidden")))

/* Two cache lines, because the adjacent-line prefetcher of x86 fetches pairs. */
#define WEIR_CACHE_ALIGNED __attribute__((aligned(128)))

/* The smallest multiple of `align` (a power of two) that is not below `n`.
 * Wraps to 0 when that does not fit. */
static inline size_t weir_align_up(size_t n, size_t align)
{
	return (n + align - 1) & ~(align - 1);
}

static inline size_t weir_align_down(size_t n, size_t align)
{
	return n & ~(align - 1);
}

static inline bool weir_is_power_of_two(size_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

/* The smallest k with 2^k >= n; n is 1 to 2^63. */
static inline unsigned weir_log2_ceil(size_t n)
{
	return n <= 1 ? 0 : 64U - (unsigned)__builtin_clzll(n - 1);
}

static inline size_t weir_min(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline size_t weir_max(size_t a, size_t b)
{
	return a > b ? a : b;
}

static inline size_t weir_units_to_bytes(uint64_t units)
{
	return (size_t)units << WEIR_UNIT_SHIFT;
}

#endif
