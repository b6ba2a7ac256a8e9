#include "recording.h"

#include "directory.h"
#include "trace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A program may give up its user before its first large request. */
#define DIRECTORY_MODE 01777

static bool make_directory(struct recording *recording, const char *path)
{
	char resolved[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int length = slash == NULL ? 1 : (int)(slash - path) + 1;
	char parent[PATH_MAX];

	snprintf(parent, sizeof parent, "%.*s", length, slash == NULL ? "." : path);
	if (realpath(parent, resolved) == NULL ||
	    snprintf(recording->directory, PATH_MAX, "%s/%s.parts-XXXXXX", resolved,
		     slash == NULL ? path : slash + 1) >= PATH_MAX)
		return false;
	return mkdtemp(recording->directory) != NULL &&
	       chmod(recording->directory, DIRECTORY_MODE) == 0;
}

static int become(void *context)
{
	struct recording *recording = context;

	return launch_execute(recording->launch, recording->argv);
}

bool recording_start(struct recording *recording, struct launch *launch, char **argv,
		     const char *path, const char *limit)
{
	char pattern[PATH_MAX + 4];

	*recording = (struct recording){ .launch = launch, .argv = argv };
	if (!make_directory(recording, path)) {
		command_complain(launch->command,
				 "no directory for parts can be made beside %s: %s", path,
				 strerror(errno));
		return false;
	}
	snprintf(pattern, sizeof pattern, "%s/%%p", recording->directory);
	if (launch_add(launch, "WEIR_RECORD", pattern) &&
	    (limit == NULL || launch_add(launch, "WEIR_RECORD_LIMIT", limit)) &&
	    launch_prepare(launch) && child_start(&recording->child, become, recording))
		return true;
	rmdir(recording->directory);
	return false;
}

/* Parts */

static bool copy(int from, int to)
{
	static char bytes[WEIR_TRACE_UNIT_BYTES];
	ssize_t count, written = 0;

	while ((count = read(from, bytes, sizeof bytes)) > 0)
		for (ssize_t done = 0; done < count; done += written) {
			written = write(to, bytes + done, (size_t)(count - done));
			if (written < 0)
				return false;
		}
	return count == 0;
}

/* One that was never written to holds nothing. */
static bool append(int directory, const char *name, int to, int *parts)
{
	int from = openat(directory, name, O_RDONLY | O_CLOEXEC);
	struct stat found;
	bool done = from >= 0 && fstat(from, &found) == 0 && copy(from, to);

	*parts += done && found.st_size > 0;
	if (from >= 0)
		close(from);
	return done;
}

static bool is_part(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static bool append_all(const struct recording *recording, int to, int *parts)
{
	DIR *directory = opendir(recording->directory);
	struct dirent *entry;
	bool done = directory != NULL;

	while (done && (entry = readdir(directory)) != NULL)
		if (is_part(entry))
			done = append(dirfd(directory), entry->d_name, to, parts);
	if (directory != NULL)
		closedir(directory);
	return done;
}

/* The one part of a program of one process, which need not be copied; else false. */
static bool rename_part(const struct recording *recording, const char *path)
{
	DIR *directory = opendir(recording->directory);
	char part[NAME_MAX + 1] = "";
	struct dirent *entry;
	int parts = 0;
	bool done;

	while (directory != NULL && (entry = readdir(directory)) != NULL)
		if (is_part(entry) && parts++ == 0)
			memcpy(part, entry->d_name, strlen(entry->d_name) + 1);
	done = parts == 1 && renameat(dirfd(directory), part, AT_FDCWD, path) == 0;
	if (directory != NULL)
		closedir(directory);
	return done && rmdir(recording->directory) == 0;
}

int recording_gather(struct recording *recording, const char *path)
{
	int to, parts = 0;
	bool done;

	if (rename_part(recording, path))
		return 1;
	to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	done = to >= 0 && append_all(recording, to, &parts);
	if (to >= 0 && close(to) != 0)
		done = false;
	if (!done) {
		command_complain(recording->launch->command, "%s: %s; the parts are in %s", path,
				 strerror(errno), recording->directory);
		unlink(path);
		return -1;
	}
	directory_remove(recording->directory);
	return parts;
}
