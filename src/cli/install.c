/* weir install: puts the library and the statically linked command into a directory, for
 * containers whose images have neither.
 *
 * Each file is written under a name of its own, flushed to the disk, and renamed over what was
 * there, once all are written: programs that have the old one mapped keep it, and nobody sees
 * half of one. */
#include "command.h"
#include "preload.h"
#include "print.h"
#include "program.h"
#include "weir.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_BYTES ((size_t)1 << 20)

/* Whatever the umask is: applications run as other users than who installs. */
enum { DIRECTORY_MODE = 0755, LIBRARY_MODE = 0644, COMMAND_MODE = 0755 };

struct item {
	const char *name;
	mode_t mode;
	char source[PATH_MAX]; /* empty: not installed */
	char target[PATH_MAX];
	char staged[PATH_MAX + 16]; /* empty: not there, or renamed already */
};

enum { LIBRARY, COMMAND, ITEM_COUNT };

struct request {
	const struct command *command;
	bool json;
	char directory[PATH_MAX];
	struct item items[ITEM_COUNT];
};

static bool complain_of(const struct request *request, const char *path)
{
	command_complain(request->command, "%s: %s", path, strerror(errno));
	return false;
}

/* What is installed. */

static bool find_library(struct request *request)
{
	char tried[PRELOAD_TRIED_BYTES];

	if (preload_find_library(request->items[LIBRARY].source, tried))
		return true;
	command_complain(request->command, PRELOAD_NOT_FOUND, tried);
	return false;
}

static bool take_command(struct item *item, const char *directory, const char *below)
{
	int length = snprintf(item->source, sizeof item->source, "%s%s", directory, below);

	if (length < (int)sizeof item->source &&
	    program_format_obstacle(item->source) == PROGRAM_STATIC)
		return true;
	item->source[0] = '\0';
	return false;
}

/* This program itself, where it is linked statically; else the one of the build tree, that of
 * an installed tree wherever it is now, then where it was to be installed. */
static void find_command(struct request *request)
{
	struct item *item = &request->items[COMMAND];
	char own[PATH_MAX];

	if (take_command(item, "/proc/self/exe", "") ||
	    (preload_own_directory(own) && (take_command(item, own, "/static/weir") ||
					    take_command(item, own, "/../libexec/weir/weir"))) ||
	    take_command(item, WEIR_STATIC_COMMAND, ""))
		return;
	command_complain(request->command,
			 "there is no statically linked command (" WEIR_STATIC_COMMAND
			 "): the library comes alone");
}

/* Where to. */

static bool make_directory(struct request *request, const char *path)
{
	if (mkdir(path, DIRECTORY_MODE) == 0)
		return chmod(path, DIRECTORY_MODE) == 0 || complain_of(request, path);
	return errno == EEXIST || complain_of(request, path);
}

/* Its own descriptor, to flush it in the end; -1 after a message. */
static int open_directory(struct request *request, const char *path)
{
	int fd;

	if (!make_directory(request, path))
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && realpath(path, request->directory) != NULL)
		return fd;
	complain_of(request, path);
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool set_target(struct request *request, struct item *item)
{
	struct stat there;
	int length = snprintf(item->target, sizeof item->target, "%s/%s",
			      strcmp(request->directory, "/") == 0 ? "" : request->directory,
			      item->name);

	if (length >= (int)sizeof item->target) {
		errno = ENAMETOOLONG;
		return complain_of(request, request->directory);
	}
	errno = EISDIR;
	return lstat(item->target, &there) != 0 || !S_ISDIR(there.st_mode) ||
	       complain_of(request, item->target);
}

/* Writing. */

static bool copy(int from, int to)
{
	ssize_t moved;

	do
		moved = sendfile(to, from, NULL, COPY_BYTES);
	while (moved > 0);
	return moved == 0;
}

static bool fill(const struct item *item, int from, int to)
{
	return copy(from, to) && fchmod(to, item->mode) == 0 && fsync(to) == 0;
}

static bool stage(const struct request *request, struct item *item)
{
	int from = open(item->source, O_RDONLY | O_CLOEXEC), to;
	bool done;

	if (from < 0)
		return complain_of(request, item->source);
	snprintf(item->staged, sizeof item->staged, "%s.XXXXXX", item->target);
	to = mkostemp(item->staged, O_CLOEXEC);
	if (to < 0)
		item->staged[0] = '\0';
	done = (to >= 0 && fill(item, from, to)) || complain_of(request, item->target);
	if (to >= 0)
		close(to);
	close(from);
	return done;
}

