#include "ask_release.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

static void raise_signal(void)
{
	raise(SIGUSR1);
}

static void trim(void)
{
	int (*malloc_trim)(size_t) = (int (*)(size_t))dlsym(RTLD_DEFAULT, "malloc_trim");
	malloc_trim(0);
}

static void ask_nothing(void) {}

static bool signal_is_handled(void)
{
	struct sigaction action;
	sigaction(SIGUSR1, NULL, &action);
	return action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
}

/* An allocator without a malloc_trim leaves the C library's, which trims a heap
 * that is not in use. */
static bool allocator_can_trim(void)
{
	Dl_info malloc_info, trim_info;
	void *malloc_address = dlsym(RTLD_DEFAULT, "malloc");
	void *trim_address = dlsym(RTLD_DEFAULT, "malloc_trim");
	return trim_address != NULL && dladdr(malloc_address, &malloc_info) != 0 &&
	       dladdr(trim_address, &trim_info) != 0 &&
	       malloc_info.dli_fbase == trim_info.dli_fbase;
}

struct bench_release bench_choose_release(void)
{
	if (signal_is_handled())
		return (struct bench_release){ "signal", raise_signal };
	if (allocator_can_trim())
		return (struct bench_release){ "trim", trim };
	return (struct bench_release){ "none", ask_nothing };
}
