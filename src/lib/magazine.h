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
	uintptr_t key;		    /* const: the caller's, as the memo has it */
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
	uintptr_t key;
	struct weir_magazine *magazine;
	uint32_t changes; /* it is about to change: leave it alone */
};
extern __thread struct weir_magazine_memo weir_magazine_memo
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* For a pool without a cache: block_bytes is a multiple of 64, 1 KiB to 1 MiB. `all` is zeroed,
 * but for `key`, `twice` and `claimed`, or as weir_magazines_destroy left it. False when there are
 * no addresses for it. */
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

/* Whether the calling thread used one of these last, or found that it has none. */
static inline bool weir_magazine_is_mine(const struct weir_magazines *all)
{
	return WEIR_LIKELY(weir_load_relaxed(&weir_magazine_memo.serial) == all->serial);
}

/* That one, or NULL where it is not known. */
static inline struct weir_magazine *weir_magazine_mine(const struct weir_magazines *all)
{
	return weir_magazine_is_mine(all) ? weir_load_relaxed(&weir_magazine_memo.magazine) : NULL;
}

/* How far a thread came that found no block, or no room, at once. Without a magazine it is not
 * known which is its; else it was entered, and is yet to be exited unless it was inside before:
 * then this is a handler that interrupted it. */
struct weir_magazine_way {
	struct weir_magazine *magazine;
	uint32_t inside;
};

/* The rest of the way, and then the whole of it in other ways. */
void *weir_magazines_lease_otherwise(struct weir_magazines *all, struct weir_magazine_way way);
enum weir_returned weir_magazines_return_otherwise(struct weir_magazines *all,
						   struct weir_magazine_way way, char *block);
/* For a magazine that was found wanted when it was exited; the second one answers with the block,
 * for whoever has leased it. */
void weir_magazine_hand_over(struct weir_magazines *all, struct weir_magazine *magazine);
void *weir_magazine_leased(struct weir_magazines *all, struct weir_magazine *magazine, void *block);
enum weir_returned weir_magazines_refuse(const struct weir_magazines *all, const void *address);

/* Whether the thread has it. If not, another empties it, or the thread was inside before. */
static inline bool weir_magazine_enter(struct weir_magazine_way *way)
{
	way->inside = weir_load_relaxed(&way->magazine->inside);
	weir_store_relaxed(&way->magazine->inside, 1U);
	weir_magazine_order();
	return WEIR_LIKELY((way->inside | weir_load_acquire(&way->magazine->wanted)) ==
			   WEIR_MAGAZINE_OPEN);
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

/* The ways that save nothing: each calls nothing, and leaves all else to a call in which its caller
 * may end. */

/* A block that is at hand in the thread's own, which is yet to be exited. NULL, and how far it
 * came, where there is none. *leases is how many the thread has made. */
static inline void *weir_magazine_lease_at_hand(struct weir_magazine *mine,
						struct weir_magazine_way *way, uint64_t *leases)
{
	const struct weir_magazine_entry *entry;
	uintptr_t *mark;
	uint32_t used;
	char *block;

	*way = (struct weir_magazine_way){ mine, 0 };
	if (WEIR_UNLIKELY(!mine || !weir_magazine_enter(way)))
		return NULL;
	used = weir_load_relaxed(&mine->used);
	if (WEIR_UNLIKELY(used == 0))
		return NULL;
	entry = weir_magazine_end(mine, used) - 1;
	block = weir_load_relaxed(&entry->block);
	mark = weir_load_relaxed(&entry->mark);
	if (WEIR_UNLIKELY(weir_load_relaxed(mark) != WEIR_MARK_AT_HAND(block)))
		return NULL;
	weir_store_release(&mine->used, used - (uint32_t)sizeof *entry);
	weir_store_relaxed(mark, WEIR_MARK_LEASED(block));
	*leases = weir_load_relaxed(&mine->leases) + 1;
	weir_store_relaxed(&mine->leases, *leases);
	return block;
}

/* The mark of a block that is leased and begins there, or NULL. */
static inline uintptr_t *weir_magazines_leased(const struct weir_magazines *all,
					       const void *address)
{
	uintptr_t *mark = weir_slabs_mark(&all->slabs, address);

	return mark && weir_load_relaxed(mark) == WEIR_MARK_LEASED(address) ? mark : NULL;
}

/* Puts a block that is leased, by its mark, at hand there. False, and how far it came, where there
 * is no room. */
static inline bool weir_magazine_put_at_hand(struct weir_magazine *mine, uint32_t used_max,
					     struct weir_magazine_way *way, char *block,
					     uintptr_t *mark)
{
	struct weir_magazine_entry *entry;
	uint32_t used;

	*way = (struct weir_magazine_way){ mine, 0 };
	if (WEIR_UNLIKELY(!mine || !weir_magazine_enter(way)))
		return false;
	used = weir_load_relaxed(&mine->used);
	if (WEIR_UNLIKELY(used >= used_max))
		return false;
	entry = weir_magazine_end(mine, used);
	weir_store_relaxed(mark, WEIR_MARK_AT_HAND(block));
	weir_store_relaxed(&entry->block, block);
	weir_store_relaxed(&entry->mark, mark);
	weir_store_release(&mine->used, used + (uint32_t)sizeof *entry);
	return true;
}

/* The whole of it. A block of block_bytes; NULL when the pool has none to give, or they are
 * closed. */
static inline void *weir_magazines_lease(struct weir_magazines *all)
{
	struct weir_magazine_way way;
	uint64_t leases;
	void *block = weir_magazine_lease_at_hand(weir_magazine_mine(all), &way, &leases);

	if (WEIR_UNLIKELY(!block))
		return weir_magazines_lease_otherwise(all, way);
	return WEIR_LIKELY(weir_magazine_exit(way.magazine))
		       ? block
		       : weir_magazine_leased(all, way.magazine, block);
}

static inline enum weir_returned weir_magazines_return(struct weir_magazines *all, void *block)
{
	uintptr_t *mark = weir_magazines_leased(all, block);
	struct weir_magazine_way way;

	if (WEIR_UNLIKELY(!mark))
		return weir_magazines_refuse(all, block);
	if (WEIR_UNLIKELY(!weir_magazine_put_at_hand(weir_magazine_mine(all), all->used_max, &way,
						     (char *)block, mark)))
		return weir_magazines_return_otherwise(all, way, (char *)block);
	if (WEIR_UNLIKELY(!weir_magazine_exit(way.magazine)))
		weir_magazine_hand_over(all, way.magazine);
	return WEIR_RETURNED;
}

#endif
