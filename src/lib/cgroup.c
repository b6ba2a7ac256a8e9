#include "cgroup.h"

#include "os.h"
#include "text.h"
#include "units.h"

#include <string.h>

#define LINE_BYTES 4096
#define PATH_BYTES 4096
#define LEAST_UNLIMITED ((size_t)1 << 62)
#define NO_LIMIT SIZE_MAX

/* Version 1's memory hierarchy, or version 2's only one. */
struct hierarchy {
	const char *limit_file;
	char path[PATH_BYTES]; /* of the process; empty when it is not known */
	bool mount_holds_path; /* of one mount at least */
	size_t inside_bytes;   /* smallest limit in mounts that hold the path */
	size_t mount_bytes;    /* smallest limit at the top of the other mounts */
};

struct reader {
	char file[PATH_BYTES];
	size_t offset;
	size_t at;
	size_t filled;
	char data[LINE_BYTES];
};

static struct hierarchy version1;
static struct hierarchy version2;
static struct reader reader;
static char line[LINE_BYTES];

static bool join(char *path, const char *first, const char *second)
{
	struct weir_text text;

	weir_text_init(&text, path, PATH_BYTES);
	weir_text_string(&text, first);
	weir_text_string(&text, second);
	return weir_text_fits(&text);
}

static void reader_start(const char *root, const char *file)
{
	reader.offset = 0;
	reader.at = 0;
	reader.filled = 0;
	join(reader.file, root, file);
}

static bool reader_fill(void)
{
	ssize_t got;

	if (reader.at < reader.filled)
		return true;
	got = weir_os_read_file(reader.file, reader.offset, reader.data, sizeof reader.data);
	if (got <= 0)
		return false;
	reader.offset += (size_t)got;
	reader.filled = (size_t)got;
	reader.at = 0;
	return true;
}

/* Puts the next line into `line`, without its newline; the end of an overlong
 * one is dropped. False at the end of the file. */
static bool reader_next_line(void)
{
	size_t used = 0;
	bool any = false;

	while (reader_fill()) {
		char c = reader.data[reader.at++];

		any = true;
		if (c == '\n')
			break;
		if (used < sizeof line - 1)
			line[used++] = c;
	}
	line[used] = '\0';
	return any;
}

/* Whether a comma list has the word. */
static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (;;) {
		size_t entry = strcspn(list, ",");

		if (entry == length && strncmp(list, word, length) == 0)
			return true;
		if (list[entry] == '\0')
			return false;
		list += entry + 1;
	}
}

/* Ends the field at its separator and returns the next one, or NULL. */
static char *cut(char *field, char separator)
{
	char *end = field == NULL ? NULL : strchr(field, separator);

	if (end == NULL)
		return NULL;
	*end = '\0';
	return end + 1;
}

