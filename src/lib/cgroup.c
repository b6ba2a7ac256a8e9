#include "cgroup.h"

#include "os.h"
#include "text.h"
#include "units.h"

#include <errno.h>
#include <string.h>

#define LINE_BYTES 4096
#define PATH_BYTES WEIR_CGROUP_PATH_BYTES
#define LEAST_UNLIMITED ((uint64_t)1 << 62)
#define NO_LIMIT UINT64_MAX

/* What one version calls its files. */
struct names {
	const char *limit;
	const char *usage;
	const char *inactive; /* the line of memory.stat */
};

static const struct names names_of[] = {
	[1] = { "/memory.limit_in_bytes", "/memory.usage_in_bytes", "total_inactive_file " },
	[2] = { "/memory.max", "/memory.current", "inactive_file " },
};

/* The smallest limit that was found, and the cgroup that has it: while there is none, the
 * first one that could have. */
struct place {
	uint64_t limit_bytes;
	char directory[PATH_BYTES]; /* empty for none */
};

/* Version 1's memory hierarchy, or version 2's only one. */
struct hierarchy {
	unsigned version;
	char path[PATH_BYTES]; /* of the process; empty when it is not known */
	bool mount_holds_path; /* of one mount at least */
	struct place inside;   /* in mounts that hold the path */
	struct place top;      /* at the top of the other mounts */
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
static char pressure[PATH_BYTES]; /* the process's own cgroup that has memory.pressure */
static bool cut_short;		  /* something could not be read that may be there */
static struct reader reader;
static char line[LINE_BYTES];

static bool join(char *path, const char *first, const char *second)
{
	return weir_text_join(path, PATH_BYTES, first, second);
}

static ssize_t read_file(const char *file, size_t offset, char *data, size_t size)
{
	ssize_t got = weir_os_read_file(file, offset, data, size);

	cut_short |= got == -EMFILE || got == -ENFILE || got == -ENOMEM;
	return got;
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
	got = read_file(reader.file, reader.offset, reader.data, sizeof reader.data);
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

/* Reads a file of a cgroup as far as `size` goes: false when it cannot be. */
static bool read_text(const char *directory, const char *file, char *text, size_t size)
{
	static char path[PATH_BYTES];

	return join(path, directory, file) && read_file(path, 0, text, size) >= 0;
}

/* False where the cgroup has no such file; what is no limit is NO_LIMIT. */
static bool read_limit(const char *directory, const char *limit_file, uint64_t *bytes)
{
	char value[32];

	if (!read_text(directory, limit_file, value, sizeof value))
		return false;
	if (!weir_units_parse_count(value, strcspn(value, "\n"), bytes) || *bytes == 0 ||
	    *bytes >= LEAST_UNLIMITED)
		*bytes = NO_LIMIT;
	return true;
}

static void note_limit(struct place *place, const char *directory, unsigned version)
{
	uint64_t bytes;

	if (!read_limit(directory, names_of[version].limit, &bytes))
		return;
	if (place->directory[0] == '\0' || bytes < place->limit_bytes) {
		place->limit_bytes = bytes;
		join(place->directory, directory, "");
	}
}

/* The root, which has no type, tells what /proc/pressure tells, which everybody may watch. */
static void note_pressure(const char *directory)
{
	char start[8];

	if (pressure[0] == '\0' && read_text(directory, "/memory.pressure", start, sizeof start) &&
	    read_text(directory, "/cgroup.type", start, sizeof start))
		join(pressure, directory, "");
}

/* The cgroups from the directory up to the first top_length bytes of it. */
static void note_all(struct hierarchy *hierarchy, struct place *place, char *directory,
		     size_t top_length)
{
	size_t length = strlen(directory);

	for (;;) {
		note_limit(place, directory, hierarchy->version);
		if (hierarchy->version == 2)
			note_pressure(directory);
		if (length <= top_length)
			return;
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
	if (strcmp(path, "/") == 0)
		path = "";
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
	const char *below = path_below(mount_root, hierarchy->path);

	if (!join(top, root, mount_point) || !join(directory, top, below == NULL ? "" : below))
		return;
	hierarchy->mount_holds_path |= below != NULL;
	note_all(hierarchy, below == NULL ? &hierarchy->top : &hierarchy->inside, directory,
		 strlen(top));
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

static void place_start(struct place *place)
{
	place->limit_bytes = NO_LIMIT;
	place->directory[0] = '\0';
}

static void hierarchy_start(struct hierarchy *hierarchy, unsigned version)
{
	hierarchy->version = version;
	hierarchy->path[0] = '\0';
	hierarchy->mount_holds_path = false;
	place_start(&hierarchy->inside);
	place_start(&hierarchy->top);
}

/* The top of a mount that does not hold the path counts only where no mount
 * does: it may be another container's, but a container that sees nothing but a
 * foreign name of its own cgroup has no better. */
static const struct place *place_of(const struct hierarchy *hierarchy)
{
	return hierarchy->mount_holds_path ? &hierarchy->inside : &hierarchy->top;
}

/* Reads all there is into the two hierarchies. */
static void look(const char *root)
{
	hierarchy_start(&version1, 1);
	hierarchy_start(&version2, 2);
	pressure[0] = '\0';
	cut_short = false;
	reader_start(root, "/proc/self/cgroup");
	while (reader_next_line())
		read_own_path(line);
	reader_start(root, "/proc/self/mountinfo");
	while (reader_next_line())
		read_mountinfo_line(root, line);
}

/* Version 2 where it has the smaller limit, or where version 1 has no memory at all. */
static const struct hierarchy *binding(void)
{
	const struct place *first = place_of(&version1);
	const struct place *second = place_of(&version2);

	if (second->limit_bytes < first->limit_bytes || first->directory[0] == '\0')
		return &version2;
	return &version1;
}

bool weir_cgroup_find(const char *root, struct weir_cgroup *cgroup)
{
	const struct hierarchy *hierarchy;
	const struct place *place;

	look(root);
	hierarchy = binding();
	place = place_of(hierarchy);
	cgroup->limit_bytes = place->limit_bytes == NO_LIMIT ? 0 : place->limit_bytes;
	cgroup->version = place->directory[0] == '\0' ? 0 : hierarchy->version;
	join(cgroup->directory, place->directory, "");
	join(cgroup->pressure, cgroup->version == 2 ? place->directory : pressure, "");
	return cgroup->version != 0 && !cut_short;
}

bool weir_cgroup_read_usage(const struct weir_cgroup *cgroup, uint64_t *bytes)
{
	char value[32];

	return cgroup->version != 0 &&
	       read_text(cgroup->directory, names_of[cgroup->version].usage, value, sizeof value) &&
	       weir_units_parse_count(value, strcspn(value, "\n"), bytes);
}

static bool read_inactive(const struct weir_cgroup *cgroup, uint64_t *bytes)
{
	const char *name = names_of[cgroup->version].inactive;
	size_t length = strlen(name);

	reader_start(cgroup->directory, "/memory.stat");
	while (reader_next_line())
		if (strncmp(line, name, length) == 0)
			return weir_units_parse_count(line + length, strlen(line + length), bytes);
	return false;
}

bool weir_cgroup_read_used(const struct weir_cgroup *cgroup, uint64_t *bytes)
{
	uint64_t usage, inactive;

	if (!weir_cgroup_read_usage(cgroup, &usage))
		return false;
	if (!read_inactive(cgroup, &inactive))
		inactive = 0;
	*bytes = usage - weir_min(usage, inactive);
	return true;
}

uint64_t weir_cgroup_memory_bytes(const struct weir_cgroup *cgroup)
{
	uint64_t machine_bytes = weir_os_memory_bytes();

	if (cgroup->limit_bytes == 0 || machine_bytes == 0)
		return weir_max(cgroup->limit_bytes, machine_bytes);
	return weir_min(cgroup->limit_bytes, machine_bytes);
}

uint64_t weir_memory_limit_bytes(const char *root)
{
	static struct weir_cgroup found;

	weir_cgroup_find(root, &found);
	return weir_cgroup_memory_bytes(&found);
}
