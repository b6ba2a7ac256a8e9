#include "proc.h"

#include "socket_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void format_path(char *path, size_t size, pid_t pid, const char *file)
{
	snprintf(path, size, "/proc/%d/%s", (int)pid, file);
}

ssize_t proc_read_file(const char *path, char *data, size_t size)
{
	size_t used = 0;
	ssize_t count;
	int error, fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	while ((count = read(fd, data + used, size - 1 - used)) > 0)
		used += (size_t)count;
	error = errno;
	close(fd);
	data[used] = '\0';
	return count < 0 ? -error : (ssize_t)used;
}

ssize_t proc_read(pid_t pid, const char *file, char *data, size_t size)
{
	char path[64];

	format_path(path, sizeof path, pid, file);
	return proc_read_file(path, data, size);
}

static bool take_value(char *line, const char *name, char *value, size_t size)
{
	size_t length = strlen(name);

	if (strncmp(line, name, length) != 0 || line[length] != ':')
		return false;
	line += length + 1;
	line += strspn(line, " \t");
	line[strcspn(line, "\n")] = '\0';
	snprintf(value, size, "%s", line);
	return true;
}

bool proc_field(pid_t pid, const char *file, const char *name, char *value, size_t size)
{
	char path[64];
	char *line = NULL;
	size_t line_size = 0;
	bool found = false;
	FILE *lines;

	format_path(path, sizeof path, pid, file);
	lines = fopen(path, "re");
	if (!lines)
		return false;
	while (!found && getline(&line, &line_size, lines) > 0)
		found = take_value(line, name, value, size);
	free(line);
	fclose(lines);
	return found;
}

uint64_t proc_start(pid_t pid)
{
	char stat[1024];

	return proc_read(pid, "stat", stat, sizeof stat) > 0 ? weir_socket_parse_start(stat) : 0;
}
