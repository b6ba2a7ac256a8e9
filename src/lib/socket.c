#include "socket.h"

#include "glibc.h"
#include "os.h"
#include "socket_path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* Peers that wait to be accepted; more of them wait in connect(2). */
#define BACKLOG 64

#define SEND_SECONDS_MAX 1

static int open_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memcpy(address.sun_path, path, strlen(path));
	return address;
}

static const struct sockaddr *generic(const struct sockaddr_un *address)
{
	return (const struct sockaddr *)(const void *)address;
}

/* Files of processes that ended by a signal stay behind. One that is no socket refuses
 * connections, too, and is somebody's data. */
static bool is_stale(const struct sockaddr_un *address)
{
	struct stat found;
	bool refused;
	int fd;

	if (lstat(address->sun_path, &found) != 0 || !S_ISSOCK(found.st_mode))
		return false;
	fd = open_socket();
	refused = fd >= 0 && connect(fd, generic(address), sizeof *address) != 0 &&
		  errno == ECONNREFUSED;
	if (fd >= 0)
		close(fd);
	return refused;
}

/* The mode of the file is that of the socket: nobody else connects even for a moment, and
 * the umask, which is the whole program's, is left alone. */
static bool bind_at(int fd, const struct sockaddr_un *address)
{
	if (fchmod(fd, 0600) != 0)
		return false;
	if (bind(fd, generic(address), sizeof *address) == 0)
		return true;
	if (errno != EADDRINUSE || !is_stale(address))
		return false;
	unlink(address->sun_path);
	return bind(fd, generic(address), sizeof *address) == 0;
}

static bool note_file(struct weir_socket *socket)
{
	struct stat found;

	if (lstat(socket->path, &found) != 0)
		return false;
	socket->device = found.st_dev;
	socket->inode = found.st_ino;
	return true;
}

static bool listen_at(struct weir_socket *socket, const struct weir_text *path)
{
	struct sockaddr_un address;

	if (!weir_text_fits(path) || path->used >= sizeof socket->path)
		return false;
	address = address_of(path->data);
	memcpy(socket->path, path->data, path->used + 1);
	socket->fd = open_socket();
	if (socket->fd < 0)
		return false;
	if (bind_at(socket->fd, &address)) {
		if (listen(socket->fd, BACKLOG) == 0 && note_file(socket))
			return true;
		unlink(socket->path);
	}
	close(socket->fd);
	socket->fd = -1;
	return false;
}

/* Whether what is made there stays: in a directory of this user or of root. */
static bool is_trusted_parent(const char *path)
{
	char parent[2 * WEIR_SOCKET_PATH_BYTES];
	const char *slash = strrchr(path, '/');
	size_t length = (size_t)(slash - path);
	struct stat found;

	memcpy(parent, path, length);
	parent[length] = '\0';
	return stat(parent, &found) == 0 && (found.st_uid == geteuid() || found.st_uid == 0);
}

/* Makes a directory that is this user's alone, if it is not there. */
static bool own_directory(const char *path)
{
	struct stat found;

	if (!is_trusted_parent(path) || (mkdir(path, 0700) != 0 && errno != EEXIST))
		return false;
	return lstat(path, &found) == 0 && S_ISDIR(found.st_mode) && found.st_uid == geteuid() &&
	       (found.st_mode & 077) == 0;
}

static uint64_t own_start_time(void)
{
	char stat_text[1024];

	weir_os_read_file("/proc/self/stat", 0, stat_text, sizeof stat_text);
	return weir_socket_parse_start(stat_text);
}

static bool listen_somewhere(struct weir_socket *socket, const struct weir_config *config)
{
	char bytes[2 * WEIR_SOCKET_PATH_BYTES];
	struct weir_text path;
	bool make;

	for (size_t i = 0;; i++) {
		weir_text_init(&path, bytes, sizeof bytes);
		if (!weir_socket_place(i, config, geteuid(), &path, &make))
			return false;
		if (path.used == 0 || (make && !own_directory(path.data)))
			continue;
		weir_text_char(&path, '/');
		weir_socket_format_name(&path, (uint64_t)weir_os_pid(), own_start_time());
		if (listen_at(socket, &path))
			return true;
	}
}

/* Where another process of the program serves the path, this one's has its number. */
static bool listen_as_asked(struct weir_socket *socket, const struct weir_config *config)
{
	char bytes[2 * WEIR_SOCKET_PATH_BYTES];
	struct weir_text path;

	weir_text_init(&path, bytes, sizeof bytes);
	weir_text_pattern(&path, config->socket, (uint64_t)weir_os_pid());
	if (listen_at(socket, &path))
		return true;
	weir_text_char(&path, '.');
	weir_text_decimal(&path, (uint64_t)weir_os_pid());
	return listen_at(socket, &path);
}

bool weir_socket_listen(struct weir_socket *socket, const struct weir_config *config)
{
	if (strcmp(config->socket, WEIR_SOCKET_AUTO) == 0)
		return listen_somewhere(socket, config);
	return listen_as_asked(socket, config);
}

bool weir_socket_has_file(const struct weir_socket *socket)
{
	struct stat found;

	return lstat(socket->path, &found) == 0 && found.st_dev == socket->device &&
	       found.st_ino == socket->inode;
}

void weir_socket_remove(const struct weir_socket *socket)
{
	if (weir_socket_has_file(socket))
		unlink(socket->path);
}

static bool may_ask(int peer)
{
	struct ucred credentials;
	socklen_t size = sizeof credentials;

	return getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 &&
	       (credentials.uid == 0 || credentials.uid == geteuid());
}

/* What accept4 says when nobody waits any more. After all else, a sandbox's EPERM as well, whoever
 * waits goes on waiting. */
static bool nobody_waits(int error)
{
	return error == EAGAIN || error == EINTR || error == ECONNABORTED;
}

int weir_socket_accept(const struct weir_socket *socket)
{
	struct timeval patience = { .tv_sec = SEND_SECONDS_MAX };
	int peer = accept4(socket->fd, NULL, NULL, SOCK_CLOEXEC);

	if (peer < 0)
		return nobody_waits(errno) ? -1 : -2;
	if (!may_ask(peer) ||
	    setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0) {
		close(peer);
		return -1;
	}
	return peer;
}

ssize_t weir_socket_receive(int peer, char *data, size_t size)
{
	ssize_t count = recv(peer, data, size, MSG_DONTWAIT);

	if (count >= 0)
		return count;
	return errno == EAGAIN || errno == EINTR ? -1 : -2;
}

void weir_socket_send(int peer, const char *data, size_t count)
{
	ssize_t sent;

	while (count > 0) {
		sent = send(peer, data, count, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR) /* SIGCONT, where there is a time-out */
			continue;
		if (sent <= 0)
			return;
		data += sent;
		count -= (size_t)sent;
	}
}

void weir_socket_close(int fd)
{
	close(fd);
}