static bool put(const struct request *request, struct item *item)
{
	if (rename(item->staged, item->target) != 0)
		return complain_of(request, item->target);
	item->staged[0] = '\0';
	return true;
}

typedef bool item_step(const struct request *request, struct item *item);

static bool for_each(struct request *request, item_step *step)
{
	for (struct item *item = request->items; item < request->items + ITEM_COUNT; item++)
		if (item->source[0] != '\0' && !step(request, item))
			return false;
	return true;
}

static void unstage(struct request *request)
{
	for (struct item *item = request->items; item < request->items + ITEM_COUNT; item++)
		if (item->staged[0] != '\0')
			unlink(item->staged);
}

/* There are file systems that flush no directories. */
static bool flush(const struct request *request, int directory)
{
	return fsync(directory) == 0 || errno == EINVAL || complain_of(request, request->directory);
}

static bool write_items(struct request *request, int directory)
{
	bool done = set_target(request, &request->items[LIBRARY]) &&
		    set_target(request, &request->items[COMMAND]) && for_each(request, stage) &&
		    for_each(request, put) && flush(request, directory);

	unstage(request);
	return done;
}

/* Signals that end the command wait until nothing half done is left behind. */
static bool write_undisturbed(struct request *request, int directory)
{
	sigset_t ending, before;
	bool done;

	signal(SIGXFSZ, SIG_IGN); /* EFBIG then */
	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGHUP);
	sigprocmask(SIG_BLOCK, &ending, &before);
	done = write_items(request, directory);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return done;
}

/* The command. */

static void print_json(const struct request *request)
{
	const struct item *command = &request->items[COMMAND];

	printf("{\"version\":\"" WEIR_VERSION "\",\"library\":");
	print_json_string(stdout, request->items[LIBRARY].target);
	printf(",\"command\":");
	if (command->source[0] != '\0')
		print_json_string(stdout, command->target);
	else
		printf("null");
	puts("}");
}

static void print_words(const struct request *request)
{
	const char *library = request->items[LIBRARY].target;

	printf("%s: libweir.so.0%s, " WEIR_VERSION "\n", request->directory,
	       request->items[COMMAND].source[0] != '\0' ? " and weir" : "");
	if (preload_is_listable(library))
		printf("LD_PRELOAD=%s where it is mounted there\n", library);
	else
		command_complain(request->command, PRELOAD_NOT_LISTABLE, library);
}

static bool install(struct request *request, const char *path)
{
	int directory;
	bool done;

	if (!find_library(request))
		return false;
	find_command(request);
	directory = open_directory(request, path);
	if (directory < 0)
		return false;
	done = write_undisturbed(request, directory);
	close(directory);
	return done;
}

static bool take_option(void *context, const char *name, const char *value)
{
	struct request *request = context;

	(void)name, (void)value; /* there is one */
	request->json = true;
	return true;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct request request = { .command = command,
				   .items = { { .name = "libweir.so.0", .mode = LIBRARY_MODE },
					      { .name = "weir", .mode = COMMAND_MODE } } };
	int first = command_parse(command, argc, argv, false, take_option, &request);

	if (first < 0)
		return COMMAND_USAGE;
	if (argc - first != 1)
		return command_usage(command, "one directory is wanted");
	if (!install(&request, argv[first]))
		return COMMAND_FAILED;
	if (request.json)
		print_json(&request);
	else
		print_words(&request);
	return COMMAND_OK;
}

static const struct command_option options[] = {
	{ "json", 'j', NULL, "one object: the version and the paths" },
	{ NULL, 0, NULL, NULL },
};

const struct command command_install = {
	.name = "install",
	.arguments = "DIR",
	.summary = "copy weir into a directory, for containers that have none",
	.details =
		"Puts libweir.so.0 and a command weir that is linked statically, so that it runs "
		"where there is nothing else, into DIR, which is made where it is missing. An init "
		"container fills a volume so; other containers mount it and set "
		"LD_PRELOAD=DIR/libweir.so.0. Their C library must not be older than the one that "
		"weir was built with. Everybody may read both files.\n"
		"\n"
		"Done again it is an upgrade: files are replaced as a whole, and a running program "
		"keeps the one that it has. Where one of them cannot be written, neither is "
		"replaced. The command in DIR can do all that this one can, but for `metrics "
		"--listen` where libmicrohttpd could not be linked statically, and finds the library "
		"beside itself.",
	.options = options,
	.run = run,
};
