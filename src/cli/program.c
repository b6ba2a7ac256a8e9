#include "program.h"

#include "base.h"
#include "elf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define PROGRAM_HEADERS_MAX 256

#if WEIR_ADDRESS_BITS == 64
#define OWN_BITS "64"
#define OTHER_BITS "32"
#else
#define OWN_BITS "32"
#define OTHER_BITS "64"
#endif

static const struct {
	const char *explanation;
	const char *advice;
} obstacles[] = {
	[PROGRAM_OBSTACLE_NONE] = { "takes preloaded libraries", "" },
	[PROGRAM_NOT_FOUND] = { "is not there", "check the name and PATH" },
	[PROGRAM_NOT_EXECUTABLE] = { "is not executable", "chmod +x, or name its interpreter" },
	[PROGRAM_UNREADABLE] = { "may not be read, so that nothing can be said of it",
				 "ask again as root" },
	[PROGRAM_NOT_ELF] = { "is no program of a format that the dynamic linker loads",
			      "name the program that runs it" },
	[PROGRAM_OTHER_WORD_SIZE] = { "is a " OTHER_BITS "-bit program, this weir is for " OWN_BITS
				      "-bit ones",
				      "install a build of weir for " OTHER_BITS
				      "-bit programs beside this one" },
	[PROGRAM_OTHER_MACHINE] = { "is built for another kind of processor than weir",
				    "use a build of weir for it" },
	[PROGRAM_STATIC] = { "is linked statically: nothing can be preloaded into it",
			     "use a build of it that is linked dynamically" },
	[PROGRAM_OTHER_LIBC] = { "uses another C library than weir",
				 "use a build of weir for that C library" },
	[PROGRAM_SET_ID] = { "runs with its owner's rights (set-user-id or set-group-id): "
			     "LD_PRELOAD is ignored there",
			     "start it as that owner, who is lent nothing" },
	[PROGRAM_CAPABILITIES] = { "has file capabilities: LD_PRELOAD is ignored there",
				   "start it as root, or give the capabilities by its service "
				   "manager (AmbientCapabilities=) instead of by the file" },
};

const char *program_explain(enum program_obstacle obstacle)
{
	return obstacles[obstacle].explanation;
}

const char *program_advise(enum program_obstacle obstacle)
{
	return obstacles[obstacle].advice;
}

const char *program_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* ELF files. */

static bool read_segment(int fd, const Elf64_Ehdr *header, size_t i, Elf64_Phdr *segment)
{
	Elf32_Phdr narrow;

	if (header->e_ident[EI_CLASS] == ELFCLASS64)
		return elf_file_read(fd, header->e_phoff + i * sizeof *segment, segment,
				     sizeof *segment);
	if (!elf_file_read(fd, header->e_phoff + i * sizeof narrow, &narrow, sizeof narrow))
		return false;
	*segment = elf_file_widen_segment(&narrow);
	return true;
}

/* The dynamic linker that a program names; empty where it names none. */
static bool read_interpreter(int fd, const Elf64_Ehdr *header, char *interpreter, size_t size)
{
	Elf64_Phdr part;

	interpreter[0] = '\0';
	for (size_t i = 0; i < header->e_phnum && i < PROGRAM_HEADERS_MAX; i++) {
		if (!read_segment(fd, header, i, &part))
			return false;
		if (part.p_type != PT_INTERP)
			continue;
		if (part.p_filesz == 0 || part.p_filesz > size ||
		    !elf_file_read(fd, part.p_offset, interpreter, (size_t)part.p_filesz))
			return false;
		interpreter[part.p_filesz - 1] = '\0';
		return true;
	}
	return true;
}

struct format {
	Elf64_Ehdr header;
	char interpreter[PATH_MAX];
};

static bool read_format_of(int fd, struct format *format)
{
	return elf_file_read_header(fd, &format->header) &&
	       read_interpreter(fd, &format->header, format->interpreter,
				sizeof format->interpreter);
}

static bool read_format(const char *path, struct format *format)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool done = fd >= 0 && read_format_of(fd, format);

	if (fd >= 0)
		close(fd);
	return done;
}

/* This program's own format is weir's. */
static const struct format *own_format(void)
{
	static struct format own;

	if (own.header.e_ident[0] == 0)
		read_format("/proc/self/exe", &own);
	return &own;
}

/* C libraries differ by the name of their dynamic linker; its directory is a matter of the
 * distribution. A command that is linked statically names none itself. */
static bool has_own_libc(const struct format *format)
{
	return strcmp(program_base_name(format->interpreter), DYNAMIC_LINKER) == 0;
}

static enum program_obstacle machine_obstacle(const struct format *format)
{
	const Elf64_Ehdr *own = &own_format()->header;

	if (format->header.e_machine != own->e_machine &&
	    format->header.e_ident[EI_CLASS] == own->e_ident[EI_CLASS])
		return PROGRAM_OTHER_MACHINE;
	if (format->header.e_ident[EI_CLASS] != own->e_ident[EI_CLASS])
		return PROGRAM_OTHER_WORD_SIZE;
	return PROGRAM_OBSTACLE_NONE;
}

enum program_obstacle program_format_obstacle(const char *path)
{
	struct format format;
	enum program_obstacle obstacle;

	if (access(path, R_OK) != 0)
		return errno == ENOENT ? PROGRAM_NOT_FOUND : PROGRAM_UNREADABLE;
	if (!read_format(path, &format))
		return PROGRAM_NOT_ELF;
	obstacle = machine_obstacle(&format);
	if (obstacle != PROGRAM_OBSTACLE_NONE)
		return obstacle;
	if (format.interpreter[0] == '\0')
		return PROGRAM_STATIC;
	return has_own_libc(&format) ? PROGRAM_OBSTACLE_NONE : PROGRAM_OTHER_LIBC;
}

bool program_is_library_file(int fd)
{
	struct format format;

	return read_format_of(fd, &format) && format.header.e_type == ET_DYN &&
	       machine_obstacle(&format) == PROGRAM_OBSTACLE_NONE;
}

bool program_is_library(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool is_library = fd >= 0 && program_is_library_file(fd);

	if (fd >= 0)
		close(fd);
	return is_library;
}

/* Rights that a file lends, after which the dynamic linker takes no library by path. */

static bool may_lend(const char *path)
{
	struct statvfs mounted;

	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 && statvfs(path, &mounted) == 0 &&
	       (mounted.f_flag & ST_NOSUID) == 0;
}

static bool lends_identity(const struct stat *file)
{
	bool user = (file->st_mode & S_ISUID) && file->st_uid != getuid();
	bool group =
		(file->st_mode & S_ISGID) && (file->st_mode & S_IXGRP) && file->st_gid != getgid();

	return user || group;
}

/* Root has all capabilities already. */
static bool lends_capabilities(const char *path)
{
	return getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0;
}

static enum program_obstacle rights_obstacle(const char *path)
{
	struct stat file;

	if (stat(path, &file) != 0 || !may_lend(path))
		return PROGRAM_OBSTACLE_NONE;
	if (lends_identity(&file))
		return PROGRAM_SET_ID;
	return lends_capabilities(path) ? PROGRAM_CAPABILITIES : PROGRAM_OBSTACLE_NONE;
}

enum program_obstacle program_obstacle(const char *path)
{
	enum program_obstacle lent = rights_obstacle(path);

	return lent != PROGRAM_OBSTACLE_NONE ? lent : program_format_obstacle(path);
}
