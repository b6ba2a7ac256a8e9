/* A process and all that descend from it. */
#ifndef WEIR_CLI_FAMILY_H
#define WEIR_CLI_FAMILY_H

#include <stddef.h>
#include <sys/types.h>

/* More are not looked at. */
#define FAMILY_MAX 4096

struct family {
	pid_t pids[FAMILY_MAX];
	size_t count;
};

/* `first` is the first of them. Processes that start or end meanwhile are there or not; where the
 * kernel does not tell children, descendants are not. */
void family_find(struct family *family, pid_t first);

#endif
