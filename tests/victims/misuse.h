/* For the programs that misuse memory once, each named after its fault. */
#ifndef WEIR_TESTS_MISUSE_H
#define WEIR_TESTS_MISUSE_H

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MISUSE_BYTES ((size_t)300000)

/* The same address, of which the compiler knows nothing any more. */
static inline char *misuse_hide(char *address)
{
	char *volatile hidden = address;

	return hidden;
}

/* Prints the address of the bad call that follows. */
static inline char *misuse_announce(char *address)
{
	printf("%p\n", (void *)address);
	fflush(stdout);
	return address;
}

/* A dirty large block. */
static inline char *misuse_block(void)
{
	char *block = (char *)malloc(MISUSE_BYTES);

	memset(block, 1, MISUSE_BYTES);
	return misuse_hide(block);
}

#endif
