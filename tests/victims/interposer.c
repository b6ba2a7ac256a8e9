/* Another interposer, preloaded before or behind weir: it counts what it passes on to the next
 * allocator. With INTERPOSER_COUNTS in the environment it says at the end whether it saw any
 * calls, on stdout. */
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static unsigned long calls; /* atomic, relaxed */

static void *next(const char *name)
{
	void *symbol = dlsym(RTLD_NEXT, name);

	if (symbol == NULL)
		abort();
	__atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
	return symbol;
}

/* The address of a function, which C has no cast for. */
#define NEXT(name) \
	static __typeof__(name) *function; \
	if (function == NULL) \
		*(void **)&function = next(#name); \
	__atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED)

void *malloc(size_t bytes)
{
	NEXT(malloc);
	return function(bytes);
}

void free(void *block)
{
	NEXT(free);
	function(block);
}

void *realloc(void *block, size_t bytes)
{
	NEXT(realloc);
	return function(block, bytes);
}

int posix_memalign(void **block, size_t align, size_t bytes)
{
	NEXT(posix_memalign);
	return function(block, align, bytes);
}

__attribute__((destructor)) static void say_count(void)
{
	const char *word = calls > 0 ? "interposed\n" : "idle\n";

	if (getenv("INTERPOSER_COUNTS") != NULL &&
	    write(STDOUT_FILENO, word, calls > 0 ? 11 : 5) < 0)
		_exit(2);
}
