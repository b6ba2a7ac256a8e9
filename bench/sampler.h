/* The resident size over time: a thread that reads it every 10 ms and allocates
 * nothing. It reads /proc/self/statm, which takes no lock of the process, and may
 * be off by some dozens of pages. */
#ifndef WEIR_BENCH_SAMPLER_H
#define WEIR_BENCH_SAMPLER_H

#include <stddef.h>

/* `phase` names what the program does; it is printed beside each sample. */
void bench_sampler_start(const char *phase);
void bench_sampler_enter(const char *phase);
void bench_sampler_stop(void);

size_t bench_sampler_mean_bytes(void);
/* A line of key=value for each sample. */
void bench_sampler_print(const char *workload);

#endif
