/* weir: retained pools for the large memory requests of any program.
 *
 * First the statistics page, then the pools of programs that know about weir.
 *
 * What weir holds and has done in a process stands in one block of memory, the statistics
 * page, which any process that may (process_vm_readv(2), ptrace's rules) reads while the
 * program runs: there is no thread, no file and no descriptor for it, and nobody pays when
 * nobody looks.
 *
 * How to read it: find the mapping of libweir.so or libweirpool.so in /proc/PID/maps and the
 * dynamic symbol WEIR_STATS_SYMBOL; read `size` and `version`; then `size` bytes, or what of
 * them this header knows. A later version appends fields and changes none; a change
 * would be another WEIR_STATS_VERSION. Every counter is written by one atomic store or
 * addition, so each is true for itself; live and retained are one word, so their sum
 * is true at one moment. All counts are of this process; a forked child goes on with
 * a copy of its parent's. */
#ifndef WEIR_H
#define WEIR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_VERSION "0.1.0"

#define WEIR_STATS_SYMBOL "weir_statistics"
#define WEIR_STATS_VERSION 2

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

/* Hits of blocks that are kept at hand (strides up to 32 MiB), by group of threads; they
 * are not among the hits of the class. */
#define WEIR_STATS_GROUPS 16
#define WEIR_STATS_GROUP_CLASSES 40 /* so that groups share no cache line */

/* live (34 bits) | retained (30 bits), in units. Blocks at hand count as retained even
 * while they are live; see struct weir_slot for how to take those off. */
#define WEIR_STATS_RETAINED_BITS 30

struct weir_usage {
	weir_u64 word __attribute__((aligned(128)));
	weir_u64 peak_live_units __attribute__((aligned(128)));
	weir_u64 peak_retained_units;
	weir_u64 peak_footprint_units;
};

struct weir_pool_counts {
	struct weir_usage usage;
	struct weir_stats_class classes[WEIR_STATS_CLASSES];
	weir_u64 cached_hits[WEIR_STATS_GROUPS][WEIR_STATS_GROUP_CLASSES]
		__attribute__((aligned(64)));
};

/* One place of a region, in the table that slots_address names. Of its word: bit 63 says
 * that the program has the block, bit 60 that it is kept at hand; bits 33 to 53 are the
 * units that may be resident; bits 0 to 32, where the program has the block, are the bytes
 * that it takes up. What is resident beyond those is retained. A block that is both
 * live and at hand counts as retained in the usage word, and as live for everybody else. */
struct weir_slot {
	weir_u64 word;
	uint32_t next;
	uint16_t pieces; /* memory mappings that page moves made here, an estimate */
	uint16_t pool;	 /* whose the slot is: a place in the directory; 0 for malloc's pool */
};

/* The pools of weir_pool_create stand in a directory. A pool's usage is among that of
 * weir_stats_page.pool, which is the whole process's; its hits and misses are its own. */
#define WEIR_POOLS_MAX 256 /* places; the first one is malloc's, and stays empty */
#define WEIR_POOL_NAME_BYTES 32

enum weir_pool_state {
	WEIR_POOL_NONE,	    /* nothing here */
	WEIR_POOL_OPEN,	    /* it leases */
	WEIR_POOL_DISPOSED, /* it takes back what is still leased */
};

struct weir_stats_pool {
	uint32_t state; /* enum weir_pool_state */
	uint32_t reserved;
	char name[WEIR_POOL_NAME_BYTES]; /* ends with a zero byte */
	weir_u64 limit_bytes;
	weir_u64 block_bytes;  /* of a pool with blocks of one size, else 0 */
	weir_u64 block_leases; /* of such a pool: made so far, as last counted: when asked, when
				* releasing, and while it is in use several times in its decay */
	weir_u64 blocks_out_address; /* of a uint64_t: of such a pool, blocks leased or at hand of
				      * a thread, of which each has up to 32; or 0 */
	weir_u64 oversize;	     /* leases of more than the pool keeps */
	struct weir_pool_counts counts;
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
	struct weir_pool_counts pool;
	weir_u64 memory_bytes;	/* of the container or machine, as last read; 0 for unknown */
	weir_u64 ceiling_bytes; /* what may be retained now: less than WEIR_LIMIT under pressure */
	weir_u64 pools_address; /* of the directory: `pools` struct weir_stats_pool, each
				 * `pool_stride_bytes` after the last; 0 while there is none */
	uint32_t pools;		/* places that were ever in use */
	uint32_t pool_stride_bytes;
} __attribute__((aligned(4096)));

