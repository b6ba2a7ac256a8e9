/* How the preloaded allocator is asked, from inside the process, to give back
 * what it keeps. */
#ifndef WEIR_BENCH_ASK_RELEASE_H
#define WEIR_BENCH_ASK_RELEASE_H

struct bench_release {
	const char *variant; /* "signal", "trim" or "none" */
	void (*ask)(void);
};

/* SIGUSR1 where something handles it, or else malloc_trim where that belongs to
 * the allocator, or else nothing. */
struct bench_release bench_choose_release(void);

#endif
