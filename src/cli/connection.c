#include "connection.h"

#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECT_MS_MAX 2000
#define ANSWER_MS_MAX 30000
#define AGAIN_MS 10

/* The file of the socket. Symbolic links lead to where they do for the process, and not to
 * what has the name here; kernels and sandboxes without openat2 get no links at its end. */
static int open_file(pid_t pid, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	char root_path[32];
	int root, fd;

	snprintf(root_path, sizeof root_path, "/proc/%d/root", (int)pid);
	root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -1;
	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(root, path + strspn(path, "/"), O_PATH | O_CLOEXEC | O_NOFOLLOW);
	close(root);
	return fd;
}

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

/* By the file's descriptor, because a path may be longer than an address of a socket. Returns
 * a descriptor or -errno. */
static int connect_to(int file)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	uint64_t give_up_ms = weir_os_now_ms() + CONNECT_MS_MAX;
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

int connection_open(pid_t pid, const char *path)
{
	int file = open_file(pid, path), fd;

	if (file < 0)
		return -1;
	fd = is_socket(file) ? connect_to(file) : -1;
	close(file);
	if (fd >= 0 && is_served_by(fd, pid))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
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
	fd = is_socket(file) ? connect_to(file) : -ENOTSOCK;
	if (fd >= 0)
		close(fd);
	close(file);
	return fd == -ECONNREFUSED;
}
