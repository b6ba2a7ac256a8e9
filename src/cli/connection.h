/* Connections to control sockets of other processes. */
#ifndef WEIR_CLI_CONNECTION_H
#define WEIR_CLI_CONNECTION_H

#include "process.h"

/* Connects to the socket at a path of the process's own view of the file system, if that very
 * process listens there; waits a while where too many have connected already. Returns a
 * descriptor, or a negative number. */
int connection_open(const struct process *process, const char *path);

/* Whether it would do so, without waiting: where too many have connected already, whoever
 * listens there is taken for the process. */
bool connection_is_served(const struct process *process, const char *path);

/* Sends the text and reads until the peer's end or `size` - 1 bytes, which a zero byte ends.
 * Returns how many bytes came, or -errno: -ETIMEDOUT, -ECONNRESET. */
ssize_t connection_exchange(int fd, const char *text, char *answer, size_t size);

/* Whether nobody listens any more at that name of a directory. Does not wait. */
bool connection_is_stale(int directory, const char *name);

#endif
