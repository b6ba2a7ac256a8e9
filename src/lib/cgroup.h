/* The memory that this process may use at most. Layer 2.
 *
 * Reads /proc/self/cgroup, /proc/self/mountinfo and the limit files of the
 * process's cgroup and of all above it that are mounted; version 1, version 2
 * and both side by side. `root` goes before every path: "" for the real system,
 * a fixture tree in tests. The buffers are static, so one thread at a time: at
 * engine start, under the once-guard. Not for signal handlers. */
#ifndef WEIR_CGROUP_H
#define WEIR_CGROUP_H

#include "base.h"

/* The smallest limit up the path of this process, in bytes; 0 when there is none
 * or it cannot be known. */
size_t weir_cgroup_limit_bytes(const char *root);

/* The smaller of that and the machine's memory; 0 when neither is known. */
size_t weir_memory_limit_bytes(const char *root);

#endif
