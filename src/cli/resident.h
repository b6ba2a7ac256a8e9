/* What a process and its descendants have resident. */
#ifndef WEIR_CLI_RESIDENT_H
#define WEIR_CLI_RESIDENT_H

#include <stdint.h>
#include <sys/types.h>

/* In bytes, of the family (family.h); pages that several of them share count for each. 0 for one
 * that is about to end. */
uint64_t resident_bytes(pid_t pid);

#endif
