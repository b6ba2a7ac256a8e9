/* Who has which block of a pool: leases with their call stacks. Layer 4.
 *
 * Places for leases stand in levels, each twice as large as the one before and committed when
 * the ones before have no room: memory follows what is leased. A block's group of places in
 * each level follows from its address, so whoever looks for it looks at WEIR_TRACK_GROUP
 * places a level and no further. A place is one word and, behind it, one record:
 *
 *   word = the block's address, 0 for none | how often the place was taken
 *   leased = leases in places + untracked
 *
 * Who may race whom: everybody, but that each block is added by the thread that leases it,
 * before the program has it, and removed by the one that returns it, before anybody else can
 * lease it. Nobody waits and nothing is locked: a process forked in the middle of another
 * thread's call loses at most one place. A reader believes a record only when the word is the
 * same before and behind it: what it shows was so at one moment. */
#ifndef WEIR_TRACK_H
#define WEIR_TRACK_H

#include "atomic.h"
#include "os.h"
#include "text.h"
#include "weir.h"

/* What a pool tracks; leases beyond it are counted. */
#define WEIR_TRACK_LEASES ((size_t)1 << WEIR_BY_ADDRESS_BITS(20, 16))

#define WEIR_TRACK_FRAMES 16
#define WEIR_TRACK_GROUP 16U
#define WEIR_TRACK_LEVELS 11

struct weir_track_lease {
	const void *block; /* aligned to 64 */
	size_t bytes;
	uint64_t since_ms;
	unsigned thread; /* its id */
	unsigned depth;
	void *stack[WEIR_TRACK_FRAMES]; /* return addresses, the innermost first; `depth` of them */
};

struct weir_track_record;

struct weir_track_level {
	weir_u64 *words;		   /* atomic */
	struct weir_track_record *records; /* atomic: each its word's taker's to write */
};

struct weir_track {
	struct weir_track_level levels[WEIR_TRACK_LEVELS]; /* const */
	void *reserved;					   /* const */
	size_t reserved_bytes;				   /* const */
	size_t most;					   /* const */
	unsigned level_count;				   /* const */
	unsigned levels_used; /* atomic, release, pairs with acquire in whoever looks: committed */
	WEIR_CACHE_ALIGNED size_t tracked; /* atomic, relaxed: leases in places */
	size_t untracked;		   /* atomic, relaxed: leases out that found no place */
};

/* Room for so many leases, WEIR_TRACK_LEASES at most; false when there is no memory. Not for
 * concurrent callers. destroy: nobody is in any other call. */
bool weir_track_init(struct weir_track *track, size_t most);
void weir_track_destroy(struct weir_track *track);

void weir_track_add(struct weir_track *track, const struct weir_track_lease *lease);

/* Of a block that was added, once each. */
void weir_track_remove(struct weir_track *track, const void *block);

/* The next lease, from a cursor that begins at 0; false behind the last. What is out all the
 * while comes once; what is added or removed meanwhile may come or not, and a block that is
 * removed and added may come twice. */
bool weir_track_step(const struct weir_track *track, size_t *cursor,
		     struct weir_track_lease *lease);

static inline size_t weir_track_untracked(const struct weir_track *track)
{
	return weir_load_relaxed(&track->untracked);
}

/* Appends what an address of the program's code is: `module+0xoffset (symbol+0xoffset)`. */
typedef void weir_track_name(struct weir_text *text, const void *address);

/* Writes the leases of the pool of that name: a line of the sums, then a line for each call
 * stack, the most bytes first, and below each the stack. 0 or -errno. */
int weir_track_report(const struct weir_track *track, const char *name, uint64_t now_ms,
		      weir_track_name *name_address, int fd);

/* That first line alone, of a pool that does not track. */
int weir_track_report_sums(const char *name, uint64_t bytes, uint64_t blocks, int fd);

#endif