/* ID:CONTROLLERS:PATH; version 2 has no controllers here. */
static void read_own_path(char *entry)
{
	char *controllers = cut(entry, ':');
	char *path = cut(controllers, ':');

	if (path == NULL)
		return;
	if (*controllers == '\0')
		join(version2.path, path, "");
	else if (has_word(controllers, "memory"))
		join(version1.path, path, "");
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* mountinfo writes space, tab, newline and backslash as \ooo. */
static void unescape(char *path)
{
	char *to = path;

	while (*path != '\0') {
		if (path[0] == '\\' && is_octal(path[1]) && is_octal(path[2]) &&
		    is_octal(path[3])) {
			*to++ = (char)((path[1] - '0') * 64 + (path[2] - '0') * 8 +
				       (path[3] - '0'));
			path += 4;
		} else {
			*to++ = *path++;
		}
	}
	*to = '\0';
}

static size_t read_limit(const char *directory, const char *limit_file)
{
	static char path[PATH_BYTES];
	char value[32];
	size_t bytes;
	ssize_t got;

	if (!join(path, directory, limit_file))
		return NO_LIMIT;
	got = weir_os_read_file(path, 0, value, sizeof value);
	if (got <= 0 || !weir_units_parse_count(value, strcspn(value, "\n"), &bytes))
		return NO_LIMIT;
	return bytes == 0 || bytes >= LEAST_UNLIMITED ? NO_LIMIT : bytes;
}

/* The smallest limit from the directory up to the first top_length bytes of it. */
static size_t smallest_limit(char *directory, size_t top_length, const char *limit_file)
{
	size_t smallest = NO_LIMIT;
	size_t length = strlen(directory);

	for (;;) {
		smallest = weir_min(smallest, read_limit(directory, limit_file));
		if (length <= top_length)
			return smallest;
		while (length > top_length && directory[length - 1] != '/')
			length--;
		while (length > top_length && directory[length - 1] == '/')
			length--;
		directory[length] = '\0';
	}
}

/* The process's path below a mount that shows the cgroups from `mount_root`
 * down: NULL when the process is not below it, as far as the names tell. */
static const char *path_below(const char *mount_root, const char *path)
{
	size_t length = strlen(mount_root);

	/* A namespace shows a process outside of it so; the names do not help then. */
	if (strncmp(path, "/..", 3) == 0 && (path[3] == '/' || path[3] == '\0'))
		return NULL;
	if (strcmp(mount_root, "/") == 0)
		return path;
	if (strncmp(path, mount_root, length) != 0)
		return NULL;
	return path[length] == '\0' || path[length] == '/' ? path + length : NULL;
}

static void read_mount(struct hierarchy *hierarchy, const char *root, const char *mount_root,
		       const char *mount_point)
{
	static char top[PATH_BYTES];
	static char directory[PATH_BYTES];
	const char *below;
	size_t *smallest;

	below = path_below(mount_root, hierarchy->path);
	if (!join(top, root, mount_point) || !join(directory, top, below == NULL ? "" : below))
		return;
	hierarchy->mount_holds_path |= below != NULL;
	smallest = below == NULL ? &hierarchy->mount_bytes : &hierarchy->inside_bytes;
	*smallest =
		weir_min(*smallest, smallest_limit(directory, strlen(top), hierarchy->limit_file));
}

/* ID PARENT DEVICE ROOT MOUNTPOINT OPTIONS [TAG...] - TYPE SOURCE SUPEROPTIONS */
static void read_mountinfo_line(const char *root, char *entry)
{
	char *type = strstr(entry, " - ");
	char *mount_root = cut(cut(cut(entry, ' '), ' '), ' ');
	char *mount_point = cut(mount_root, ' ');
	char *super_options;

	if (type == NULL || cut(mount_point, ' ') == NULL)
		return;
	type += strlen(" - ");
	super_options = cut(cut(type, ' '), ' ');
	if (super_options == NULL)
		return;
	unescape(mount_root);
	unescape(mount_point);
	if (strcmp(type, "cgroup2") == 0)
		read_mount(&version2, root, mount_root, mount_point);
	else if (strcmp(type, "cgroup") == 0 && has_word(super_options, "memory"))
		read_mount(&version1, root, mount_root, mount_point);
}

static void hierarchy_start(struct hierarchy *hierarchy, const char *limit_file)
{
	hierarchy->limit_file = limit_file;
	hierarchy->path[0] = '\0';
	hierarchy->mount_holds_path = false;
	hierarchy->inside_bytes = NO_LIMIT;
	hierarchy->mount_bytes = NO_LIMIT;
}

/* The top of a mount that does not hold the path counts only where no mount
 * does: it may be another container's, but a container that sees nothing but a
 * foreign name of its own cgroup has no better. */
static size_t hierarchy_limit(const struct hierarchy *hierarchy)
{
	return hierarchy->mount_holds_path ? hierarchy->inside_bytes : hierarchy->mount_bytes;
}

size_t weir_cgroup_limit_bytes(const char *root)
{
	size_t smallest;

	hierarchy_start(&version1, "/memory.limit_in_bytes");
	hierarchy_start(&version2, "/memory.max");
	reader_start(root, "/proc/self/cgroup");
	while (reader_next_line())
		read_own_path(line);
	reader_start(root, "/proc/self/mountinfo");
	while (reader_next_line())
		read_mountinfo_line(root, line);
	smallest = weir_min(hierarchy_limit(&version1), hierarchy_limit(&version2));
	return smallest == NO_LIMIT ? 0 : smallest;
}

size_t weir_memory_limit_bytes(const char *root)
{
	size_t cgroup_bytes = weir_cgroup_limit_bytes(root);
	size_t machine_bytes = weir_os_memory_bytes();

	if (cgroup_bytes == 0 || machine_bytes == 0)
		return weir_max(cgroup_bytes, machine_bytes);
	return weir_min(cgroup_bytes, machine_bytes);
}
