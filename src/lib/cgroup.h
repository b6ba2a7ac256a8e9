/* The memory that this process may use at most, and the cgroup that says so. Layer 2.
 *
 * Reads /proc/self/cgroup, /proc/self/mountinfo and the limit files of the
 * process's cgroup and of all above it that are mounted; version 1, version 2
 * and both side by side. `root` goes before every path: "" for the real system,
 * a fixture tree in tests. The buffers are static, so one thread at a time
 * (settings.h says which). Not for signal handlers. */
#ifndef WEIR_CGROUP_H
#define WEIR_CGROUP_H

#include "base.h"

#define WEIR_CGROUP_PATH_BYTES 4096

/* The cgroup that binds: the one up the path of this process that has the smallest limit, or,
 * without any limit, the process's own as far as it can be seen. Its files' names tell the
 * version of the memory controller. */
struct weir_cgroup {
	uint64_t limit_bytes; /* 0 for none */
	unsigned version;     /* 1 or 2; 0 where no cgroup is known */
	char directory[WEIR_CGROUP_PATH_BYTES];
	/* Version 2's directory whose memory.pressure is this process's: the same, or under a
	 * version 1 that has the memory, the process's own. Empty where none is seen, or the
	 * root. */
	char pressure[WEIR_CGROUP_PATH_BYTES];
};

/* False where no cgroup is known, or not all could be read for want of descriptors or
 * memory; what is known is filled in then, too. */
bool weir_cgroup_find(const char *root, struct weir_cgroup *cgroup);

/* What its processes use: all of it (which costs 2 us), and without what the kernel
 * takes back first, file pages that were not used lately (which costs 8 to 12 us: the kernel
 * sums up the counters of all processors). False where it cannot be read. */
bool weir_cgroup_read_usage(const struct weir_cgroup *cgroup, uint64_t *bytes);
bool weir_cgroup_read_used(const struct weir_cgroup *cgroup, uint64_t *bytes);

/* The smaller of the cgroup's limit and the machine's memory; 0 when neither is known. */
uint64_t weir_cgroup_memory_bytes(const struct weir_cgroup *cgroup);
/* The same of the cgroup that is found. */
uint64_t weir_memory_limit_bytes(const char *root);

#endif
