#include "preload.h"

#include "program.h"
#include "text.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEPARATORS " :"

/* weir's own library. */

static bool take_library(const char *directory, const char *below, char *path,
			 struct weir_text *tried)
{
	struct weir_text text;

	weir_text_init(&text, path, PATH_MAX);
	weir_text_string(&text, directory);
	weir_text_string(&text, below);
	weir_text_string(&text, "/libweir.so.0");
	if (weir_text_fits(&text) && access(path, R_OK) == 0)
		return true;
	weir_text_string(tried, tried->used > 0 ? ", " : "");
	weir_text_string(tried, directory);
	weir_text_string(tried, below);
	return false;
}

bool preload_own_directory(char *path)
{
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	if (length < 0)
		return false;
	path[length] = '\0';
	slash = strrchr(path, '/');
	if (slash != NULL)
		*slash = '\0';
	return slash != NULL;
}

/* Both trees may have moved. In that of the build the static command lies one directory
 * further down. */
bool preload_find_library(char *path, char *tried)
{
	static const char *const places[] = { "/.libs", "", "/../.libs", "/../lib" };
	char own[PATH_MAX];
	struct weir_text text;

	weir_text_init(&text, tried, PRELOAD_TRIED_BYTES);
	if (preload_own_directory(own))
		for (size_t i = 0; i < sizeof places / sizeof *places; i++)
			if (take_library(own, places[i], path, &text))
				return true;
	return take_library(LIBWEIR_DIR, "", path, &text);
}

/* Backends. */

static const struct {
	const char *name;
	const char *sonames[3];
	const char *package; /* Debian's */
} backends[] = {
	{ "jemalloc", { "libjemalloc.so.2" }, "libjemalloc2" },
	{ "mimalloc", { "libmimalloc.so.2", "libmimalloc.so.2.0" }, "libmimalloc2.0" },
	{ "tcmalloc", { "libtcmalloc_minimal.so.4", "libtcmalloc.so.4" }, "libtcmalloc-minimal4" },
};

#define BACKEND_COUNT (sizeof backends / sizeof *backends)

/* Multiarch libraries lie one further down. */
static const char *const directories[] = {
	"/usr/local/lib", "/usr/lib", "/lib", "/usr/local/lib64", "/usr/lib64", "/lib64",
};

static bool take_path(const char *found, char *path)
{
	size_t length = strlen(found);

	if (length >= PATH_MAX || !program_is_library(found))
		return false;
	memcpy(path, found, length + 1);
	return true;
}

static bool find_in(const char *directory, const char *below, const char *soname, char *path)
{
	char bytes[PATH_MAX];
	struct weir_text text;

	weir_text_init(&text, bytes, sizeof bytes);
	weir_text_string(&text, directory);
	weir_text_string(&text, below);
	weir_text_char(&text, '/');
	weir_text_string(&text, soname);
	return weir_text_fits(&text) && take_path(bytes, path);
}

/* Not by glob(3), which asks for users and so cannot be linked statically. */
static bool find_below(const char *directory, const char *soname, char *path)
{
	DIR *all = opendir(directory);
	char below[NAME_MAX + 2] = "/";
	struct dirent *entry;
	bool found = false;

	if (all == NULL)
		return false;
	while (!found && (entry = readdir(all)) != NULL) {
		strcpy(below + 1, entry->d_name);
		found = entry->d_name[0] != '.' && find_in(directory, below, soname, path);
	}
	closedir(all);
	return found;
}

static bool find_soname(const char *soname, char *path)
{
	for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
		if (find_in(directories[i], "", soname, path))
			return true;
	for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
		if (find_below(directories[i], soname, path))
			return true;
	return false;
}

static bool find_known(size_t i, char *path, struct weir_text *reason)
{
	for (size_t j = 0; backends[i].sonames[j] != NULL; j++)
		if (find_soname(backends[i].sonames[j], path))
			return true;
	weir_text_string(reason, backends[i].sonames[0]);
	weir_text_string(reason, " is in none of the usual directories; on Debian the package ");
	weir_text_string(reason, backends[i].package);
	weir_text_string(reason, " brings it");
	return false;
}

