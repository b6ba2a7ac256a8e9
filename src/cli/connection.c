#include "connection.h"

#include "foreign.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECT_MS_MAX 2000
#define ANSWER_MS_MAX 30000
#define AGAIN_MS 10

static bool is_socket(int fd)
{
	struct stat found;

	return fstat(fd, &found) == 0 && S_ISSOCK(found.st_mode);
}

/* Without blocking: a socket whose queue is full says EAGAIN. 0 or -errno. */
static int connect_once(int fd, const struct sockaddr_un *address)
{
	int done = connect(fd, (const struct sockaddr *)(const void *)address, sizeof *address);

	return done == 0 ? 0 : -errno;
}

/* By the file's descriptor, because a path may be longer than an address of a socket; as long
 * as the queue is full it waits, `ms_max` at most. Returns a descriptor or -errno. */
static int connect_to(int file, uint64_t ms_max)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	uint64_t give_up_ms = weir_os_now_ms() + ms_max;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", file);
	while ((error = connect_once(fd, &address)) == -EAGAIN && weir_os_now_ms() < give_up_ms)
		poll(NULL, 0, AGAIN_MS);
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

/* The kernel says who called listen(), by its number in this namespace of process ids. */
static bool is_served_by(int fd, pid_t pid)
{
	struct ucred listener;
	socklen_t size = sizeof listener;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &listener, &size) == 0 &&
	       listener.pid == pid;
}

/* A descriptor or -errno. */
static int connect_to_process(const struct process *process, const char *path, uint64_t ms_max)
{
	int file = foreign_find(process->task, path), fd;

	if (file < 0)
		return -ENOENT;
	fd = is_socket(file) ? connect_to(file, ms_max) : -ENOTSOCK;
	close(file);
	if (fd < 0 || is_served_by(fd, process->pid))
		return fd;
	close(fd);
	return -ECONNREFUSED;
}

int connection_open(const struct process *process, const char *path)
{
	return connect_to_process(process, path, CONNECT_MS_MAX);
}

bool connection_is_served(const struct process *process, const char *path)
{
	int fd = connect_to_process(process, path, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || fd == -EAGAIN;
}

/* 0 or -errno. */
static int wait_for(int fd, short what, uint64_t give_up_ms)
{
	struct pollfd wanted = { .fd = fd, .events = what };
	uint64_t now_ms = weir_os_now_ms();

	if (now_ms >= give_up_ms || poll(&wanted, 1, (int)(give_up_ms - now_ms)) == 0)
		return -ETIMEDOUT;
	return 0;
}

/* A request fits the socket's buffer. */
static int send_all(int fd, const char *text)
{
	size_t length = strlen(text);
	ssize_t count = send(fd, text, length, MSG_NOSIGNAL);

	if (count < 0)
		return errno == EPIPE ? -ECONNRESET : -errno;
	return (size_t)count == length ? 0 : -EIO;
}

ssize_t connection_exchange(int fd, const char *text, char *answer, size_t size)
{
	uint64_t give_up_ms = weir_os_now_ms() + ANSWER_MS_MAX;
	size_t used = 0;
	ssize_t count = 1;
	int error = send_all(fd, text);

	while (error == 0 && count != 0 && used < size - 1) {
		error = wait_for(fd, POLLIN, give_up_ms);
		if (error != 0)
			break;
		count = recv(fd, answer + used, size - 1 - used, 0);
		if (count > 0)
			used += (size_t)count;
		else if (count < 0 && errno != EINTR && errno != EAGAIN)
			error = -errno;
	}
	answer[used] = '\0';
	return error != 0 ? error : (ssize_t)used;
}

bool connection_is_stale(int directory, const char *name)
{
	int file = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int fd;

	if (file < 0)
		return false;
	fd = is_socket(file) ? connect_to(file, 0) : -ENOTSOCK;
	if (fd >= 0)
		close(fd);
	close(file);
	return fd == -ECONNREFUSED;
}
