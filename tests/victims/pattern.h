/* A pattern that tells every byte of every block from the others: byte k of a
 * block is byte k mod 8 of a word made from its seed and k / 8. */
#ifndef WEIR_TESTS_PATTERN_H
#define WEIR_TESTS_PATTERN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Not in every C library: weir's. */
#pragma weak pvalloc
#pragma weak malloc_trim
void *pvalloc(size_t bytes);
int malloc_trim(size_t pad);

#define PATTERN_RIGHT SIZE_MAX

static inline uint64_t pattern_word(uint64_t seed, size_t index)
{
	return (seed * 0x2545F4914F6CDD1DU + index + 1) * 0x9E3779B97F4A7C15U;
}

/* Writes bytes [from, to) of the block. */
static inline void pattern_write(void *block, size_t from, size_t to, uint64_t seed)
{
	unsigned char *bytes = (unsigned char *)block;
	size_t step;

	for (size_t k = from; k < to; k += step) {
		uint64_t word = pattern_word(seed, k / 8);

		step = 8 - k % 8 < to - k ? 8 - k % 8 : to - k;
		memcpy(bytes + k, (const unsigned char *)&word + k % 8, step);
	}
}

/* The first of the bytes [0, count) that is not as written, or PATTERN_RIGHT. */
static inline size_t pattern_check(const void *block, size_t count, uint64_t seed)
{
	const unsigned char *bytes = (const unsigned char *)block;
	size_t step;

	for (size_t k = 0; k < count; k += step) {
		uint64_t word = pattern_word(seed, k / 8);

		step = count - k < 8 ? count - k : 8;
		if (memcmp(bytes + k, &word, step) != 0)
			return k;
	}
	return PATTERN_RIGHT;
}

/* The first byte that is not zero, or PATTERN_RIGHT. */
static inline size_t pattern_check_zero(const void *block, size_t count)
{
	const unsigned char *bytes = (const unsigned char *)block;

	if (count == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, count - 1) == 0))
		return PATTERN_RIGHT;
	for (size_t k = 0;; k++)
		if (bytes[k] != 0)
			return k;
}

#endif
