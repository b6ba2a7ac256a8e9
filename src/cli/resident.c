#include "resident.h"

#include "proc.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHILDREN_BYTES 4096 /* of the list of one thread's children */
#define DEPTH_MAX 64

/* The second number of statm; a process that is about to end has 0. */
static uint64_t own_bytes(pid_t pid)
{
	char statm[128];
	unsigned long pages;

	if (proc_read(pid, "statm", statm, sizeof statm) <= 0 ||
	    sscanf(statm, "%*u %lu", &pages) != 1)
		return 0;
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t tree_bytes(pid_t pid, unsigned depth);

static uint64_t children_bytes(pid_t pid, const char *thread, unsigned depth)
{
	char file[64], children[CHILDREN_BYTES], *at = children, *end;
	uint64_t bytes = 0;
	long child;

	snprintf(file, sizeof file, "task/%.20s/children", thread);
	if (proc_read(pid, file, children, sizeof children) <= 0)
		return 0;
	while ((child = strtol(at, &end, 10)) > 0) {
		bytes += tree_bytes((pid_t)child, depth + 1);
		at = end;
	}
	return bytes;
}

/* Each thread has children of its own. */
static uint64_t tree_bytes(pid_t pid, unsigned depth)
{
	uint64_t bytes = own_bytes(pid);
	struct dirent *thread;
	char path[64];
	DIR *threads;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	threads = depth < DEPTH_MAX ? opendir(path) : NULL;
	if (threads == NULL)
		return bytes;
	while ((thread = readdir(threads)) != NULL)
		if (thread->d_name[0] != '.')
			bytes += children_bytes(pid, thread->d_name, depth);
	closedir(threads);
	return bytes;
}

uint64_t resident_bytes(pid_t pid)
{
	return tree_bytes(pid, 0);
}
