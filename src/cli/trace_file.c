#include "trace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(sizeof(struct weir_trace_process) % sizeof(uint64_t) == 0, "whole words");

bool trace_file_fail(struct trace_file *file, const char *format, ...)
{
	int used = snprintf(file->problem, sizeof file->problem, "%s: ", file->path);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(file->problem + used, sizeof file->problem - (size_t)used, format, arguments);
	va_end(arguments);
	return false;
}

static ssize_t read_once(int fd, void *to, size_t bytes, uint64_t offset)
{
	ssize_t count;

	do
		count = pread(fd, to, bytes, (off_t)offset);
	while (count < 0 && errno == EINTR);
	return count;
}

bool trace_file_read(struct trace_file *file, uint64_t offset, void *to, size_t bytes)
{
	size_t used = 0;

	while (used < bytes) {
		ssize_t count = read_once(file->fd, (char *)to + used, bytes - used, offset + used);

		if (count < 0)
			return trace_file_fail(file, "%s", strerror(errno));
		if (count == 0)
			return trace_file_fail(file, "it was cut while it was read");
		used += (size_t)count;
	}
	return true;
}

/* One more element behind `count`; they are doubled at powers of two. */
static void *grown(struct trace_file *file, void *array, size_t count, size_t size)
{
	void *more = array;

	if ((count & (count - 1)) == 0)
		more = reallocarray(array, count == 0 ? 1 : 2 * count, size);
	if (more == NULL)
		trace_file_fail(file, "out of memory");
	return more;
}

/* Processes. */

/* Foreign bytes that a terminal would obey. */
static void clean(char *text, size_t size)
{
	text[size - 1] = '\0';
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

static bool check_process(struct trace_file *file, uint64_t offset,
			  const struct weir_trace_process *process)
{
	if (process->version != WEIR_TRACE_VERSION)
		return trace_file_fail(file,
				       "process at byte %" PRIu64 ": version %" PRIu32
				       " of the format; this weir reads version %d",
				       offset, process->version, WEIR_TRACE_VERSION);
	if (process->process_bytes < sizeof *process ||
	    process->process_bytes > WEIR_TRACE_UNIT_BYTES)
		return trace_file_fail(file,
				       "process at byte %" PRIu64 ": its header has %" PRIu32
				       " bytes, which is impossible",
				       offset, process->process_bytes);
	if (process->state != WEIR_TRACE_OPEN && process->state != WEIR_TRACE_ENDED)
		return trace_file_fail(file,
				       "process at byte %" PRIu64 ": state %" PRIu32 " is none",
				       offset, process->state);
	if (process->start_ns > INT64_MAX)
		return trace_file_fail(file, "process at byte %" PRIu64 ": an impossible time",
				       offset);
	return true;
}

static bool add_process(struct trace_file *file, uint64_t offset)
{
	struct weir_trace_process *processes =
		grown(file, file->processes, file->process_count, sizeof *processes);
	struct weir_trace_process *process;

	if (processes == NULL)
		return false;
	file->processes = processes;
	process = &processes[file->process_count];
	if (!trace_file_read(file, offset, process, sizeof *process) ||
	    !check_process(file, offset, process))
		return false;
	clean(process->program, sizeof process->program);
	clean(process->settings, sizeof process->settings);
	file->start_ns = weir_min(file->start_ns, process->start_ns);
	file->process_count++;
	return true;
}

/* Units. */

static bool add_unit(struct trace_file *file, uint64_t offset, uint64_t base_ns)
{
	struct trace_unit *units;

	if (file->process_count == 0)
		return trace_file_fail(
			file, "unit at byte %" PRIu64 ": it stands before any process", offset);
	if (base_ns > INT64_MAX)
		return trace_file_fail(file, "unit at byte %" PRIu64 ": an impossible time",
				       offset);
	file->start_ns = weir_min(file->start_ns, base_ns);
	units = grown(file, file->units, file->unit_count, sizeof *units);
	if (units == NULL)
		return false;
	file->units = units;
	units[file->unit_count++] =
		(struct trace_unit){ base_ns, offset, (uint32_t)file->process_count - 1 };
	return true;
}

static bool is_swapped(uint64_t magic)
{
	return magic == __builtin_bswap64(WEIR_TRACE_PROCESS_MAGIC) ||
	       magic == __builtin_bswap64(WEIR_TRACE_UNIT_MAGIC);
}

static bool fail_magic(struct trace_file *file, uint64_t offset, uint64_t magic)
{
	if (is_swapped(magic))
		return trace_file_fail(file, "it was made on a machine of the other byte order");
	if (offset == 0)
		return trace_file_fail(file, "it is no trace of weir");
	return trace_file_fail(file, "byte %" PRIu64 ": here begins neither a process nor a unit",
			       offset);
}

static bool add(struct trace_file *file, uint64_t offset)
{
	struct weir_trace_unit head;

	if (!trace_file_read(file, offset, &head, sizeof head))
		return false;
	switch (head.magic) {
	case WEIR_TRACE_PROCESS_MAGIC:
		return add_process(file, offset);
	case WEIR_TRACE_UNIT_MAGIC:
		return add_unit(file, offset, head.base_ns);
	case 0:
		return true; /* room that was made, and not written to */
	default:
		return fail_magic(file, offset, head.magic);
	}
}

static int by_time(const void *left, const void *right)
{
	const struct trace_unit *a = left, *b = right;

	if (a->base_ns != b->base_ns)
		return a->base_ns < b->base_ns ? -1 : 1;
	return a->offset < b->offset ? -1 : 1;
}

/* The file. */

/* The file may be cut, but for its first unit. */
static bool check_length(struct trace_file *file)
{
	uint64_t magic = 0;

	if (file->bytes == 0 && file->cut_bytes == 0)
		return trace_file_fail(file, "it is empty");
	if (file->bytes > 0)
		return true;
	if (file->cut_bytes < sizeof magic || !trace_file_read(file, 0, &magic, sizeof magic) ||
	    magic != WEIR_TRACE_PROCESS_MAGIC)
		return fail_magic(file, 0, magic);
	return trace_file_fail(file, "it is cut after %" PRIu64 " bytes, in its first unit",
			       file->cut_bytes);
}

static bool open_regular(struct trace_file *file)
{
	struct stat status;

	file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file->fd < 0 || fstat(file->fd, &status) != 0)
		return trace_file_fail(file, "%s", strerror(errno));
	if (!S_ISREG(status.st_mode))
		return trace_file_fail(file, "it is no file");
	file->bytes = weir_align_down((uint64_t)status.st_size, WEIR_TRACE_UNIT_BYTES);
	file->cut_bytes = (uint64_t)status.st_size - file->bytes;
	file->start_ns = UINT64_MAX;
	return true;
}

bool trace_file_open(struct trace_file *file, const char *path)
{
	snprintf(file->path, sizeof file->path, "%s", path);
	if (!open_regular(file) || !check_length(file))
		return false;
	for (uint64_t at = 0; at < file->bytes; at += WEIR_TRACE_UNIT_BYTES)
		if (!add(file, at))
			return false;
	if (file->process_count == 0)
		return trace_file_fail(file, "no process has written to it");
	if (file->unit_count > 0)
		qsort(file->units, file->unit_count, sizeof *file->units, by_time);
	return true;
}

void trace_file_close(struct trace_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	free(file->processes);
	free(file->units);
}