/* Pools.
 *
 * A program that links libweirpool.so (pkg-config weirpool), or runs with libweir.so
 * preloaded, makes pools of its own: blocks are leased and returned, and what is returned is
 * kept for the next lease, up to the pool's limit. The process's WEIR_LIMIT and
 * WEIR_FOOTPRINT count all pools and what malloc's pool keeps, exactly; a release by signal,
 * socket, decay or memory pressure reaches them all. man 3 weir_pool tells the whole story.
 *
 * All functions may be called by any number of threads at once. Safe in a signal handler are
 * weir_pool_release and weir_release alone. Sizes are bytes. What returns an int returns 0 or
 * an error number of errno(3), and keeps errno; weir_lease and weir_pool_create set it.
 *
 * Misuse, a block that is returned twice or to another pool, or a pool that is used after it
 * was disposed of, is reported in a line on stderr, and ends the program by abort(3); with
 * WEIR_POOL_NO_ABORT the call fails, says nothing and changes nothing. */

#pragma GCC visibility push(default)

struct weir_pool; /* a handle; what it points to is nobody's business */

#define WEIR_NO_LIMIT SIZE_MAX
#define WEIR_DECAY_OFF UINT64_MAX

/* Starting values, as WEIR_PRESET has them for the process. */
enum weir_preset {
	WEIR_PRESET_OFF,       /* nothing is kept */
	WEIR_PRESET_MINIMAL,   /* 8 MiB, blocks of up to 1 MiB, 8 of a size class, 1 s */
	WEIR_PRESET_MODERATE,  /* 32 MiB, blocks of up to 32 MiB, 16 of a size class, 5 s */
	WEIR_PRESET_DEFAULT,   /* an eighth of the container's memory, 512 MiB at most, 10 s */
	WEIR_PRESET_AGGRESSIVE /* half of the container's memory, 5 GiB at most, no decay */
};

/* Most bytes kept of all blocks that serve leases from min_bytes to max_bytes. */
struct weir_pool_class_limit {
	size_t min_bytes;
	size_t max_bytes; /* WEIR_NO_LIMIT for the rest */
	size_t limit_bytes;
};
#define WEIR_POOL_CLASS_LIMITS_MAX 16

enum weir_pool_flags {
	WEIR_POOL_CLEAN = 1,   /* every lease is WEIR_CLEAN */
	WEIR_POOL_TRACK = 2,   /* who leased what, for weir_pool_report: about 10 us a lease */
	WEIR_POOL_NO_ABORT = 4 /* misuse is an error, not the program's end */
};

/* Begin with weir_pool_preset or with all zeroes. */
struct weir_pool_options {
	const char *name;    /* copied; what is longer than 31 bytes is cut; NULL for `pool` */
	size_t limit_bytes;  /* most bytes kept; WEIR_NO_LIMIT for the process's limit alone */
	size_t class_blocks; /* most blocks kept of one size class; 0 or WEIR_NO_LIMIT for any */
	size_t pooled_bytes; /* longer blocks are leased all the same, and given back to the
			      * system when they are returned; 0 or WEIR_NO_LIMIT for none */
	const struct weir_pool_class_limit *class_limits; /* copied; the first match counts */
	unsigned class_limit_count;			  /* WEIR_POOL_CLASS_LIMITS_MAX at most */
	unsigned flags;					  /* of enum weir_pool_flags */
	uint64_t decay_ms;    /* what stayed unused so long is released; 0 for the process's
			       * WEIR_DECAY, WEIR_DECAY_OFF for never */
	size_t block_bytes;   /* 0; or every lease gets so many bytes, out of slabs of 32 blocks
			       * and more: a multiple of 64, from 1 KiB to 1 MiB. What is kept
			       * is whole slabs then, of which only the bytes are limited:
			       * class_blocks, pooled_bytes and class_limits are not heeded */
	uint64_t reserved[4]; /* zero */
};

