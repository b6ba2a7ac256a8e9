/* Writes 1 GiB in blocks of 16 MiB, frees all but four of them, and asks for
 * the rest back: by SIGUSR1 where something handles it, or else by malloc_trim
 * where that belongs to the allocator. One operation is one such release. */
#include "../bench.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES (16 * MIB)
#define BLOCKS 64
#define LIVE_BLOCKS 4

typedef void ask_for_release(void);

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

static size_t above(size_t resident_bytes, size_t expected_bytes)
{
	return resident_bytes > expected_bytes ? resident_bytes - expected_bytes : 0;
}

static void run_release(const struct bench_options *options)
{
	static struct bench_meter meter;
	static char *blocks[BLOCKS];
	struct bench_row row = { .workload = "release", .size_bytes = BLOCK_BYTES };
	unsigned count = bench_scaled(options, BLOCKS, 2 * LIVE_BLOCKS);
	size_t expected_bytes = bench_resident_bytes() + LIVE_BLOCKS * BLOCK_BYTES;
	ask_for_release *ask;

	for (unsigned i = 0; i < count; i++) {
		blocks[i] = bench_malloc(BLOCK_BYTES);
		memset(blocks[i], 1, BLOCK_BYTES);
	}
	for (unsigned i = LIVE_BLOCKS; i < count; i++)
		free(blocks[i]);
	if (signal_is_handled()) {
		row.variant = "signal";
		ask = raise_signal;
	} else if (allocator_can_trim()) {
		row.variant = "trim";
		ask = trim;
	} else {
		row.variant = "none";
		ask = ask_nothing;
	}
	row.kept_bytes = above(bench_resident_bytes(), expected_bytes);
	bench_meter_start(&meter);
	ask();
	bench_meter_stop(&meter, 1);
	row.left_bytes = above(bench_resident_bytes(), expected_bytes);
	bench_print(&row, &meter);
}

const struct bench_workload bench_release = { "release", run_release,
					      "give back 1 GiB of freed blocks" };
