/* What a process and its descendants have resident. */
#ifndef WEIR_CLI_RESIDENT_H
#define WEIR_CLI_RESIDENT_H

#include <stdint.h>
#include <sys/types.h>

/* In bytes; pages that several of them share count for each. 0 for one that is about to end.
 * Processes that start or end meanwhile count or not; where the kernel does not tell children,
 * descendants do not. */
uint64_t resident_bytes(pid_t pid);

#endif
