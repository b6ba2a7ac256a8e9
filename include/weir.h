/* weir: retained pools for the large memory requests of any program.
 *
 * The library is preloaded and has no functions to call. What it holds and has done
 * stands in one block of memory, the statistics page, which any process that may
 * (process_vm_readv(2), ptrace's rules) reads while the program runs: there is no
 * thread, no file and no descriptor for it, and nobody pays when nobody looks.
 *
 * How to read it: find the mapping of libweir.so in /proc/PID/maps and the dynamic
 * symbol WEIR_STATS_SYMBOL; read `size` and `version`; then `size` bytes, or what of
 * them this header knows. A later version appends fields and changes none; a change
 * would be another WEIR_STATS_VERSION. Every counter is written by one atomic store or
 * addition, so each is true for itself; live and retained are one word, so their sum
 * is true at one moment. All counts are of this process; a forked child goes on with
 * a copy of its parent's. */
#ifndef WEIR_H
#define WEIR_H

#include <stdint.h>

#define WEIR_VERSION "0.1.0"

#define WEIR_STATS_SYMBOL "weir_statistics"
#define WEIR_STATS_VERSION 1

/* 64 bits at a multiple of 8 bytes, so that every machine has the same layout: in structures
 * 32-bit x86 aligns a uint64_t to 4, where it is not read and changed at once either. */
typedef uint64_t weir_u64 __attribute__((aligned(8)));

/* Memory is counted in units of 4 KiB, whatever the page size is. */
#define WEIR_STATS_UNIT_BYTES 4096

/* What weir does in this process. */
enum weir_state {
	WEIR_STATE_OFF,		/* told not to work: WEIR_DISABLE, WEIR_PROGRAMS */
	WEIR_STATE_IDLE,	/* no large request came yet */
	WEIR_STATE_READY,	/* large requests are served from pools */
	WEIR_STATE_UNAVAILABLE, /* no addresses could be reserved: all passes through */
};

/* The signal on which systemd's services do what the value of sigqueue(3) says
 * (sd_event_add_memory_pressure(3)): SIGRTMIN and this; and the value for a release. */
#define WEIR_TRIM_SIGNAL_OFFSET 18
#define WEIR_TRIM_VALUE 0x300

/* Who has WEIR_SIGNAL, as the kernel said when it was last asked: at the program's start,
 * and whenever the program installed a handler by sigaction(2) or signal(3). */
enum weir_signal_owner {
	WEIR_SIGNAL_OFF,     /* no signal was asked for */
	WEIR_SIGNAL_WEIR,    /* it releases */
	WEIR_SIGNAL_PROGRAM, /* the program handles or ignores it */
};

/* Counters: X(name, what it counts). */
#define WEIR_STATS_COUNTERS(X) \
	X(oversize, "requests above WEIR_MAX, served by the backend") \
	X(refused, "requests above WEIR_MAX_ALLOC, answered with ENOMEM") \
	X(passed, "large requests that found no slot or no engine, served by the backend") \
	X(reallocs_in_place, "large blocks resized where they were") \
	X(reallocs_moved, "large blocks resized by moving their pages") \
	X(reallocs_copied, "large blocks resized by copying their bytes") \
	X(calloc_zeroed_bytes, "bytes of retained blocks that calloc had to clear") \
	X(release_failures, "releases that the kernel refused") \
	X(remaps, "blocks that got pages of retained ones") \
	X(remapped_bytes, "bytes of those pages") \
	X(remap_failures, "page moves that the kernel refused, at least in part, or that would " \
			  "have made too many mappings") \
	X(refused_live, "requests beyond WEIR_LIVE_LIMIT, answered with ENOMEM") \
	X(guard_failures, \
	  "guard pages of WEIR_HARDEN that the kernel refused to put or to take away")

enum weir_counter {
#define WEIR_STATS_COUNTER_ENUM(name, help) WEIR_COUNT_##name,
	WEIR_STATS_COUNTERS(WEIR_STATS_COUNTER_ENUM)
#undef WEIR_STATS_COUNTER_ENUM
		WEIR_COUNTER_COUNT
};

/* What caused a release. */
#define WEIR_STATS_TRIGGERS(X) X(limit) X(signal) X(socket) X(decay) X(api) X(enomem) X(pressure)

enum weir_trigger {
#define WEIR_STATS_TRIGGER_ENUM(name) WEIR_TRIGGER_##name,
	WEIR_STATS_TRIGGERS(WEIR_STATS_TRIGGER_ENUM)
#undef WEIR_STATS_TRIGGER_ENUM
		WEIR_TRIGGER_COUNT
};

