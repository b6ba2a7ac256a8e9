/* Threads that allocate, resize, verify and free blocks of 64 KiB to 2 MiB, and hand half of
 * them to each other. A byte that is not as written ends the program with status 1, as does
 * memory that was refused; unless that may happen, and is then counted. */
#ifndef WEIR_TESTS_CHURNING_H
#define WEIR_TESTS_CHURNING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHURNING_THREADS_MAX 64

/* Const while threads churn. */
extern bool churning_may_refuse;
extern void (*churning_begin)(void);	      /* called in each thread first; or NULL */
extern void (*churning_aside)(uint64_t dice); /* and after each step; or NULL */
extern size_t churning_stack_bytes;	      /* of each thread; 0 for what is usual */

extern unsigned long churning_refusals; /* atomic, relaxed */

/* Starts threads that churn for so many steps each; with 0, until they are stopped. */
void churning_start(unsigned threads, unsigned long steps);
void churning_stop(void);

/* Waits for them, verifies and frees all that there is. */
void churning_join(void);

/* A forked child has none of the others' blocks to give back: `steps` of its own. */
void churning_in_child(uint64_t seed, unsigned steps);

#endif
