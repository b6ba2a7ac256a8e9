/* A library in the memory of another process: where its symbols are. */
#ifndef WEIR_CLI_IMAGE_H
#define WEIR_CLI_IMAGE_H

#include <stdint.h>
#include <sys/types.h>

/* The address of an exported object, by the ELF image that begins at `base`; 0 when it has
 * none of that name, or is no image. Reads memory and not the file, which may be gone, in
 * another container, or another one by now. */
uint64_t image_find_symbol(pid_t pid, uint64_t base, const char *name);

#endif
