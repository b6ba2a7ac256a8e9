/* withdrawn FROM: after its first large request it leaves its root, where there is no /proc then,
 * (`root`), uses up its descriptors (`files`) or closes itself into a sandbox that kills it for
 * opening a file (`sandbox`). For each line of its stdin it then asks for a large block, and
 * answers with the time in milliseconds, 0 where it got none. */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_BYTES ((size_t)3 << 20)

static struct sock_filter instructions[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static int leave_root(void)
{
	return chroot("/dev");
}

static int use_up_files(void)
{
	struct rlimit few = { 16, 16 };

	if (setrlimit(RLIMIT_NOFILE, &few) != 0)
		return -1;
	while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
		;
	return 0;
}

static int enter_sandbox(void)
{
	struct sock_fprog filter = { sizeof(instructions) / sizeof(*instructions), instructions };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
		       ? -1
		       : prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

static const struct {
	const char *name;
	int (*run)(void);
} ways[] = {
	{ "root", leave_root },
	{ "files", use_up_files },
	{ "sandbox", enter_sandbox },
};

static int withdraw(const char *from)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (strcmp(ways[i].name, from) == 0)
			return ways[i].run();
	return -1;
}

static unsigned long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned long long)now.tv_sec * 1000 + (unsigned long long)now.tv_nsec / 1000000;
}

static void answer(void)
{
	char *block = malloc(BLOCK_BYTES);

	if (block != NULL)
		*block = 1;
	printf("%llu\n", block != NULL ? now_ms() : 0);
	fflush(stdout);
	free(block);
}

int main(int argc, char **argv)
{
	char line[16];

	answer();
	if (argc != 2 || withdraw(argv[1]) != 0) {
		perror("withdrawn");
		return 2;
	}
	while (fgets(line, sizeof line, stdin) != NULL)
		answer();
	return 0;
}