struct weir_released {
	weir_u64 units;
	weir_u64 blocks;
	weir_u64 releases;
	weir_u64 ns; /* that the kernel took for it */
};

/* Room for triggers that a later version adds. */
#define WEIR_STATS_TRIGGERS_MAX 16
#define WEIR_STATS_COUNTERS_MAX 32

/* Slots of one size: stride 64 KiB << r for region r. */
#define WEIR_STATS_REGIONS 17

struct weir_stats_region {
	weir_u64 slots_address; /* of `fresh` struct weir_slot; 0 for none */
	weir_u64 fresh_address; /* of a uint32_t: how many slots have ever been handed out */
};

/* Size classes, four per stride: 5/8, 6/8, 7/8 and 8/8 of it. */
#define WEIR_STATS_CLASSES (4 * WEIR_STATS_REGIONS)

struct weir_stats_class {
	weir_u64 hits; /* requests that a retained block of the class or a larger one served */
	weir_u64 misses;
} __attribute__((aligned(64)));

/* Hits of blocks that are kept at hand (strides up to 2 MiB), by group of threads; they
 * are not among the hits of the class. */
#define WEIR_STATS_GROUPS 16
#define WEIR_STATS_GROUP_CLASSES 24 /* so that groups share no cache line */

/* live (34 bits) | retained (30 bits), in units. Blocks at hand count as retained even
 * while they are live; see struct weir_slot for how to take those off. */
#define WEIR_STATS_RETAINED_BITS 30

struct weir_usage {
	weir_u64 word __attribute__((aligned(128)));
	weir_u64 peak_live_units __attribute__((aligned(128)));
	weir_u64 peak_retained_units;
	weir_u64 peak_footprint_units;
};

struct weir_pool_stats {
	struct weir_usage usage;
	struct weir_stats_class classes[WEIR_STATS_CLASSES];
	weir_u64 cached_hits[WEIR_STATS_GROUPS][WEIR_STATS_GROUP_CLASSES]
		__attribute__((aligned(64)));
};

/* One place of a region, in the table that slots_address names. Of its word: bit 63 says
 * that the program has the block, bit 60 that it is kept at hand; bits 33 to 53 are the
 * units that may be resident; bits 0 to 32 are the bytes that the program's block takes
 * up, 0 in a free slot. What is resident beyond those is retained. A block that is both
 * live and at hand counts as retained in the usage word, and as live for everybody else. */
struct weir_slot {
	weir_u64 word;
	uint32_t next;
	uint32_t pieces; /* memory mappings that page moves made here, an estimate */
};

#define WEIR_STATS_PROGRAM_BYTES 64
#define WEIR_STATS_SOCKET_BYTES 108
#define WEIR_STATS_SETTINGS_BYTES 8192

struct weir_stats_page {
	uint32_t size;		    /* of this structure in the library, in bytes */
	uint32_t version;	    /* WEIR_STATS_VERSION */
	uint32_t state;		    /* enum weir_state */
	uint32_t signal;	    /* the number of WEIR_SIGNAL, 0 for off */
	uint32_t signal_owner;	    /* enum weir_signal_owner */
	uint32_t settings_sequence; /* odd while `settings` and `socket` change */
	weir_u64 backend_malloc;    /* address of the backend's malloc, 0 before its first call */
	weir_u64 limit_bytes;	    /* WEIR_LIMIT in force */
	weir_u64 page_bytes;	    /* of the machine; a power of two */
	char weir_version[16];
	char program[WEIR_STATS_PROGRAM_BYTES];	    /* short name, cut where it is longer */
	char socket[WEIR_STATS_SOCKET_BYTES];	    /* path of the control socket, or empty */
	char settings[WEIR_STATS_SETTINGS_BYTES];   /* lines `NAME=VALUE<tab>ORIGIN`; the origin is
						     * default, preset, environment or set */
	weir_u64 counters[WEIR_STATS_COUNTERS_MAX]; /* by enum weir_counter */
	struct weir_released released[WEIR_STATS_TRIGGERS_MAX]; /* by enum weir_trigger */
	struct weir_stats_region regions[WEIR_STATS_REGIONS];	/* const once READY */
	struct weir_pool_stats pool;
	weir_u64 memory_bytes;	/* of the container or machine, as last read; 0 for unknown */
	weir_u64 ceiling_bytes; /* what may be retained now: less than WEIR_LIMIT under pressure */
} __attribute__((aligned(4096)));

#endif
