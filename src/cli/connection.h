/* Connections to control sockets of other processes. */
#ifndef WEIR_CLI_CONNECTION_H
#define WEIR_CLI_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Connects to the socket at a path of the process's own view of the file system, if that very
 * process listens there. Returns a descriptor or -1. */
int connection_open(pid_t pid, const char *path);

/* Sends the text and reads until the peer's end or `size` - 1 bytes, which a zero byte ends.
 * Returns how many bytes came, or -errno: -ETIMEDOUT, -ECONNRESET. */
ssize_t connection_exchange(int fd, const char *text, char *answer, size_t size);

/* Whether nobody listens any more at that name of a directory. */
bool connection_is_stale(int directory, const char *name);

#endif
