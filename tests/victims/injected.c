/* injected CALL FIRST LAST ERRNO COUNTS PROGRAM [ARGUMENT...]: executes the program, and has
 * the FIRST to the LAST of weir's own system calls of one kind fail, in all of its threads and
 * forked children: the kernel does not execute them. LAST 0 means from there on for ever.
 *
 * A filter (seccomp) hands each call of the kind to a process beside the program, which alone
 * decides, so that neither the program nor weir is changed for it, and no signal or wait of the
 * program's is in the way, as with ptrace. A call is weir's own when an address of the library's
 * code lies near the top of the stack of the thread that makes it. Where the C library ends a
 * program for a refusal that it does not expect, of a futex, or of a thread's stack by anything
 * but ENOMEM, only those are that weir makes by syscall(2), which returns to the library.
 *
 * COUNTS is a file of two numbers, how many calls there were and how many failed; they are
 * true as soon as the program has ended. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* How far from the top of its stack a call of weir's has an address of weir's. */
#define STACK_WORDS 512

struct call {
	const char *name;
	unsigned number;
	bool direct; /* by syscall(2) alone */
};

static const struct call calls[] = {
	{ "accept4", SYS_accept4, false },
	{ "bind", SYS_bind, false },
	{ "clone3", SYS_clone3, false },
	{ "close", SYS_close, false },
	{ "close_range", SYS_close_range, false },
	{ "connect", SYS_connect, false },
	{ "eventfd2", SYS_eventfd2, false },
	{ "futex", SYS_futex, true },
	{ "listen", SYS_listen, false },
	{ "madvise", SYS_madvise, true },
	{ "membarrier", SYS_membarrier, false },
	{ "mincore", SYS_mincore, false },
	{ "mmap", SYS_mmap, true },
	{ "mprotect", SYS_mprotect, true },
	{ "mremap", SYS_mremap, true },
	{ "munmap", SYS_munmap, true },
	{ "openat", SYS_openat, false },
	{ "poll", SYS_poll, false },
	{ "pread64", SYS_pread64, false },
	{ "prlimit64", SYS_prlimit64, false },
	{ "read", SYS_read, false },
	{ "rt_sigaction", SYS_rt_sigaction, false },
	{ "socket", SYS_socket, false },
	{ "unshare", SYS_unshare, false },
	{ "write", SYS_write, false },
};

static const struct {
	const char *name;
	int number;
} errors[] = {
	{ "ENOMEM", ENOMEM }, { "EINVAL", EINVAL }, { "EAGAIN", EAGAIN },
	{ "EPERM", EPERM },   { "ENOSYS", ENOSYS },
};

static struct {
	struct call call;
	uint32_t first, last; /* from 1; last 0: for ever */
	int error;
	int counts_fd;
	struct {
		uint32_t seen, failed;
	} counts;
	uintptr_t code, code_end; /* of the library; 0 before it is mapped */
} injection;

static void fail(const char *what)
{
	dprintf(STDERR_FILENO, "injected: %s: errno %d\n", what, errno);
	_exit(2);
}

/* Whose call it is */

static void find_library(pid_t thread)
{
	char path[64], line[512], rights[8];
	unsigned long start, end;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", thread);
	maps = fopen(path, "r");
	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		if (strstr(line, "/libweir.so") != NULL &&
		    sscanf(line, "%lx-%lx %7s", &start, &end, rights) == 3 && rights[2] == 'x') {
			injection.code = start;
			injection.code_end = end;
		}
	}
	if (maps != NULL)
		fclose(maps);
}

/* How many words of its stack were read, from the top on. */
static size_t read_stack(pid_t thread, uintptr_t *words)
{
	char path[64], text[256] = "";
	unsigned long top = 0;
	struct iovec ours = { words, STACK_WORDS * sizeof(*words) }, theirs;
	ssize_t count;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/syscall", thread);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	count = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	close(fd);
	if (count <= 0 || sscanf(text, "%*d %*x %*x %*x %*x %*x %*x %lx", &top) != 1)
		return 0;
	theirs = (struct iovec){ (void *)top, ours.iov_len };
	count = process_vm_readv(thread, &ours, 1, &theirs, 1, 0);
	return count > 0 ? (size_t)count / sizeof(*words) : 0;
}