static bool find_path(const char *name, char *path, struct weir_text *reason)
{
	char *real = realpath(name, NULL);
	bool found = real != NULL && take_path(real, path);

	free(real);
	if (!found) {
		weir_text_string(reason, name);
		weir_text_string(reason, " is no library that can be preloaded here");
	}
	return found;
}

static size_t place_of(const char *name)
{
	size_t i = 0;

	while (i < BACKEND_COUNT && strcmp(backends[i].name, name) != 0)
		i++;
	return i;
}

bool preload_is_known(const char *name)
{
	return place_of(name) < BACKEND_COUNT;
}

bool preload_find_backend(const char *name, char *path, char *reason)
{
	struct weir_text text;

	weir_text_init(&text, reason, PRELOAD_REASON_BYTES);
	if (strchr(name, '/') != NULL)
		return find_path(name, path, &text);
	if (preload_is_known(name))
		return find_known(place_of(name), path, &text);
	weir_text_string(&text, name);
	weir_text_string(&text, " is no backend; accepted: ");
	for (size_t i = 0; i < BACKEND_COUNT; i++) {
		weir_text_string(&text, backends[i].name);
		weir_text_string(&text, ", ");
	}
	weir_text_string(&text, "or the path of a library");
	return false;
}

/* The list. */

bool preload_is_listable(const char *path)
{
	return path[strcspn(path, SEPARATORS)] == '\0';
}

void preload_each(const char *list, preload_take *take, void *context)
{
	while (*list != '\0') {
		size_t length = strcspn(list, SEPARATORS);

		if (length > 0 && !take(context, list, length))
			return;
		list += length;
		list += strspn(list, SEPARATORS);
	}
}

static bool has_base_name(const char *entry, size_t length, const char *begin)
{
	const char *slash = memrchr(entry, '/', length);
	const char *base = slash == NULL ? entry : slash + 1;
	size_t base_length = (size_t)(entry + length - base);

	return base_length >= strlen(begin) && memcmp(base, begin, strlen(begin)) == 0;
}

bool preload_is_weir(const char *entry, size_t length)
{
	return has_base_name(entry, length, "libweir.so");
}

bool preload_is_allocator(const char *entry, size_t length)
{
	static const char *const names[] = {
		"libjemalloc", "libmimalloc", "libtcmalloc",	    "libhoard", "libsnmalloc",
		"librpmalloc", "libscudo",    "libhardened_malloc", "libumem",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (has_base_name(entry, length, names[i]))
			return true;
	return false;
}

struct list {
	struct weir_text text;
	const char *backend;
	bool sole;
};

static void append(struct weir_text *text, const char *entry, size_t length)
{
	weir_text_string(text, text->used > 0 && length > 0 ? ":" : "");
	weir_text_bytes(text, entry, length);
}

static bool append_other(void *context, const char *entry, size_t length)
{
	struct list *list = context;
	bool is_backend =
		strlen(list->backend) == length && memcmp(list->backend, entry, length) == 0;

	if (!preload_is_weir(entry, length) && !is_backend &&
	    !(list->sole && preload_is_allocator(entry, length)))
		append(&list->text, entry, length);
	return true;
}

char *preload_list(const char *library, const char *backend, const char *present, bool sole)
{
	size_t size =
		strlen(library) + strlen(backend) + (present == NULL ? 0 : strlen(present)) + 3;
	char *bytes = malloc(size);
	struct list list = { .backend = backend, .sole = sole };

	if (bytes == NULL)
		return NULL;
	weir_text_init(&list.text, bytes, size);
	append(&list.text, library, strlen(library));
	append(&list.text, backend, strlen(backend));
	if (present != NULL)
		preload_each(present, append_other, &list);
	return bytes;
}
