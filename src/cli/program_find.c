/* Finding the file that a command runs in the end. */
#include "program.h"

#include "text.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Scripts whose interpreters are scripts; the kernel takes four. */
#define SCRIPT_DEPTH_MAX 5

/* Of a script's first line the kernel reads as much. */
#define SCRIPT_LINE_BYTES 256

static bool is_executable(const char *path)
{
	struct stat file;

	if (stat(path, &file) != 0)
		return false;
	if (!S_ISREG(file.st_mode)) {
		errno = EACCES;
		return false;
	}
	return access(path, X_OK) == 0;
}

static bool take_path(struct program *program, const char *path)
{
	size_t length = strlen(path);

	if (length >= sizeof program->path)
		return false;
	if (is_executable(path))
		program->obstacle = PROGRAM_OBSTACLE_NONE;
	else if (errno == EACCES)
		program->obstacle = PROGRAM_NOT_EXECUTABLE;
	else
		return false;
	memmove(program->path, path, length + 1);
	return program->obstacle == PROGRAM_OBSTACLE_NONE;
}

/* One entry of PATH; an empty one is the directory that we are in. */
static bool take_entry(struct program *program, const char *entry, size_t length, const char *name)
{
	char path[PATH_MAX];
	struct weir_text text;

	weir_text_init(&text, path, sizeof path);
	if (length > 0) {
		weir_text_bytes(&text, entry, length);
		weir_text_char(&text, '/');
	}
	weir_text_string(&text, name);
	return weir_text_fits(&text) && take_path(program, path);
}

static bool look_up(struct program *program, const char *name)
{
	const char *entry = getenv("PATH");

	program->obstacle = PROGRAM_NOT_FOUND;
	snprintf(program->path, sizeof program->path, "%s", name);
	if (strchr(name, '/') != NULL)
		return take_path(program, name);
	if (entry == NULL)
		entry = "/bin:/usr/bin";
	for (;;) {
		size_t length = strcspn(entry, ":");

		if (take_entry(program, entry, length, name))
			return true;
		if (entry[length] == '\0')
			return false;
		entry += length + 1;
	}
}

/* Scripts. */

/* The first word that env(1) would run: behind its options and settings. */
static char *env_command(char *arguments)
{
	char *rest;
	char *word = strtok_r(arguments, " \t", &rest);

	while (word != NULL && (*word == '-' || strchr(word, '=') != NULL))
		word = strtok_r(NULL, " \t", &rest);
	return word;
}

/* The interpreter of a file that is no ELF program: that of its first line, or the shell,
 * which execvp takes for a text without one. */
static bool read_script(struct program *program, char *line)
{
	int fd = open(program->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t got = fd < 0 ? -1 : pread(fd, line, SCRIPT_LINE_BYTES - 1, 0);

	if (fd >= 0)
		close(fd);
	if (got < 0)
		return false;
	line[got] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return got < SELFMAG || memcmp(line, ELFMAG, SELFMAG) != 0;
}

static bool follow_script(struct program *program)
{
	char line[SCRIPT_LINE_BYTES];
	char *interpreter, *arguments, *rest;

	if (!read_script(program, line))
		return false;
	if (strncmp(line, "#!", 2) != 0)
		return look_up(program, "/bin/sh");
	interpreter = strtok_r(line + 2, " \t", &rest);
	if (interpreter == NULL)
		return look_up(program, "/bin/sh");
	arguments = rest;
	if (strcmp(program_base_name(interpreter), "env") == 0 &&
	    (arguments = env_command(arguments)) != NULL) {
		program->through_env = true;
		interpreter = arguments;
	}
	return look_up(program, interpreter);
}

void program_find(const char *name, struct program *program)
{
	memset(program, 0, sizeof *program);
	if (!look_up(program, name))
		return;
	for (int depth = 0; depth < SCRIPT_DEPTH_MAX && follow_script(program); depth++)
		;
	if (program->obstacle == PROGRAM_OBSTACLE_NONE)
		program->obstacle = program_obstacle(program->path);
}
