/* Peers of a control socket (docs/PROTOCOL.md), well behaved or not. No state: a peer is
 * its descriptor. Everything ends at a time-out. */
#ifndef WEIR_TESTS_PEER_H
#define WEIR_TESTS_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* How long a peer waits for anything, in all. */
#define PEER_TIMEOUT_MS 30000

/* The descriptor, or -errno; -ETIMEDOUT where the queue stays full. */
int peer_connect(const char *path);

/* 0 when all was taken, else -errno: -EPIPE where the other end closed. */
int peer_send(int peer, const char *data, size_t count);

/* Nothing more will be sent. */
void peer_finish(int peer);

/* Everything up to the end, at most `size` - 1 bytes, as text. The count, or -errno: of
 * what came before the connection was reset nothing is lost, but the count is -errno. */
ssize_t peer_receive(int peer, char *answer, size_t size);

/* Whether the other end has closed, without waiting. */
bool peer_is_closed(int peer);

void peer_close(int peer);

/* A process of user `uid` connects, says `line` and hears the answer. The count or -errno
 * as of peer_receive; what failed before counts as that. Needs root. */
ssize_t peer_ask_as(uid_t uid, const char *path, const char *line, char *answer, size_t size);

#endif
