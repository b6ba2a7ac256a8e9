#include "family.h"

#include "proc.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define CHILDREN_BYTES ((size_t)FAMILY_MAX * 8) /* of the list of one thread's children */

static void add_children(struct family *family, pid_t pid, const char *thread)
{
	char file[64], children[CHILDREN_BYTES], *at = children, *end;
	long child;

	snprintf(file, sizeof file, "task/%.20s/children", thread);
	if (proc_read(pid, file, children, sizeof children) <= 0)
		return;
	while (family->count < FAMILY_MAX && (child = strtol(at, &end, 10)) > 0) {
		family->pids[family->count++] = (pid_t)child;
		at = end;
	}
}

/* Each thread has children of its own. */
static void add_children_of_all(struct family *family, pid_t pid)
{
	char path[32];
	DIR *threads;
	struct dirent *thread;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	threads = opendir(path);
	while (threads != NULL && (thread = readdir(threads)) != NULL)
		if (thread->d_name[0] != '.')
			add_children(family, pid, thread->d_name);
	if (threads != NULL)
		closedir(threads);
}

void family_find(struct family *family, pid_t first)
{
	family->pids[0] = first;
	family->count = 1;
	for (size_t i = 0; i < family->count; i++)
		add_children_of_all(family, family->pids[i]);
}
