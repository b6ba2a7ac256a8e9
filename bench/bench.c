#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

void bench_die(const char *what)
{
	fprintf(stderr, "weir-bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static uint64_t timeval_us(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000U + (uint64_t)time.tv_usec;
}

/* What this process and the children it waited for have used so far. */
static struct bench_usage usage_now(void)
{
	struct rusage own, children;
	getrusage(RUSAGE_SELF, &own);
	getrusage(RUSAGE_CHILDREN, &children);
	uint64_t children_us = timeval_us(children.ru_utime) + timeval_us(children.ru_stime);
	return (struct bench_usage){
		.cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) + children_us * 1000,
		.user_us = timeval_us(own.ru_utime) + timeval_us(children.ru_utime),
		.system_us = timeval_us(own.ru_stime) + timeval_us(children.ru_stime),
		.minor_faults = (uint64_t)own.ru_minflt + (uint64_t)children.ru_minflt,
	};
}

uint64_t bench_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

void bench_meter_start(struct bench_meter *meter)
{
	meter->start = usage_now();
	meter->start_ns = bench_now_ns();
}

void bench_meter_stop(struct bench_meter *meter, uint64_t operations)
{
	uint64_t wall_ns = bench_now_ns() - meter->start_ns;
	struct bench_usage now = usage_now();

	meter->used.cpu_ns += now.cpu_ns - meter->start.cpu_ns;
	meter->used.user_us += now.user_us - meter->start.user_us;
	meter->used.system_us += now.system_us - meter->start.system_us;
	meter->used.minor_faults += now.minor_faults - meter->start.minor_faults;
	meter->operations += operations;
	if (meter->batches < BENCH_BATCHES_MAX)
		meter->batch_ns[meter->batches++] = (double)wall_ns / (double)operations;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median_batch_ns(const struct bench_meter *meter)
{
	double sorted[BENCH_BATCHES_MAX];
	unsigned middle = meter->batches / 2;
	memcpy(sorted, meter->batch_ns, meter->batches * sizeof sorted[0]);
	qsort(sorted, meter->batches, sizeof sorted[0], compare_doubles);
	return meter->batches % 2 != 0 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/* The figure behind `key` in a file of "Key:   123 kB" lines, in bytes. */
static size_t proc_bytes(const char *path, const char *key)
{
	char data[8192];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t count = fd < 0 ? -1 : read(fd, data, sizeof data - 1);
	if (count < 0)
		bench_die(path);
	close(fd);
	data[count] = '\0';
	const char *found = strstr(data, key);
	if (found == NULL)
		bench_die(key);
	return strtoull(found + strlen(key), NULL, 10) * KIB;
}

size_t bench_resident_bytes(void)
{
	return proc_bytes("/proc/self/smaps_rollup", "\nRss:");
}

size_t bench_resident_above(size_t expected_bytes)
{
	size_t resident_bytes = bench_resident_bytes();
	return resident_bytes > expected_bytes ? resident_bytes - expected_bytes : 0;
}

/* Not ru_maxrss: that begins at the peak of the process which started us. */
static size_t peak_resident_bytes(void)
{
	return proc_bytes("/proc/self/status", "\nVmHWM:");
}

void bench_print_ns(const struct bench_row *row, const struct bench_meter *meter, double ns)
{
	printf("workload=%s variant=%s size_bytes=%zu operations=%llu ns=%.1f cpu_ns=%.1f "
	       "user_us=%llu system_us=%llu minor_faults=%llu peak_rss_bytes=%zu "
	       "rss_bytes=%zu peak_live_bytes=%zu kept_bytes=%zu left_bytes=%zu "
	       "mean_rss_bytes=%zu wakeups=%llu\n",
	       row->workload, row->variant, row->size_bytes, (unsigned long long)meter->operations,
	       ns, (double)meter->used.cpu_ns / (double)meter->operations,
	       (unsigned long long)meter->used.user_us, (unsigned long long)meter->used.system_us,
	       (unsigned long long)meter->used.minor_faults,
	       peak_resident_bytes() - row->own_resident_bytes, bench_resident_bytes(),
	       row->peak_live_bytes, row->kept_bytes, row->left_bytes, row->mean_rss_bytes,
	       (unsigned long long)row->wakeups);
}

void bench_print(const struct bench_row *row, const struct bench_meter *meter)
{
	bench_print_ns(row, meter, median_batch_ns(meter));
}

unsigned bench_scaled(const struct bench_options *options, unsigned count, unsigned least)
{
	unsigned scaled = options->quick ? count / 8 : count;
	return scaled < least ? least : scaled;
}

size_t bench_random_uniform(struct bench_random *random, size_t min, size_t max)
{
	return min + bench_random_next(random) % (max - min);
}

size_t bench_random_doubling(struct bench_random *random, size_t min, size_t max)
{
	unsigned doublings = (unsigned)(__builtin_ctzll(max) - __builtin_ctzll(min));
	uint64_t bits = bench_random_next(random);
	size_t lower = min << (bits >> 48) % doublings;
	return lower + (bits & (lower - 1));
}

void bench_write_whole(char *block, size_t bytes)
{
	memset(block, 1, bytes);
}

void bench_write_pages(char *block, size_t bytes)
{
	for (size_t offset = 0; offset < bytes; offset += 4 * KIB)
		block[offset] = 1;
}

void *bench_malloc(size_t bytes)
{
	void *block = malloc(bytes);
	if (block == NULL)
		bench_die("malloc");
	return block;
}

void *bench_calloc(size_t bytes)
{
	void *block = calloc(1, bytes);
	if (block == NULL)
		bench_die("calloc");
	return block;
}
