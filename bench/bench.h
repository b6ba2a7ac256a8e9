/* What the workloads share: the meter that times them and the row they print.
 *
 * A workload calls plain malloc, calloc, realloc and free, so that whatever is
 * preloaded answers, and is compiled with -fno-builtin, so that no pair of
 * calls is optimised away. It measures in batches and reports the median batch:
 * one batch that the scheduler hit does not count. */
#ifndef WEIR_BENCH_H
#define WEIR_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

#define BENCH_BATCHES_MAX 512

struct bench_options {
	size_t size_bytes; /* of one block; 0: the workload's own choice */
	bool quick;	   /* an eighth of the work */
};

struct bench_workload {
	const char *name;
	void (*run)(const struct bench_options *options);
	const char *help;
};

extern const struct bench_workload bench_cycle;
extern const struct bench_workload bench_touch;
extern const struct bench_workload bench_bare;
extern const struct bench_workload bench_mixed;
extern const struct bench_workload bench_mixed_log;
extern const struct bench_workload bench_grow;
extern const struct bench_workload bench_grow_touch;
extern const struct bench_workload bench_calloc_whole;
extern const struct bench_workload bench_calloc_sparse;
extern const struct bench_workload bench_pipeline;
extern const struct bench_workload bench_small;
extern const struct bench_workload bench_small_written;
extern const struct bench_workload bench_start;
extern const struct bench_workload bench_release;
extern const struct bench_workload bench_limit;
extern const struct bench_workload bench_columns;
extern const struct bench_workload bench_planes;
extern const struct bench_workload bench_first_touch;
extern const struct bench_workload bench_latency;
extern const struct bench_workload bench_scale;
extern const struct bench_workload bench_polled;
extern const struct bench_workload bench_phases;
extern const struct bench_workload bench_bursty;
extern const struct bench_workload bench_images;
extern const struct bench_workload bench_many_blocks;
extern const struct bench_workload bench_many_threads;
extern const struct bench_workload bench_many_addresses;
extern const struct bench_workload bench_timeline;
extern const struct bench_workload bench_thread;
extern const struct bench_workload bench_lease;
extern const struct bench_workload bench_lease_whole;
extern const struct bench_workload bench_blocks;

struct bench_usage {
	uint64_t cpu_ns; /* of all threads, user and system */
	uint64_t user_us;
	uint64_t system_us;
	uint64_t minor_faults;
};

/* Zero-initialise it. */
struct bench_meter {
	double batch_ns[BENCH_BATCHES_MAX]; /* wall time of one operation */
	unsigned batches;
	uint64_t operations;	  /* of all batches */
	struct bench_usage used;  /* in all batches */
	struct bench_usage start; /* of the running batch */
	uint64_t start_ns;
};

struct bench_row {
	const char *workload;
	const char *variant;
	size_t size_bytes;	   /* of one block; 0: mixed sizes */
	size_t own_resident_bytes; /* of the workload's own buffers: not in the peak */
	size_t peak_live_bytes;	   /* most that was live at once, in whole pages; or 0 */
	/* Resident beyond the live blocks and what the process had at its start:
	 * at most, and in the end. 0 in workloads that do not measure it. */
	size_t kept_bytes;
	size_t left_bytes;
	size_t mean_rss_bytes; /* over time; 0 where it was not sampled */
	uint64_t wakeups;      /* of other threads; 0 where they were not counted */
};

void bench_meter_start(struct bench_meter *meter);
/* Ends a batch; the batches of one meter should be of one length. */
void bench_meter_stop(struct bench_meter *meter, uint64_t operations);
/* Prints the row as one line of key=value. */
void bench_print(const struct bench_row *row, const struct bench_meter *meter);
/* The same with `ns` in place of the median batch. */
void bench_print_ns(const struct bench_row *row, const struct bench_meter *meter, double ns);

/* Now, from /proc/self/smaps_rollup: exact, unlike the counters in statm. */
size_t bench_resident_bytes(void);
/* What is resident beyond that; 0 where it is less. */
size_t bench_resident_above(size_t expected_bytes);
/* CLOCK_MONOTONIC. */
uint64_t bench_now_ns(void);

/* `count` shortened for --quick, at least `least`. */
unsigned bench_scaled(const struct bench_options *options, unsigned count, unsigned least);

/* `size_bytes` rounded up, as the kernel counts it. */
static inline size_t bench_whole_pages(size_t size_bytes)
{
	return (size_bytes + 4 * KIB - 1) & ~(4 * KIB - 1);
}

/* The same sequence in every process: xorshift64*; its state is never 0. */
#define BENCH_SEED 0x9E3779B97F4A7C15ULL
struct bench_random {
	uint64_t state;
};
static inline uint64_t bench_random_next(struct bench_random *random)
{
	random->state ^= random->state >> 12;
	random->state ^= random->state << 25;
	random->state ^= random->state >> 27;
	return random->state * 0x2545F4914F6CDD1DULL;
}
/* Every size of [min, max) alike; or every doubling alike (both powers of two).
 */
size_t bench_random_uniform(struct bench_random *random, size_t min, size_t max);
size_t bench_random_doubling(struct bench_random *random, size_t min, size_t max);

/* How a workload uses a block: all of it, or one byte in each 4 KiB. */
typedef void bench_write(char *block, size_t bytes);
void bench_write_whole(char *block, size_t bytes);
void bench_write_pages(char *block, size_t bytes);

/* malloc and calloc that end the program when memory runs out. */
void *bench_malloc(size_t bytes);
void *bench_calloc(size_t bytes);

__attribute__((noreturn)) void bench_die(const char *what);

/* Holds `bytes` of free guest memory in pieces until stdin ends; see ballast.c.
 */
void bench_hold_ballast(size_t bytes);
/* Has `bytes` of what is free backed by the host, for some seconds. */
void bench_back_memory(size_t bytes);

#endif
