/* What threads have at hand of a pool's blocks of one size, in front of its slabs. Layer 4.
 *
 * A magazine is of one thread, its owner, who leases from it and returns to it by plain loads and
 * stores, so that a pair costs less than two locked operations. Others may empty it all the same:
 *
 *   owner:  inside = 1            | who empties:  wanted: OPEN -> itself
 *           wanted is OPEN? then  |               a barrier for all threads (os.h)
 *           he has the magazine   |               inside is 0? then he has it
 *           inside = 0            |               else wanted = LEFT, and
 *           wanted? see below     |               inside is 0 now? LEFT -> itself: he has it
 *
 * One of the two sees the other: magazine.c. While it is wanted the owner uses the slabs; where it
 * is LEFT he empties it. Nobody waits: whoever does not get it leaves it to the one who has it.
 *
 * A block's mark (slab.h) says whether the program has it: a second return finds that it has not.
 * Two returns at one moment may both be taken; the block is then in two places, and told of, not
 * leased, when it is found in the second. (Two leases of it at one moment, too, are not told
 * apart.)
 *
 * Who may race whom: everybody, any signal handler too, but for init and destroy. Whoever jumps
 * out of a handler that interrupted a lease or return has no magazine until his thread ends. */
#ifndef WEIR_MAGAZINE_H
#define WEIR_MAGAZINE_H

#include "slab.h"

#define WEIR_MAGAZINES 64
#define WEIR_MAGAZINE_BLOCKS 32U
#define WEIR_MAGAZINE_BYTES WEIR_MIB /* long blocks are fewer; two at least */

/* Values of `wanted`, but for who empties it, by an address that is his thread's. */
#define WEIR_MAGAZINE_OPEN ((uintptr_t)0)
#define WEIR_MAGAZINE_LEFT ((uintptr_t)1)
#define WEIR_MAGAZINE_DUE ((uintptr_t)2)    /* LEFT, where there was no barrier: to him alone */
#define WEIR_MAGAZINE_CLOSED ((uintptr_t)3) /* empty, for good */

struct weir_magazine_entry {
	char *block;	 /* atomic, relaxed, as `mark`: of who has the magazine */
	uintptr_t *mark; /* the block's, see slab.h */
};

struct weir_magazine {
	uintptr_t wanted; /* atomic; see above */
	uint32_t inside;  /* atomic, release, pairs with acquire in who empties */
	uint32_t used; /* atomic, release: bytes of entries; of who has the magazine, like those */
	weir_u64 leases; /* atomic, relaxed: so far; the owner's */
	weir_u64 epoch;	 /* atomic, relaxed: the pool's, before it was wanted */
	uintptr_t owner; /* atomic: an address of his thread's; 0 for none */
	struct weir_magazine_entry entries[WEIR_MAGAZINE_BLOCKS] __attribute__((aligned(64)));
} WEIR_CACHE_ALIGNED;

/* Is told of a block that was returned twice, by two threads at once, and that one of them, or
 * another thread, has now; called by whoever found it, within any function below. */
typedef void weir_returned_twice(const void *block);

struct weir_magazines {
	struct weir_slabs slabs;
	struct weir_magazine *each; /* const: WEIR_MAGAZINES of them, or NULL */
	uintptr_t serial;	    /* const: of no others, ever */
	uint32_t magazines;	    /* const: WEIR_MAGAZINES, or 0 where threads have none */
	uint32_t used_max;	    /* const */
	uint32_t closed;	    /* atomic */
	uint32_t owners;	    /* atomic: of magazines */
	weir_u64 leases;	    /* atomic, relaxed: those not out of a magazine, so far */
	weir_returned_twice *twice; /* const; or NULL */
	void (*claimed)(void);	    /* const; or NULL: called when a thread gets a magazine, which
				       it has to leave when it ends */
};

/* The magazine that the calling thread used last, or that it has none there: of the magazines with
 * that serial. Its address is what names the thread. Atomic, relaxed: handlers look at it. */
