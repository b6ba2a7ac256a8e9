#include "proc.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads a file of /proc as text: false when there is none. */
static bool read_text(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t count;

	if (file == NULL)
		return false;
	count = fread(text, 1, size - 1, file);
	text[count] = '\0';
	fclose(file);
	return count > 0;
}

/* The number behind `name` at the start of a line; 0 when there is none. */
static uint64_t field(const char *text, const char *name, int base)
{
	size_t length = strlen(name);

	for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, length) == 0)
			return strtoull(line + length, NULL, base);
	}
	return 0;
}

static size_t kib_field(const char *text, const char *name)
{
	return (size_t)field(text, name, 10) * 1024;
}

bool proc_read_memory(pid_t pid, struct proc_memory *memory)
{
	char path[64], rollup[4096], status[4096];

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	if (!read_text(path, rollup, sizeof(rollup)))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (!read_text(path, status, sizeof(status)))
		return false;
	memory->resident_bytes = kib_field(rollup, "Rss:");
	memory->anonymous_bytes = kib_field(rollup, "Anonymous:");
	memory->anonymous_huge_bytes = kib_field(rollup, "AnonHugePages:");
	memory->peak_resident_bytes = kib_field(status, "VmHWM:");
	return true;
}

size_t proc_read_threads(pid_t pid, pid_t *threads, size_t most)
{
	char path[64];
	size_t count = 0;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	directory = opendir(path);
	if (directory == NULL)
		return 0;
	for (struct dirent *entry = readdir(directory); entry != NULL && count < most;
	     entry = readdir(directory))
		if (entry->d_name[0] != '.')
			threads[count++] = (pid_t)strtol(entry->d_name, NULL, 10);
	closedir(directory);
	return count;
}

static bool mask_has(const char *path, const char *name, int signal)
{
	char status[4096];

	if (!read_text(path, status, sizeof(status)))
		return false;
	return (field(status, name, 16) >> (signal - 1) & 1) != 0;
}

bool proc_signal_is_pending(pid_t pid, pid_t thread, int signal)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)pid, (int)thread);
	return mask_has(path, "SigPnd:", signal);
}

bool proc_signal_is_caught(pid_t pid, int signal)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	return mask_has(path, "SigCgt:", signal);
}

bool proc_signal_is_ignored(pid_t pid, int signal)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	return mask_has(path, "SigIgn:", signal);
}
