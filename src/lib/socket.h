/* Unix stream sockets for the control protocol. Layer 6; the only caller of socket calls and
 * the only one that makes directories and removes files.
 *
 * For the one thread that serves them, which has a table of descriptors of its own
 * (server.h): no number here is ever the program's. */
#ifndef WEIR_SOCKET_H
#define WEIR_SOCKET_H

#include "config.h"

#include <sys/types.h>

struct weir_socket {
	int fd;
	char path[WEIR_SOCKET_PATH_BYTES];
	dev_t device; /* of the file at the path */
	ino_t inode;
};

/* Binds and listens where the configuration says; a file that nobody serves makes way. False
 * when there is no place. */
bool weir_socket_listen(struct weir_socket *socket, const struct weir_config *config);

/* Whether the path still leads to it. */
bool weir_socket_has_file(const struct weir_socket *socket);

/* Removes the file, if it is still this socket's. */
void weir_socket_remove(const struct weir_socket *socket);

/* The next peer, of the same user or root: its descriptor, -1 where there is none, or -2
 * where none can be had now and those who wait go on waiting. Never waits itself. */
int weir_socket_accept(const struct weir_socket *socket);

/* Bytes received, 0 at the end, -1 where there are none now, or -2 for a failure. */
ssize_t weir_socket_receive(int peer, char *data, size_t size);

/* Sends all of it, unless the peer takes longer than a second over it. */
void weir_socket_send(int peer, const char *data, size_t count);
void weir_socket_close(int fd);

#endif