struct weir_magazine_memo {
	uintptr_t serial;
	struct weir_magazine *magazine;
	uint32_t changes; /* it is about to change: leave it alone */
};
extern __thread struct weir_magazine_memo weir_magazine_memo
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* For a pool without a cache: block_bytes is a multiple of 64, 1 KiB to 1 MiB. `all` is zeroed,
 * but for `twice` and `claimed`, or as weir_magazines_destroy left it. False when there are no
 * addresses for it. */
bool weir_magazines_init(struct weir_magazines *all, struct weir_pool *pool, size_t block_bytes);

/* Once they are over. Nobody leases, returns or asks for a block then; others may be in any
 * function below, and find nothing. */
void weir_magazines_destroy(struct weir_magazines *all);

/* Gives all blocks at hand back to their slabs, and slabs that are then free to the pool. Of an
 * owner who is just using his magazine it becomes his to do, as soon as he has done that. */
void weir_magazines_gather(struct weir_magazines *all);

/* The same for good: no more leases; blocks that are returned go to their slabs at once. */
void weir_magazines_close(struct weir_magazines *all);

/* Whether they are closed, and all blocks back in their slabs. To be asked after close, and then
 * after each return and each gather: whoever brings the last block back finds it so, and maybe
 * another who comes at the same time. */
bool weir_magazines_are_over(const struct weir_magazines *all);

/* The calling thread ends: another one gets its magazine. */
void weir_magazines_leave(struct weir_magazines *all);

/* In a forked child: takes back what threads had at hand that are not there. */
void weir_magazines_begin_anew(struct weir_magazines *all);

/* Blocks that the program has, near enough while others lease and return; leases so far. */
uint64_t weir_magazines_out(const struct weir_magazines *all);
uint64_t weir_magazines_leases(const struct weir_magazines *all);

enum weir_returned {
	WEIR_RETURNED,
	WEIR_RETURNED_UNLEASED, /* refused: the program does not have the block */
	WEIR_RETURNED_NO_BLOCK, /* refused: no block begins there */
};

/* Keeps the compiler from moving memory accesses across; the barrier of whoever empties does the
 * same to the processor. */
#define weir_magazine_order() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* The calling thread's, or NULL where it is not known. */
static inline struct weir_magazine *weir_magazine_mine(const struct weir_magazines *all)
{
	if (WEIR_UNLIKELY(weir_load_relaxed(&weir_magazine_memo.serial) != all->serial))
		return NULL;
	return weir_load_relaxed(&weir_magazine_memo.magazine);
}

/* INSIDE is to be followed by an exit. WANTED, too: another empties it. BUSY is for a handler that
 * interrupted its owner inside, and is not. */
enum weir_entered { WEIR_ENTERED_INSIDE, WEIR_ENTERED_WANTED, WEIR_ENTERED_BUSY };

/* What the two below leave to others; of those that know the magazine, the caller has entered it,
 * and either has yet to exit or has found it wanted then. */
void *weir_magazines_lease_slowly(struct weir_magazines *all);
void *weir_magazine_lease_otherwise(struct weir_magazines *all, struct weir_magazine *magazine,
				    enum weir_entered entered);
void *weir_magazine_leased(struct weir_magazines *all, struct weir_magazine *magazine, void *block);
enum weir_returned weir_magazines_return_slowly(struct weir_magazines *all, char *block);
enum weir_returned weir_magazine_return_otherwise(struct weir_magazines *all,
						  struct weir_magazine *magazine,
						  enum weir_entered entered, char *block);
enum weir_returned weir_magazine_returned(struct weir_magazines *all,
					  struct weir_magazine *magazine);
enum weir_returned weir_magazines_refuse(const struct weir_magazines *all, const void *address);

static inline enum weir_entered weir_magazine_enter(struct weir_magazine *magazine)
{
	uint32_t inside = weir_load_relaxed(&magazine->inside);
	uintptr_t wanted;

	weir_store_relaxed(&magazine->inside, 1U);
	weir_magazine_order();
	wanted = weir_load_acquire(&magazine->wanted);
	if (WEIR_LIKELY((inside | wanted) == 0))
		return WEIR_ENTERED_INSIDE;
	return inside ? WEIR_ENTERED_BUSY : WEIR_ENTERED_WANTED;
}