static bool is_own(pid_t thread)
{
	uintptr_t words[STACK_WORDS];
	size_t count, most = injection.call.direct ? 1 : STACK_WORDS;

	if (injection.code == 0)
		find_library(thread);
	if (injection.code == 0)
		return false;
	count = read_stack(thread, words);
	for (size_t i = 0; i < count && i < most; i++)
		if (words[i] >= injection.code && words[i] < injection.code_end)
			return true;
	return false;
}

/* The process that decides */

static bool counts_and_fails(pid_t thread)
{
	bool fails;

	if (!is_own(thread))
		return false;
	injection.counts.seen++;
	fails = injection.first != 0 && injection.counts.seen >= injection.first &&
		(injection.last == 0 || injection.counts.seen <= injection.last);
	injection.counts.failed += fails;
	if (pwrite(injection.counts_fd, &injection.counts, sizeof(injection.counts), 0) < 0)
		fail("counts");
	return fails;
}

/* Until nobody is left whom the filter holds. */
static void decide(int listener)
{
	struct pollfd polled = { .fd = listener, .events = POLLIN };
	struct seccomp_notif asked;
	struct seccomp_notif_resp answer;

	for (;;) {
		if (poll(&polled, 1, -1) < 0 || !(polled.revents & POLLIN))
			_exit(0);
		memset(&asked, 0, sizeof(asked));
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0)
			continue;
		memset(&answer, 0, sizeof(answer));
		answer.id = asked.id;
		if (counts_and_fails((pid_t)asked.pid))
			answer.error = -injection.error;
		else
			answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
}

/* The listener comes by a socket, because the filter must not hold who receives it. */

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static int receive(int socket)
{
	char byte;
	struct iovec data = { &byte, 1 };
	union control control;
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof(control) };
	int fd;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1 || CMSG_FIRSTHDR(&message) == NULL)
		_exit(0);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

static bool send_fd(int socket, int fd)
{
	char byte = 0;
	struct iovec data = { &byte, 1 };
	union control control = { .header = { .cmsg_len = CMSG_LEN(sizeof(fd)),
					      .cmsg_level = SOL_SOCKET,
					      .cmsg_type = SCM_RIGHTS } };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(socket, &message, 0) == 1;
}

/* No child of the program's, which may wait for any. Returns our end of the socket. */
static int start_decider(void)
{
	int ends[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		fail("socketpair");
	child = fork();
	if (child == 0) {
		if (fork() != 0)
			_exit(0);
		close(ends[0]);
		for (int fd = 0; fd < 3; fd++)
			close(fd);
		decide(receive(ends[1]));
	}
	if (child < 0 || waitpid(child, NULL, 0) != child)
		fail("fork");
	close(ends[1]);
	return ends[0];
}

static int install_filter(void)
{
	struct sock_filter instructions[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, injection.call.number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(instructions) / sizeof(*instructions), instructions };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &filter);
}

static void read_arguments(char **argv)
{
	bool known = false;

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (strcmp(calls[i].name, argv[1]) == 0) {
			injection.call = calls[i];
			known = true;
		}
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (strcmp(errors[i].name, argv[4]) == 0)
			injection.error = errors[i].number;
	injection.first = (uint32_t)atoi(argv[2]);
	injection.last = (uint32_t)atoi(argv[3]);
	injection.counts_fd = open(argv[5], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (!known || injection.error == 0 || injection.counts_fd < 0)
		fail("arguments");
}

int main(int argc, char **argv)
{
	int socket, listener;

	if (argc < 7)
		return 2;
	read_arguments(argv);
	socket = start_decider();
	listener = install_filter();
	if (listener < 0 || !send_fd(socket, listener))
		fail("filter");
	execv(argv[6], argv + 6);
	fail(argv[6]);
}