struct weir_pool_options weir_pool_preset(enum weir_preset preset);

/* NULL with errno: EINVAL for options that the comments above do not allow, EAGAIN when
 * WEIR_POOLS_MAX - 1 pools are open or have blocks out, ENOMEM. NULL for options is
 * WEIR_PRESET_DEFAULT. */
struct weir_pool *weir_pool_create(const struct weir_pool_options *options);

/* Flags of a lease: any of these, joined by |. Blocks are aligned to 128 bytes, blocks of
 * one size as their size allows; WEIR_ALIGN asks for more, a power of two up to 1 GiB, or,
 * for blocks of one size, up to what their size is a multiple of. */
#define WEIR_CLEAN 1U
#define WEIR_ALIGN(bytes) ((unsigned)__builtin_ctzll(bytes) << 8)

/* A block of at least that many bytes, 1 to 4 GiB (32 MiB where addresses have 32 bits), whose
 * contents are whatever was there, or zeroes with WEIR_CLEAN. NULL with errno: EINVAL for flags,
 * no bytes, or more than a pool of blocks of one size has; ENOMEM when there is no memory, or no
 * room among the addresses that weir has reserved, or a limit on live blocks (WEIR_LIVE_LIMIT,
 * WEIR_MAX_ALLOC) is reached; ESTALE, which is misuse, for a pool that was disposed of. */
void *weir_lease(struct weir_pool *pool, size_t bytes, unsigned flags);

/* How many bytes of a leased block may be used. 0 for any other address. */
size_t weir_lease_size(const void *block);

/* To the pool that leased it; NULL is no block, and fine. Misuse: EALREADY, it is not leased;
 * EXDEV, it is another pool's; ESTALE, the pool is gone; EINVAL, it is no block. Where
 * libweir.so is preloaded, free(3) returns blocks too. */
int weir_return(struct weir_pool *pool, void *block);

/* What is kept at this moment goes back to the system, of one pool or of all of them and of
 * malloc's. Returns the bytes. */
size_t weir_pool_release(struct weir_pool *pool);
size_t weir_release(void);

/* Another limit, which holds when the call returns, but for blocks that other threads were just
 * returning then: those go as soon as they have. */
int weir_pool_set_limit(struct weir_pool *pool, size_t limit_bytes);

struct weir_pool_figures {
	uint64_t limit_bytes;
	uint64_t leased_bytes; /* by the page, or by the block where those are of one size */
	uint64_t leased_blocks;
	uint64_t retained_bytes;
	uint64_t retained_blocks;
	uint64_t peak_leased_bytes; /* where blocks are of one size: by the slab */
	uint64_t peak_retained_bytes;
	uint64_t leases; /* so far */
	uint64_t hits;	 /* of them, served by what was kept */
	uint64_t misses;
	uint64_t oversize;    /* of them, of more than pooled_bytes */
	uint64_t reserved[4]; /* zero */
};
int weir_pool_stats(struct weir_pool *pool, struct weir_pool_figures *figures);

/* The statistics page of this process, see above. */
const struct weir_stats_page *weir_stats(void);

/* Writes what is leased, a line for each call site, the most bytes first: bytes, blocks, the
 * age of the oldest, and the stack. Without WEIR_POOL_TRACK a line of the sums. */
int weir_pool_report(struct weir_pool *pool, int fd);

/* Gives back all that the pool keeps. Blocks that are still leased stay their owners', and
 * are given back when they are returned, the pool's place with the last of them. Returns how
 * many those are; with WEIR_POOL_TRACK they are reported on stderr. Again: no change. */
size_t weir_pool_dispose(struct weir_pool *pool);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
