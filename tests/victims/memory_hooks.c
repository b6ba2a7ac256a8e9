/* A library that hooks the memory calls, as those of MPI do, and allocates and frees large
 * blocks inside: of the C library's wrappers, and of syscall(2) with HOOK_SYSCALL set at build
 * time. */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#define BYTES ((size_t)300 << 10)

static __thread int depth;

/* What is called from inside is not hooked again. */
static void use_memory(void)
{
	char *small, *large;

	if (depth > 0)
		return;
	depth++;
	small = (char *)malloc(100);
	large = (char *)malloc(BYTES);
	if (small == NULL || large == NULL)
		abort();
	memset(small, 1, 100);
	memset(large, 1, BYTES);
	free(small);
	free(large);
	depth--;
}

#define NEXT(name) \
	static __typeof__(name) *function; \
	if (function == NULL) \
		*(void **)&function = dlsym(RTLD_NEXT, #name); \
	use_memory()

void *mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	NEXT(mmap);
	return function(address, bytes, protection, flags, fd, offset);
}

int munmap(void *address, size_t bytes)
{
	NEXT(munmap);
	return function(address, bytes);
}

int madvise(void *address, size_t bytes, int advice)
{
	NEXT(madvise);
	return function(address, bytes, advice);
}

int mprotect(void *address, size_t bytes, int protection)
{
	NEXT(mprotect);
	return function(address, bytes, protection);
}

#ifdef HOOK_SYSCALL
long syscall(long number, ...)
{
	long given[6];
	va_list list;

	NEXT(syscall);
	va_start(list, number);
	for (int i = 0; i < 6; i++)
		given[i] = va_arg(list, long);
	va_end(list);
	return function(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}
#endif
