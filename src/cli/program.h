/* What an executable is: whether a library can be preloaded into it, and whose malloc it
 * calls. Files are read as they are found; nothing in them is trusted. */
#ifndef WEIR_CLI_PROGRAM_H
#define WEIR_CLI_PROGRAM_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* Why the dynamic linker would not, or could not, preload weir. */
enum program_obstacle {
	PROGRAM_OBSTACLE_NONE,
	PROGRAM_NOT_FOUND,
	PROGRAM_NOT_EXECUTABLE,
	PROGRAM_UNREADABLE, /* it may be run but not read: nothing can be said */
	PROGRAM_NOT_ELF,
	PROGRAM_OTHER_WORD_SIZE,
	PROGRAM_OTHER_MACHINE,
	PROGRAM_STATIC,
	PROGRAM_OTHER_LIBC,
	PROGRAM_SET_ID,
	PROGRAM_CAPABILITIES,
};

struct program {
	char path[PATH_MAX]; /* what runs in the end, of a script its interpreter, or what is
				missing */
	bool through_env;    /* a script whose first program is env, which finds the interpreter */
	enum program_obstacle obstacle;
};

/* Looks a command up as execvp does, follows scripts, and finds the first obstacle. */
void program_find(const char *name, struct program *program);

/* The first obstacle of a file, scripts not followed. Rights that it lends count where this
 * user would get them. */
enum program_obstacle program_obstacle(const char *path);

/* The same of its format alone. */
enum program_obstacle program_format_obstacle(const char *path);

/* For people, behind the program's name: "is linked statically: ..."; and what helps. */
const char *program_explain(enum program_obstacle obstacle);
const char *program_advise(enum program_obstacle obstacle);

/* Whether a library is for this machine and word size; of a file that is open already. */
bool program_is_library(const char *path);
bool program_is_library_file(int fd);

/* The name of an allocator's function that the file itself defines, so that no preloaded
 * library gets its requests; NULL for none. */
const char *program_own_allocator(const char *path);

/* A file name without its directories. */
const char *program_base_name(const char *path);

#endif
