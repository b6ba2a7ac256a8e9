#include "peer.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* False at the deadline. */
static bool await(int peer, short events, uint64_t deadline_ms)
{
	struct pollfd polled = { peer, events, 0 };
	uint64_t now = now_ms();

	return now < deadline_ms && poll(&polled, 1, (int)(deadline_ms - now)) > 0;
}

/* A full queue makes connect(2) fail at once where the socket does not block. */
static int connect_in_time(int peer, const struct sockaddr_un *address)
{
	uint64_t deadline_ms = now_ms() + PEER_TIMEOUT_MS;

	while (connect(peer, (const struct sockaddr *)address, sizeof(*address)) != 0) {
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (now_ms() >= deadline_ms)
			return -ETIMEDOUT;
		poll(NULL, 0, 1);
	}
	return 0;
}

int peer_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int peer, error;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (peer < 0)
		return -errno;
	error = connect_in_time(peer, &address);
	if (error == 0)
		return peer;
	close(peer);
	return error;
}

int peer_send(int peer, const char *data, size_t count)
{
	uint64_t deadline_ms = now_ms() + PEER_TIMEOUT_MS;

	while (count > 0) {
		ssize_t sent = send(peer, data, count, MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (sent < 0 && !await(peer, POLLOUT, deadline_ms))
			return -ETIMEDOUT;
		if (sent > 0) {
			data += sent;
			count -= (size_t)sent;
		}
	}
	return 0;
}

void peer_finish(int peer)
{
	shutdown(peer, SHUT_WR);
}

ssize_t peer_receive(int peer, char *answer, size_t size)
{
	uint64_t deadline_ms = now_ms() + PEER_TIMEOUT_MS;
	size_t used = 0;
	ssize_t got = -1;

	while (got != 0 && used < size - 1) {
		got = recv(peer, answer + used, size - 1 - used, 0);
		if (got > 0)
			used += (size_t)got;
		answer[used] = '\0';
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (got < 0 && !await(peer, POLLIN, deadline_ms))
			return -ETIMEDOUT;
	}
	return (ssize_t)used;
}

bool peer_is_closed(int peer)
{
	struct pollfd polled = { peer, POLLIN, 0 };

	return poll(&polled, 1, 0) == 1 && (polled.revents & POLLHUP) != 0;
}

void peer_close(int peer)
{
	close(peer);
}

static ssize_t ask(const char *path, const char *line, char *answer, size_t size)
{
	int peer = peer_connect(path);
	int error;

	if (peer < 0)
		return peer;
	error = peer_send(peer, line, strlen(line));
	return error != 0 ? error : peer_receive(peer, answer, size);
}

/* The child tells its count and the answer through a pipe. */
static void ask_in_child(uid_t uid, const char *path, const char *line, int to, size_t size)
{
	char answer[4096];
	ssize_t count = -EINVAL;

	if (setresuid(uid, uid, uid) != 0)
		count = -errno;
	else if (size <= sizeof(answer))
		count = ask(path, line, answer, size);
	if (write(to, &count, sizeof(count)) != (ssize_t)sizeof(count) ||
	    (count > 0 && write(to, answer, (size_t)count) != count))
		_exit(1);
	_exit(0);
}

ssize_t peer_ask_as(uid_t uid, const char *path, const char *line, char *answer, size_t size)
{
	ssize_t count = -EIO;
	int ends[2];
	pid_t child;

	if (pipe(ends) != 0)
		return -errno;
	child = fork();
	if (child == 0)
		ask_in_child(uid, path, line, ends[1], size);
	close(ends[1]);
	if (child < 0 || read(ends[0], &count, sizeof(count)) != (ssize_t)sizeof(count))
		count = -EIO;
	if (count > 0 && read(ends[0], answer, (size_t)count) != count)
		count = -EIO;
	answer[count > 0 ? count : 0] = '\0';
	close(ends[0]);
	if (child > 0)
		waitpid(child, NULL, 0);
	return count;
}
