/* Files by names that come from another process, which may be hostile and this command root. */
#ifndef WEIR_CLI_FOREIGN_H
#define WEIR_CLI_FOREIGN_H

#include <sys/types.h>

/* Finds what has that path in the process's (process_task) own view of the file system, whatever it
 * is, without opening it: a descriptor of O_PATH, or -1. */
int foreign_find(pid_t task, const char *path);

/* Opens it for reading, if it is a regular file: a device may do anything when it is opened.
 * A descriptor or -1. */
int foreign_open(pid_t task, const char *path);

#endif
