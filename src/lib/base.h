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

/* 64, or 32: then there are fewer and shorter regions (classes.h, space.h), and settings end
 * at WEIR_MOST_BYTES. All else is the same; what may be more than a process can have, memory
 * of the machine for one, has 64 bits. */
#define WEIR_ADDRESS_BITS (8 * __SIZEOF_POINTER__)
#define WEIR_BY_ADDRESS_BITS(of64, of32) (WEIR_ADDRESS_BITS == 64 ? (of64) : (of32))

#define WEIR_KIB ((size_t)1 << 10)
#define WEIR_MIB ((size_t)1 << 20)
#define WEIR_GIB ((size_t)1 << 30)
#define WEIR_MOST_BYTES WEIR_BY_ADDRESS_BITS(SIZE_MAX, 4095 * WEIR_MIB)

/* Memory is accounted in units of 4 KiB on every machine, whatever its page
 * size is, so that a size in units fits a few bits of a packed word. */
#define WEIR_UNIT_SHIFT 12
#define WEIR_UNIT_BYTES ((size_t)1 << WEIR_UNIT_SHIFT)

/* On variables that cross files: reached without the global offset table. */
#define WEIR_HIDDEN __attribute__((visibility("hidden")))

/* Two cache lines, because the adjacent-line prefetcher of x86 fetches pairs. */
#define WEIR_CACHE_ALIGNED __attribute__((aligned(128)))

/* Arithmetic for sizes and for counts of 64 bits: the result has the wider type of both
 * arguments, which are unsigned and evaluated once. */
#define WEIR_OF_BOTH(a, b, result) ((__typeof__((a) + (b)))(result))

/* The smallest multiple of `align` (a power of two) that is not below `n`.
 * Wraps to 0 when that does not fit. */
#define weir_align_up(n, align) WEIR_OF_BOTH(n, align, weir_aligned_up(n, align))
#define weir_align_down(n, align) WEIR_OF_BOTH(n, align, weir_aligned_down(n, align))
#define weir_min(a, b) WEIR_OF_BOTH(a, b, weir_smaller(a, b))
#define weir_max(a, b) WEIR_OF_BOTH(a, b, weir_larger(a, b))

static inline uint64_t weir_aligned_up(uint64_t n, uint64_t align)
{
	return (n + align - 1) & ~(align - 1);
}

static inline uint64_t weir_aligned_down(uint64_t n, uint64_t align)
{
	return n & ~(align - 1);
}

static inline uint64_t weir_smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t weir_larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline size_t weir_fit(uint64_t bytes)
{
	return (size_t)weir_min(bytes, (uint64_t)WEIR_MOST_BYTES);
}

static inline bool weir_is_power_of_two(uint64_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

/* The smallest k with 2^k >= n; n is 1 to 2^63. */
static inline unsigned weir_log2_ceil(uint64_t n)
{
	return n <= 1 ? 0 : 64U - (unsigned)__builtin_clzll(n - 1);
}

/* Of what is in this process. */
static inline size_t weir_units_to_bytes(uint64_t units)
{
	return (size_t)(units << WEIR_UNIT_SHIFT);
}

#endif
