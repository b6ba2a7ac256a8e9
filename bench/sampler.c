#include "sampler.h"

#include "bench.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PERIOD_US 10000
#define SAMPLES_MAX 4096

struct sample {
	uint64_t ns; /* since the start */
	size_t resident_bytes;
	const char *phase;
};

static pthread_t thread;
static struct sample samples[SAMPLES_MAX]; /* the thread's until it has ended */
static size_t count;
static const char *_Atomic phase_now;
static _Atomic bool stopping;

static size_t resident_bytes(int statm)
{
	char data[128];
	ssize_t length = pread(statm, data, sizeof data - 1, 0);
	if (length <= 0)
		bench_die("/proc/self/statm");
	data[length] = '\0';
	char *after_total;
	strtoull(data, &after_total, 10);
	return strtoull(after_total, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

static void *take_samples(void *unused)
{
	int statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	uint64_t start_ns = bench_now_ns();

	while (count < SAMPLES_MAX && !stopping) {
		const char *phase = phase_now;
		samples[count++] =
			(struct sample){ bench_now_ns() - start_ns, resident_bytes(statm), phase };
		usleep(PERIOD_US);
	}
	close(statm);
	return unused;
}

void bench_sampler_start(const char *phase)
{
	phase_now = phase;
	if (pthread_create(&thread, NULL, take_samples, NULL) != 0)
		bench_die("pthread_create");
}

void bench_sampler_enter(const char *phase)
{
	phase_now = phase;
}

void bench_sampler_stop(void)
{
	stopping = true;
	pthread_join(thread, NULL);
}

size_t bench_sampler_mean_bytes(void)
{
	size_t sum_bytes = 0;
	for (size_t i = 0; i < count; i++)
		sum_bytes += samples[i].resident_bytes;
	return count != 0 ? sum_bytes / count : 0;
}

void bench_sampler_print(const char *workload)
{
	for (size_t i = 0; i < count; i++)
		printf("moment=%s time_ms=%.1f resident_bytes=%zu phase=%s\n", workload,
		       (double)samples[i].ns / 1e6, samples[i].resident_bytes, samples[i].phase);
}