/* False where it is wanted, and the caller has to hand it over (magazine.c). */
static inline bool weir_magazine_exit(struct weir_magazine *magazine)
{
	weir_store_release(&magazine->inside, 0U);
	weir_magazine_order();
	return WEIR_LIKELY(weir_load_relaxed(&magazine->wanted) == WEIR_MAGAZINE_OPEN);
}

/* The place of the one that would be the next. */
static inline struct weir_magazine_entry *weir_magazine_end(struct weir_magazine *magazine,
							    uint32_t used)
{
	return (struct weir_magazine_entry *)(void *)((char *)magazine->entries + used);
}

/* A block of block_bytes; NULL when the pool has none to give, or they are closed. Every way out
 * is a tail call, so that nothing need be saved, here and in the next one. *leases is how many
 * the thread made, or 0 where that is not known. */
static inline void *weir_magazines_lease_and_count(struct weir_magazines *all, uint64_t *leases)
{
	struct weir_magazine *mine = weir_magazine_mine(all);
	const struct weir_magazine_entry *entry;
	enum weir_entered entered;
	uintptr_t *mark;
	uint32_t used;
	char *block;

	*leases = 0;
	if (WEIR_UNLIKELY(!mine))
		return weir_magazines_lease_slowly(all);
	entered = weir_magazine_enter(mine);
	used = weir_load_relaxed(&mine->used);
	if (WEIR_UNLIKELY(entered != WEIR_ENTERED_INSIDE || used == 0))
		return weir_magazine_lease_otherwise(all, mine, entered);
	entry = weir_magazine_end(mine, used) - 1;
	block = weir_load_relaxed(&entry->block);
	mark = weir_load_relaxed(&entry->mark);
	if (WEIR_UNLIKELY(weir_load_relaxed(mark) != WEIR_MARK_AT_HAND(block)))
		return weir_magazine_lease_otherwise(all, mine, entered);
	weir_store_release(&mine->used, used - (uint32_t)sizeof *entry);
	weir_store_relaxed(mark, WEIR_MARK_LEASED(block));
	*leases = weir_load_relaxed(&mine->leases) + 1;
	weir_store_relaxed(&mine->leases, *leases);
	if (WEIR_UNLIKELY(!weir_magazine_exit(mine)))
		return weir_magazine_leased(all, mine, block);
	return block;
}

static inline void *weir_magazines_lease(struct weir_magazines *all)
{
	uint64_t leases;

	return weir_magazines_lease_and_count(all, &leases);
}

static inline bool weir_magazines_have_leased(const struct weir_magazines *all, const void *address)
{
	const uintptr_t *mark = weir_slabs_mark(&all->slabs, address);

	return mark && weir_load_relaxed(mark) == WEIR_MARK_LEASED(address);
}

static inline enum weir_returned weir_magazines_return(struct weir_magazines *all, void *address)
{
	struct weir_magazine *mine = weir_magazine_mine(all);
	uintptr_t *mark = weir_slabs_mark(&all->slabs, address);
	struct weir_magazine_entry *entry;
	char *block = (char *)address;
	enum weir_entered entered;
	uint32_t used;

	if (WEIR_UNLIKELY(!mark || weir_load_relaxed(mark) != WEIR_MARK_LEASED(block)))
		return weir_magazines_refuse(all, block);
	if (WEIR_UNLIKELY(!mine))
		return weir_magazines_return_slowly(all, block);
	entered = weir_magazine_enter(mine);
	used = weir_load_relaxed(&mine->used);
	if (WEIR_UNLIKELY(entered != WEIR_ENTERED_INSIDE || used >= all->used_max))
		return weir_magazine_return_otherwise(all, mine, entered, block);
	entry = weir_magazine_end(mine, used);
	weir_store_relaxed(mark, WEIR_MARK_AT_HAND(block));
	weir_store_relaxed(&entry->block, block);
	weir_store_relaxed(&entry->mark, mark);
	weir_store_release(&mine->used, used + (uint32_t)sizeof *entry);
	if (WEIR_UNLIKELY(!weir_magazine_exit(mine)))
		return weir_magazine_returned(all, mine);
	return WEIR_RETURNED;
}

#endif
