/* weir-bench: runs one workload under whatever allocator is preloaded, and
 * prints its rows. bench/run starts it, once for each allocator and round. */
#include "bench.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct bench_workload *const workloads[] = {
	&bench_cycle,	      &bench_touch,	     &bench_bare,	 &bench_mixed,
	&bench_mixed_log,     &bench_grow,	     &bench_grow_touch,	 &bench_calloc_whole,
	&bench_calloc_sparse, &bench_pipeline,	     &bench_small,	 &bench_small_written,
	&bench_start,	      &bench_release,	     &bench_limit,	 &bench_columns,
	&bench_planes,	      &bench_first_touch,    &bench_latency,	 &bench_scale,
	&bench_phases,	      &bench_bursty,	     &bench_images,	 &bench_many_blocks,
	&bench_many_threads,  &bench_many_addresses, &bench_timeline,	 &bench_polled,
	&bench_thread,	      &bench_lease,	     &bench_lease_whole, &bench_blocks,
};
#define WORKLOAD_COUNT (sizeof workloads / sizeof workloads[0])

static void print_usage(FILE *out)
{
	fputs("usage: weir-bench [--quick] [--size BYTES] WORKLOAD\n"
	      "       weir-bench --ballast BYTES    hold free memory in pieces until "
	      "stdin ends\n"
	      "       weir-bench --back BYTES       have the host back so much free "
	      "memory\n\n",
	      out);
	for (size_t i = 0; i < WORKLOAD_COUNT; i++)
		fprintf(out, "  %-14s %s\n", workloads[i]->name, workloads[i]->help);
}

static const struct bench_workload *find_workload(const char *name)
{
	for (size_t i = 0; i < WORKLOAD_COUNT; i++)
		if (strcmp(workloads[i]->name, name) == 0)
			return workloads[i];
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "quick", no_argument, NULL, 'q' },
		{ "size", required_argument, NULL, 's' },
		{ "ballast", required_argument, NULL, 'b' },
		{ "back", required_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct bench_options options = { 0 };
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (option) {
		case 'q':
			options.quick = true;
			break;
		case 's':
			options.size_bytes = strtoull(optarg, NULL, 10);
			break;
		case 'b':
			bench_hold_ballast(strtoull(optarg, NULL, 10));
			return 0;
		case 'k':
			bench_back_memory(strtoull(optarg, NULL, 10));
			return 0;
		case 'h':
			print_usage(stdout);
			return 0;
		default:
			print_usage(stderr);
			return 2;
		}
	}
	const struct bench_workload *workload =
		optind + 1 == argc ? find_workload(argv[optind]) : NULL;
	if (workload == NULL) {
		print_usage(stderr);
		return 2;
	}
	workload->run(&options);
	return 0;
}
