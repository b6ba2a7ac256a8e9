/* What the two libraries do not have in common. Layer 6.
 *
 * libweir.so stands before the next allocator (library_preloaded.c); libweirpool.so has pools of
 * programs alone (library_linked.c). */
#ifndef WEIR_LIBRARY_H
#define WEIR_LIBRARY_H

#include <signal.h>
#include <stdbool.h>

/* The next allocator's name, or an empty one; not for signal handlers. */
const char *weir_library_backend(void);

/* Protects what a program's wrong write could reach, for WEIR_HARDEN. False when the kernel
 * refuses. */
bool weir_library_harden(void);

/* sigaction(2) as the kernel answers; the program is shown something else
 * (interpose_signal.c). */
int weir_library_sigaction(int number, const struct sigaction *action, struct sigaction *old);

#endif
