/* Who calls the library: return addresses, and what stands at them. Layer 6.
 *
 * The first call may allocate, in the C library (it loads the compiler's unwinder), so none of
 * this is for a signal handler or for malloc. Any number of threads. */
#ifndef WEIR_CALLERS_H
#define WEIR_CALLERS_H

#include "text.h"

/* The caller, which is the return address of an exported function that is running, and the
 * return addresses behind it: `most` at most. Returns how many; the caller alone where the C
 * library does not walk stacks. */
unsigned weir_callers(void **stack, unsigned most, void *caller);

/* Appends `module+0xoffset (symbol+0xoffset)`, as far as the dynamic linker knows (of a
 * program only what it exports), or the bare address. */
void weir_callers_name(struct weir_text *text, const void *address);

#endif
