/* Strides and size classes. Layer 0: pure arithmetic.
 *
 * A region holds slots of one stride: region r has stride 64 KiB << r. Each
 * doubling of size has four classes, as jemalloc's: region r's classes end at
 * 5/8, 6/8, 7/8 and 8/8 of its stride. Everything up to 5/8 of the stride (a
 * trimmed extent, a small block with a large alignment) is in the first.
 *
 * Where addresses have 32 bits, the largest stride is 32 MiB: all regions are as long as
 * the others, and addresses for blocks that hardly ever come would be taken from the
 * program. */
#ifndef WEIR_CLASSES_H
#define WEIR_CLASSES_H

#include "base.h"

#define WEIR_MIN_STRIDE_SHIFT 16
#define WEIR_MAX_STRIDE_SHIFT WEIR_BY_ADDRESS_BITS(32, 25)
#define WEIR_LARGEST_STRIDE ((size_t)1 << WEIR_MAX_STRIDE_SHIFT)
#define WEIR_REGION_COUNT (WEIR_MAX_STRIDE_SHIFT - WEIR_MIN_STRIDE_SHIFT + 1)
#define WEIR_CLASSES_PER_REGION 4
#define WEIR_CLASS_COUNT (WEIR_REGION_COUNT * WEIR_CLASSES_PER_REGION)

static inline unsigned weir_region_stride_shift(unsigned region)
{
	return WEIR_MIN_STRIDE_SHIFT + region;
}

static inline size_t weir_region_stride(unsigned region)
{
	return (size_t)1 << weir_region_stride_shift(region);
}

/* The region whose stride holds `bytes` and is a multiple of `align` (a power of
 * two): WEIR_REGION_COUNT or more when there is none. */
static inline unsigned weir_region_of(size_t bytes, size_t align)
{
	unsigned shift = weir_log2_ceil(weir_max(bytes, align));

	return shift <= WEIR_MIN_STRIDE_SHIFT ? 0 : shift - WEIR_MIN_STRIDE_SHIFT;
}

/* A block begins at one of 32 places of its slot's first page, 128 bytes apart
 * (colour.h), but for those where it would gain nothing: long ones, for which the
 * next stride would be a waste, and those that must be aligned to more. */
#define WEIR_COLOURS 32
#define WEIR_COLOUR_ALIGN ((size_t)128)
#define WEIR_COLOUR_SPARE ((WEIR_COLOURS - 1) * WEIR_COLOUR_ALIGN)
#define WEIR_COLOURED_MAX WEIR_BY_ADDRESS_BITS(256 * WEIR_MIB, WEIR_LARGEST_STRIDE / 2)

static inline bool weir_is_coloured(size_t bytes, size_t align)
{
	return bytes <= WEIR_COLOURED_MAX && align <= WEIR_COLOUR_ALIGN;
}

/* What a block of `bytes` takes of its slot: room for every place. */
static inline size_t weir_reach(size_t bytes, size_t align)
{
	return weir_is_coloured(bytes, align) ? bytes + WEIR_COLOUR_SPARE : bytes;
}

/* The class of `bytes` in a region; bytes is 0 to the stride. */
static inline unsigned weir_class_of(unsigned region, size_t bytes)
{
	unsigned eighth_shift = weir_region_stride_shift(region) - 3;
	size_t eighths = (bytes + ((size_t)1 << eighth_shift) - 1) >> eighth_shift;
	unsigned quarter = eighths <= 5 ? 0 : (unsigned)eighths - 5;

	return region * WEIR_CLASSES_PER_REGION + quarter;
}

static inline unsigned weir_class_region(unsigned class_index)
{
	return class_index / WEIR_CLASSES_PER_REGION;
}

/* The largest size of a class, in bytes. */
static inline size_t weir_class_bytes(unsigned class_index)
{
	size_t eighth = weir_region_stride(weir_class_region(class_index)) >> 3;

	return eighth * (5 + class_index % WEIR_CLASSES_PER_REGION);
}

/* The largest size of the class that serves a request of `bytes`; SIZE_MAX where none does. */
static inline size_t weir_class_bytes_for(size_t bytes)
{
	size_t reach = weir_reach(bytes, 1);
	unsigned region = weir_region_of(reach, 1);

	return region < WEIR_REGION_COUNT ? weir_class_bytes(weir_class_of(region, reach))
					  : SIZE_MAX;
}

/* Whether a class serves requests of min_bytes to max_bytes; SIZE_MAX for no such end. */
static inline bool weir_class_serves(unsigned class_index, size_t min_bytes, size_t max_bytes)
{
	size_t bytes = weir_class_bytes(class_index);

	return bytes >= weir_class_bytes_for(min_bytes) &&
	       (max_bytes == SIZE_MAX || bytes <= weir_class_bytes_for(max_bytes));
}

#endif
