/* The figures of `weir top`, and the orders that they can have. Pure. */
#ifndef WEIR_CLI_TOP_ORDER_H
#define WEIR_CLI_TOP_ORDER_H

#include "stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct top_row {
	pid_t pid;
	uint64_t start; /* with which (pid, start) is one process */
	char program[WEIR_STATS_PROGRAM_BYTES];
	uint64_t live_bytes;
	uint64_t retained_bytes;
	uint64_t limit_bytes;
	uint64_t requests;
	uint64_t hits;
	uint64_t rate; /* requests a second */
	bool has_rate;
	const char *channel;
};

/* In tenths of a percent. */
uint64_t top_row_hits_share(const struct top_row *row);

/* An order of the rows, by its name for --sort or its key. */
struct top_order {
	const char *name;
	char key;
	int (*compare)(const void *, const void *); /* of rows, for qsort */
};
extern const struct top_order top_orders[]; /* the first is the default; name NULL ends them */
const struct top_order *top_order_find(const char *name);
const struct top_order *top_order_of_key(int key);

#endif
