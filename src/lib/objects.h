/* The objects of the process, for where dlsym is missing (glibc.h). Layer 5.
 *
 * Reads what the dynamic linker mapped; from any thread, and from the first request on. */
#ifndef WEIR_OBJECTS_H
#define WEIR_OBJECTS_H

#include "base.h"

/* The function of this name in the first object behind this one, as dlsym(RTLD_NEXT) finds it;
 * NULL for none. Symbols that only older programs have are none. */
void *weir_objects_next(const char *name);

#endif
