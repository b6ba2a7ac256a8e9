/* old_kernel LACK[;LACK...] PROGRAM [ARGUMENT...]: executes it under a filter that answers as a
 * kernel does that lacks these: one from before they came, or an emulator. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

/* A system call, whatever its arguments are; or where an argument has this flag or value. */
struct lack {
	const char *name;
	unsigned call;
	unsigned argument;
	unsigned mask; /* of the argument; 0 where it does not matter */
	unsigned value;
	unsigned error; /* 0 for one that is not done and succeeds */
};

static const struct lack lacks[] = {
	{ "MREMAP_DONTUNMAP", SYS_mremap, 3, MREMAP_DONTUNMAP, MREMAP_DONTUNMAP, EINVAL },
	{ "MADV_DONTNEED_LOCKED", SYS_madvise, 2, ~0U, MADV_DONTNEED_LOCKED, EINVAL },
	{ "close_range", SYS_close_range, 0, 0, 0, ENOSYS },
	{ "clone3", SYS_clone3, 0, 0, 0, ENOSYS },
	{ "openat2", SYS_openat2, 0, 0, 0, ENOSYS },
	{ "membarrier", SYS_membarrier, 0, 0, 0, ENOSYS },
	{ "mincore", SYS_mincore, 0, 0, 0, ENOSYS },
	{ "mremap", SYS_mremap, 0, 0, 0, ENOSYS },
	{ "madvise", SYS_madvise, 0, 0, 0, EINVAL },
	{ "MADV_DONTNEED, which is ignored", SYS_madvise, 2, ~0U, MADV_DONTNEED, 0 },
	{ "MADV_DONTNEED_LOCKED, which is ignored", SYS_madvise, 2, ~0U, MADV_DONTNEED_LOCKED, 0 },
};
#define LACKS (sizeof(lacks) / sizeof(*lacks))

static struct sock_filter filter[6 * LACKS + 1];
static unsigned short length;

static void add(unsigned short code, unsigned k, unsigned char yes, unsigned char no)
{
	filter[length++] = (struct sock_filter)BPF_JUMP(code, k, yes, no);
}

/* The low half of an argument comes first on the machines there are. */
static void add_lack(const struct lack *lack)
{
	size_t argument = offsetof(struct seccomp_data, args) + 8 * (size_t)lack->argument;

	add(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	add(BPF_JMP | BPF_JEQ | BPF_K, lack->call, 0, 4);
	add(BPF_LD | BPF_W | BPF_ABS, (unsigned)argument, 0, 0);
	add(BPF_ALU | BPF_AND | BPF_K, lack->mask, 0, 0);
	add(BPF_JMP | BPF_JEQ | BPF_K, lack->value, 0, 1);
	add(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | lack->error, 0, 0);
}

/* Whether a list of names separated by semicolons has this one. */
static int has(const char *list, const char *name)
{
	size_t count = strlen(name);

	for (const char *at = list; (at = strstr(at, name)) != NULL; at += count)
		if ((at == list || at[-1] == ';') && (at[count] == '\0' || at[count] == ';'))
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	struct sock_fprog program = { 0, filter };

	if (argc < 3)
		return 2;
	for (size_t i = 0; i < LACKS; i++)
		if (has(argv[1], lacks[i].name))
			add_lack(&lacks[i]);
	add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	program.len = length;
	if (length == 1 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
		perror("old_kernel");
		return 2;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
