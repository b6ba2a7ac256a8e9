/* What a process holds and has done, decoded from its statistics page. Layer 4.
 *
 * The page (weir.h) may be this process's own or a copy of another's, whose slots are
 * then read through a function: nothing in it is trusted. Counts of blocks by class
 * come from a walk over the slots, at the time of the call; the process may go on, and
 * each figure is then true for itself; live and retained bytes are true together. */
#ifndef WEIR_SNAPSHOT_H
#define WEIR_SNAPSHOT_H

#include "classes.h"
#include "stats.h"
#include "text.h"

struct weir_snapshot_class {
	uint64_t size_bytes;
	uint64_t hits;
	uint64_t misses;
	uint64_t retained_bytes;
	uint64_t retained_blocks;
	uint64_t live_blocks;
};

struct weir_snapshot_released {
	uint64_t bytes;
	uint64_t blocks;
	uint64_t releases;
	uint64_t ns;
};

/* Of a pool that the program made. Where its blocks are of one size, blocks leased and leases
 * are of those, and all else is of the slabs that they stand in; a lease that needed no fresh
 * slab is a hit. */
struct weir_snapshot_pool {
	char name[WEIR_POOL_NAME_BYTES];
	uint32_t place; /* in the directory: names need not differ */
	uint32_t state; /* enum weir_pool_state */
	uint64_t limit_bytes;
	uint64_t leased_bytes;
	uint64_t leased_blocks;
	uint64_t retained_bytes;
	uint64_t retained_blocks;
	uint64_t peak_leased_bytes;
	uint64_t peak_retained_bytes;
	uint64_t leases;
	uint64_t hits;
	uint64_t misses;
	uint64_t oversize;
	uint64_t block_bytes; /* 0 for blocks of any size */
};

#define WEIR_SNAPSHOT_POOLS (WEIR_POOLS_MAX - 1)

#define WEIR_SNAPSHOT_BACKEND_BYTES 64

struct weir_snapshot {
	uint64_t pid;				   /* the caller's to fill in, like the backend: */
	char backend[WEIR_SNAPSHOT_BACKEND_BYTES]; /* file name of its library */
	char version[16];
	char program[WEIR_STATS_PROGRAM_BYTES];
	char socket[WEIR_STATS_SOCKET_BYTES]; /* empty for none */
	enum weir_state state;
	enum weir_signal_owner signal_owner;
	int signal;	       /* number, 0 for off */
	uint64_t memory_bytes; /* of the container or machine; 0 for unknown */
	uint64_t limit_bytes;
	uint64_t ceiling_bytes;
	uint64_t retained_bytes;
	uint64_t retained_blocks;
	uint64_t live_bytes;
	uint64_t live_blocks;
	uint64_t peak_live_bytes;
	uint64_t peak_retained_bytes;
	uint64_t peak_footprint_bytes;
	uint64_t requests;
	uint64_t hits;
	uint64_t misses;
	uint64_t counters[WEIR_COUNTER_COUNT];
	uint64_t mappings;
	struct weir_snapshot_released released[WEIR_TRIGGER_COUNT];
	struct weir_snapshot_class classes[WEIR_CLASS_COUNT];
	uint32_t pool_count;
	struct weir_snapshot_pool
		pools[WEIR_SNAPSHOT_POOLS]; /* by place; nothing behind the last */
};

/* Copies memory of the process; false when it cannot be read. */
typedef bool weir_read_memory(void *context, uint64_t address, void *to, size_t bytes);

/* False when the page is of another version, or what it points to cannot be read. */
bool weir_snapshot_take(struct weir_snapshot *snapshot, const struct weir_stats_page *page,
			weir_read_memory *copy, void *context);

/* The figures that are one number, for the report, the metrics and whoever reads them. */
struct weir_snapshot_field {
	const char *name;
	const char *help;
	size_t at;	 /* offset of a uint64_t in struct weir_snapshot, or _pool */
	bool is_counter; /* it only grows; else it is what there is now */
};
#define WEIR_SNAPSHOT_FIELDS (14 + WEIR_COUNTER_COUNT)
extern WEIR_HIDDEN const struct weir_snapshot_field weir_snapshot_fields[WEIR_SNAPSHOT_FIELDS];

/* Of a snapshot, or of a pool in it, by the table that the field is in. */
static inline uint64_t weir_snapshot_value(const void *shown,
					   const struct weir_snapshot_field *field)
{
	return *(const uint64_t *)(const void *)((const char *)shown + field->at);
}

/* The same of a pool. */
#define WEIR_SNAPSHOT_POOL_FIELDS 12
extern WEIR_HIDDEN const struct weir_snapshot_field
	weir_snapshot_pool_fields[WEIR_SNAPSHOT_POOL_FIELDS];

const char *weir_state_name(enum weir_state state);
const char *weir_pool_state_name(uint32_t state);
const char *weir_signal_owner_name(enum weir_signal_owner owner);

/* Whether a class has anything to show. */
bool weir_snapshot_class_is_used(const struct weir_snapshot_class *class_counts);

/* One JSON object on one line, without a newline. */
#define WEIR_SNAPSHOT_JSON_BYTES ((size_t)256 * 1024) /* enough for all classes and pools */
void weir_snapshot_format_json(struct weir_text *text, const struct weir_snapshot *snapshot);

#endif
