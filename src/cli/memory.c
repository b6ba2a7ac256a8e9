#include "memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

bool memory_read(void *pid, uint64_t address, void *to, size_t bytes)
{
	struct iovec here = { to, bytes };
	struct iovec there = { (void *)(uintptr_t)address, bytes }; // NOLINT: an address of theirs
	bool nameable = (uintptr_t)address == address; /* not so far up for a command of 32 bits */
	ssize_t count =
		nameable ? process_vm_readv(*(const pid_t *)pid, &here, 1, &there, 1, 0) : 0;

	if (count >= 0 && (size_t)count < bytes)
		errno = EFAULT;
	return count >= 0 && (size_t)count == bytes;
}

/* begin-end rwxp offset device inode path; the path may have anything but a newline. */
static bool parse(char *line, struct memory_mapping *mapping)
{
	char rights[5];
	int path_at = 0;
	char *path, *slash;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %n", &mapping->begin,
		   &mapping->end, rights, &mapping->offset, &path_at) != 4 ||
	    path_at == 0)
		return false;
	path = line + path_at;
	path[strcspn(path, "\n")] = '\0';
	slash = strrchr(path, '/');
	mapping->file = slash ? slash + 1 : "";
	mapping->is_writable = rights[1] == 'w';
	return true;
}

long memory_list(pid_t pid, memory_take *take, void *context)
{
	char path[32];
	char *line = NULL;
	size_t size = 0;
	struct memory_mapping mapping;
	long count = 0;
	FILE *maps;

	snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	if (!maps)
		return -errno;
	while (getline(&line, &size, maps) > 0) {
		count++;
		if (parse(line, &mapping) && !take(context, &mapping))
			break;
	}
	free(line);
	fclose(maps);
	return count;
}
