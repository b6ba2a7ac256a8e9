/* confined REFUSAL CALL[,CALL...] PROGRAM [ARGUMENT...]: executes it under a filter that refuses
 * these system calls, to whoever makes them, as sandboxes do: with EPERM or ENOSYS, or by the
 * end of the process (`kill`). */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALLS_MAX 16

static const struct {
	const char *name;
	unsigned number;
} calls[] = {
	{ "clone3", SYS_clone3 },	  { "close_range", SYS_close_range },
	{ "eventfd2", SYS_eventfd2 },	  { "madvise", SYS_madvise },
	{ "membarrier", SYS_membarrier }, { "mincore", SYS_mincore },
	{ "mremap", SYS_mremap },	  { "sched_yield", SYS_sched_yield },
	{ "socket", SYS_socket },	  { "sysinfo", SYS_sysinfo },
	{ "unshare", SYS_unshare },
};

static const struct {
	const char *name;
	unsigned action;
} refusals[] = {
	{ "EPERM", SECCOMP_RET_ERRNO | EPERM },
	{ "ENOSYS", SECCOMP_RET_ERRNO | ENOSYS },
	{ "kill", SECCOMP_RET_KILL_PROCESS },
};

static unsigned number_of(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].number;
	exit(2);
}

static unsigned action_of(const char *name)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		if (strcmp(refusals[i].name, name) == 0)
			return refusals[i].action;
	exit(2);
}

/* Load the number; a look for each call; allow. */
static int install(unsigned action, char *names)
{
	struct sock_filter filter[2 * CALLS_MAX + 2] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog program = { 1, filter };

	for (char *name = strtok(names, ","); name != NULL; name = strtok(NULL, ",")) {
		if (program.len >= 2 * CALLS_MAX)
			exit(2);
		filter[program.len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
								     number_of(name), 0, 1);
		filter[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
	}
	filter[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	if (install(action_of(argv[1]), argv[2]) != 0) {
		perror("confined");
		return 1;
	}
	execv(argv[3], argv + 3);
	perror(argv[3]);
	return 127;
}
