/* What process.h says that comes from /proc alone. */
#include "process.h"

#include "command.h"
#include "memory.h"
#include "proc.h"
#include "units.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool process_parse_pid(const char *text, pid_t *pid)
{
	uint64_t number;

	if (!weir_units_parse_count(text, strlen(text), &number) || number == 0 || number > INT_MAX)
		return false;
	*pid = (pid_t)number;
	return true;
}

bool process_take_pid(const struct command *command, const char *argument, pid_t *pid)
{
	return process_parse_pid(argument, pid) ||
	       !command_usage(command, "%s: not a process id", argument);
}

bool process_take_only_pid(const struct command *command, int argc, char **argv, pid_t *pid)
{
	if (argc != 1)
		return !command_usage(command, "one process id is wanted");
	return process_take_pid(command, argv[0], pid);
}

static int compare_pids(const void *a, const void *b)
{
	pid_t one = *(const pid_t *)a, other = *(const pid_t *)b;

	return (one > other) - (one < other);
}

size_t process_list(pid_t *pids, size_t most)
{
	DIR *all = opendir("/proc");
	struct dirent *entry;
	size_t count = 0;

	if (!all)
		return 0;
	while (count < most && (entry = readdir(all)))
		if (process_parse_pid(entry->d_name, &pids[count]))
			count++;
	closedir(all);
	qsort(pids, count, sizeof *pids, compare_pids);
	return count;
}

static bool has_ended(pid_t task)
{
	char state[32];

	return !proc_field(task, "status", "State", state, sizeof state) || state[0] == 'Z' ||
	       state[0] == 'X';
}

/* Their ids are found below /proc as well, though not listed there. */
pid_t process_task(pid_t pid)
{
	char path[32];
	DIR *tasks = NULL;
	struct dirent *entry;
	pid_t task = pid;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	if (has_ended(pid))
		tasks = opendir(path);
	if (!tasks)
		return pid;
	while ((entry = readdir(tasks)))
		if (process_parse_pid(entry->d_name, &task) && !has_ended(task))
			break;
	closedir(tasks);
	return entry ? task : pid;
}

uint64_t process_resident_bytes(const struct process *process)
{
	char value[64];

	if (!proc_field(process->task, "smaps_rollup", "Rss", value, sizeof value) &&
	    !proc_field(process->task, "status", "VmRSS", value, sizeof value))
		return 0;
	return strtoull(value, NULL, 10) * 1024;
}

bool process_catches(pid_t pid, int signal)
{
	char mask[64];

	return signal >= 1 && signal <= 64 &&
	       proc_field(pid, "status", "SigCgt", mask, sizeof mask) &&
	       (strtoull(mask, NULL, 16) >> (signal - 1) & 1);
}

static bool note_library(void *found, const struct memory_mapping *mapping)
{
	*(bool *)found = process_library_of(mapping->file) < PROCESS_LIBRARIES;
	return !*(bool *)found;
}

bool process_has_library(pid_t pid)
{
	bool found = false;

	memory_list(process_task(pid), note_library, &found);
	return found;
}

enum process_library process_library_of(const char *file)
{
	static const char *const names[] = {
		[PROCESS_LIBRARY] = "libweir.so",
		[PROCESS_POOL_LIBRARY] = "libweirpool.so",
	};
	unsigned i = 0;

	while (i < PROCESS_LIBRARIES && strncmp(file, names[i], strlen(names[i])) != 0)
		i++;
	return (enum process_library)i;
}

int process_ptrace_scope(void)
{
	char text[16];

	return proc_read_file("/proc/sys/kernel/yama/ptrace_scope", text, sizeof text) > 0
		       ? atoi(text)
		       : 0;
}

static const struct {
	const char *words;
	enum command_status status;
} results[] = {
	[PROCESS_OK] = { "under weir", COMMAND_OK },
	[PROCESS_GONE] = { "no such process", COMMAND_FAILED },
	[PROCESS_NOT_UNDER_WEIR] = { "not under weir: no libweir.so is loaded, nor a libweirpool.so",
				     COMMAND_NOT_UNDER_WEIR },
	[PROCESS_NO_ACCESS] = { "may not be read by this user", COMMAND_NO_ACCESS },
	[PROCESS_UNREADABLE] = { "its weir is of another version, or is being loaded",
				 COMMAND_FAILED },
};

const char *process_explain(enum process_result result)
{
	if (result == PROCESS_NO_ACCESS && process_ptrace_scope() > 0)
		return "may not be read: kernel.yama.ptrace_scope is not 0 (a control socket, "
		       "WEIR_SOCKET=auto, or root can)";
	return results[result].words;
}

int process_status(enum process_result result)
{
	return (int)results[result].status;
}
