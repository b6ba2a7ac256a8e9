/* The release epoch of pool.c: two threads of a program that take, free and put back blocks
 * of one class for ever, and a third that releases everything, again and again.
 *
 * Mirrors: pop, pop_empty, admit, push, weir_pool_put, weir_pool_put_back, weir_pool_drain,
 * weir_pool_begin_release, weir_release_all. The releaser stands for a signal handler, too:
 * one that runs to its end inside a call of another thread is one of its interleavings.
 *
 * Left out, and why that is sound:
 *   lists      sets of slots, of which any comes off: lists.pml shows that each is handed out
 *              once, and any order covers the real one. Two lists, as two shards.
 *   epoch      one bit for each process: was the epoch raised since it was read? That is the
 *              count that never comes back (61 bits), exactly.
 *   classes    one: no release looks at two at once, and nobody moves a retained block
 *              between two without taking it off
 *   limits     usage.pml's; surplus: slot.pml's; the cache: cache.pml's
 *
 * Checked at every change: a slot is in one place; the count of blocks is never below what is
 * on the lists. Whenever all three are between two calls: the count is just that, and no more
 * blocks are on lists than were freed, or taken off to be put back, and put there after the
 * last release began (`late`): the others are gone. A block that somebody takes off to put
 * a part of it back while a release runs may so stay, as one that is freed meanwhile.
 *
 * Memory order: epoch, count of blocks and heads are sequentially consistent in the code where
 * push writes one and reads another against begin_release and drain, as here. The count that
 * a pop lowers is acquire-release only: it stays too high for longer, which costs a look at
 * an empty list. */

#ifndef SLOTS
#define SLOTS 2
#endif
#define NO_SLOT SLOTS
#ifdef FULL
#define PUTS_BACK true
#else
#define PUTS_BACK (_pid == 1) /* one of the two is enough for a short search */
#endif

byte unused = (1 << SLOTS) - 1; /* empty slots */
byte lists[2];
byte blocks;
bool stale[3] = true; /* who has no block in hand counts as stale, which saves states */

/* Ghosts. */
byte late = SLOTS; /* see above */
bool before[3];	   /* what a thread has in hand was taken or freed before the last release */
byte inside;	   /* processes within a call */

#define IN(set, slot) (((set) >> (slot)) & 1)
#define LISTED (lists[0] | lists[1])
#if SLOTS == 2
#define SIZE(set) (IN(set, 0) + IN(set, 1))
#else
#define SIZE(set) (IN(set, 0) + IN(set, 1) + IN(set, 2))
#endif

inline leave()
{
	atomic {
		inside--;
		stale[_pid] = true;
		before[_pid] = false;
		slot = NO_SLOT;
		if
		:: inside == 0 ->
			assert(SIZE(LISTED) == blocks);
			assert(SIZE(LISTED) <= late)
		:: else
		fi
	}
}

#define READ_EPOCH stale[_pid] = false

inline choose(set)
{
	if
	:: IN(set, 0) -> slot = 0
	:: IN(set, 1) -> slot = 1
#if SLOTS > 2
	:: IN(set, 2) -> slot = 2
#endif
	fi;
	set = set & ~(1 << slot)
}

inline try_list(shard)
{
	atomic {
		if
		:: slot == NO_SLOT && lists[(shard) % 2] != 0 ->
			choose(lists[(shard) % 2]);
			before[_pid] = false
		:: else
		fi
	}
}

/* `slot` is the block's, or NO_SLOT. */
inline pop()
{
	if
	:: blocks == 0
	:: blocks != 0 ->
#ifndef BUG_EPOCH_READ_AFTER_POP
		READ_EPOCH;
#endif
		try_list(_pid);
		try_list(_pid + 1);
		if
		:: slot != NO_SLOT ->
#ifdef BUG_EPOCH_READ_AFTER_POP
			READ_EPOCH;
#endif
			blocks--
		:: else
		fi
	fi
}

inline put_empty()
{
	atomic {
		assert(!IN(unused | LISTED, slot));
		unused = unused | (1 << slot);
		slot = NO_SLOT
	}
}

/* Releases up to as many blocks as there are now. */
inline drain()
{
	left = blocks;
	do
	:: left == 0 -> break
	:: left != 0 ->
		pop();
		if
		:: slot == NO_SLOT -> break
		:: else ->
			left--;
			put_empty()
		fi
	od;
	left = 0
}

inline put_on_list()
{
	atomic {
		assert(!IN(unused | LISTED, slot));
		lists[_pid % 2] = lists[_pid % 2] | (1 << slot);
		slot = NO_SLOT;
		if
		:: !before[_pid] && late < SLOTS -> late++
		:: else
		fi
	}
}

inline push()
{
#ifndef BUG_COUNT_AFTER_PUT
	blocks++;
#endif
	put_on_list();
#ifndef BUG_NO_EPOCH_CHECK
	if
	:: stale[_pid] -> drain()
	:: !stale[_pid]
	fi;
#endif
#ifdef BUG_COUNT_AFTER_PUT
	blocks++
#endif
}

active [2] proctype thread()
{
	byte mine = NO_SLOT, slot = NO_SLOT, left;


	do
	:: mine == NO_SLOT -> /* malloc */
		atomic { inside++ };
		pop();
		if
		:: slot == NO_SLOT && unused != 0 ->
			READ_EPOCH;
			atomic {
				if
				:: unused != 0 -> choose(unused)
				:: else
				fi
			}
		:: else
		fi;
		mine = slot;
		leave()
	:: mine != NO_SLOT -> /* free */
		atomic {
			inside++;
			READ_EPOCH;
			before[_pid] = false;
			slot = mine;
			mine = NO_SLOT
		};
		push();
		leave()
	:: PUTS_BACK -> /* a retained block of which a part is released, or moved to another */
		atomic { inside++ };
		pop();
		if
		:: slot != NO_SLOT -> push()
		:: else
		fi;
		leave()
	od
}

active proctype releaser()
{
	byte slot = NO_SLOT, left;

	do
	:: atomic {
			inside++;
#ifndef BUG_NO_EPOCH
			stale[0] = true;
			stale[1] = true;
#endif
			before[0] = true;
			before[1] = true;
			late = 0
		};
		drain();
		leave()
	od
}
