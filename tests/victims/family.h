/* Checks of the malloc family, each a function that returns when all holds and
 * ends the program with the place and the broken condition when not. */
#ifndef WEIR_TESTS_FAMILY_H
#define WEIR_TESTS_FAMILY_H

#include "pattern.h"

#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

/* The largest request that is pooled, where a process has addresses of 32 bits and elsewhere. */
#define ADDRESS_BITS (8 * __SIZEOF_POINTER__)
#define LARGEST_POOLED (ADDRESS_BITS == 64 ? (size_t)1 << (ADDRESS_BITS / 2) : 32 * MIB)

/* More than any block can have. */
#define TOO_MANY_BYTES ((size_t)PTRDIFF_MAX + 1)

#define HOLDS(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, \
				#condition); \
			exit(1); \
		} \
	} while (0)

struct check {
	const char *name;
	void (*run)(void);
};

/* Each ends with a check without a name. */
extern const struct check aligned_checks[];
extern const struct check basic_checks[];
extern const struct check error_checks[];
extern const struct check realloc_checks[];
extern const struct check zero_checks[];

/* Small ones, and large ones around the borders of classes and strides; ends
 * with 0. */
extern const size_t family_sizes[];

/* A number that the compiler cannot know, so that it warns of no call. */
size_t family_opaque(size_t number);

#endif
