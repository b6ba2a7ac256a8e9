/* What WEIR_REPORT said of the processes of one program or of several runs of it. */
#ifndef WEIR_CLI_TALLY_H
#define WEIR_CLI_TALLY_H

#include "classes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tally_class {
	uint64_t size_bytes;
	uint64_t hits;
	uint64_t misses;
	uint64_t retained_bytes; /* when the processes ended */
};

struct tally {
	unsigned processes; /* that made a large request */
	uint64_t requests;
	uint64_t hits;
	uint64_t peak_retained_bytes; /* of the process that retained most */
	struct tally_class classes[WEIR_CLASS_COUNT];
	size_t class_count;
};

/* Adds the report of one process, one line of JSON as the library writes it; what it lacks
 * counts as 0. */
void tally_add(struct tally *tally, const char *report);

/* Adds all that a file has; false with errno where it cannot be read. */
bool tally_read(struct tally *tally, const char *path);

#endif
