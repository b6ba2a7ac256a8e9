#include "resident.h"

#include "family.h"
#include "proc.h"

#include <stdio.h>
#include <unistd.h>

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

uint64_t resident_bytes(pid_t pid)
{
	static struct family family;
	uint64_t bytes = 0;

	family_find(&family, pid);
	for (size_t i = 0; i < family.count; i++)
		bytes += own_bytes(family.pids[i]);
	return bytes;
}
