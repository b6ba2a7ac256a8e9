/* One slot's word: two threads of a program that get, shrink, free and free twice its block,
 * and a third that releases, ages and takes surplus away, for ever.
 *
 * Mirrors: the table at the top of slot.h; free_uncached, weir_pool_put, weir_pool_put_late,
 * weir_live_publish, weir_live_swap, weir_live_claim, weir_live_finish, weir_live_trim,
 * weir_live_claim_surplus and the shrinking of resize.c. The third stands for a signal handler
 * and for a thread that takes pages away (remap.c), too: both are interleavings of it.
 *
 * A step may change the pages of a slot in hand and count them at once: nobody reads either
 * meanwhile (the order of the two is usage.pml's).
 *
 * Left out, and why that is sound: other slots, as no step reads two words; limits (usage.pml);
 * lists, which are one place here (lists.pml); the cache's bit (cache.pml). The epoch is a bit
 * for each process: was it raised since it was read?
 *
 * Checked: nobody works on pages that another has in hand; no page of a live block goes; every
 * page is counted; of all frees of a block, one after the other or
 * at once, one succeeds. Whenever all three are between two
 * calls: counts and pages are just what the word says, and nothing is retained but what was
 * freed or claimed after the last release began (`late`).
 *
 * Memory order: all changes of the word are sequentially consistent, but for marking AGED and
 * for the stores of a slot in hand; so is the epoch. Loads of the word are acquire in the code
 * and sequentially consistent here: they only say what a compare-and-swap is tried with. */

#ifndef FULL
#define FULL 0 /* 1: either thread calls malloc, else one of them only frees */
#endif

#define LIVE 128
#define BUSY 64
#define AGED 32
#define REACH(word) ((word) & 3)
#define EXTENT(word) (((word) >> 2) & 3)
#define WORD(flags, reach, extent) ((flags) | (extent) << 2 | (reach))
#define BEYOND(a, b) (((a) > (b)) * ((a) - (b)))
#define SURPLUS(word) BEYOND(EXTENT(word), REACH(word))
#define TOTAL(word) (REACH(word) + SURPLUS(word))

mtype = { EMPTY, LISTED, AWAY };

byte word;
mtype place = EMPTY;
byte live, retained;
bool stale[3] = true;

/* What the program does with its pointer: nobody has it, somebody does, somebody frees it.
 * Other frees of it may come while the first is under way, and no malloc then. */
mtype = { NONE, HELD, FREEING };
mtype pointer = NONE;
byte freeing, freed;

/* Ghosts. */
byte pages;	 /* resident */
byte hands;	 /* who have the pages in hand */
byte inside;	 /* processes within a call */
bool late;	 /* see above */
bool freed_before; /* the block was freed before the last release began */
bool before[3];	 /* this process claimed or took the slot before then */

inline enter() { atomic { inside++ } }

inline leave()
{
	atomic {
		inside--;
		stale[_pid] = true;
		before[_pid] = false;
		seen = 0;
		if
		:: inside == 0 ->
			assert(hands == 0);
			assert((place == AWAY) == ((word & LIVE) != 0));
			assert((word & BUSY) == 0);
			if
			:: word & LIVE ->
				assert(live == REACH(word) && retained == SURPLUS(word))
			:: else ->
				assert(live == 0 && retained == EXTENT(word));
				assert((place == EMPTY) == (retained == 0))
			fi;
			assert(pages == live + retained);
			assert(retained == 0 || late)
		:: else
		fi
	}
}

#define READ_EPOCH stale[_pid] = false

inline count(live_units, retained_units)
{
	atomic {
		live = live + (live_units);
		retained = retained + (retained_units);
		assert(pages <= live + retained)
	}
}

inline get_hand()
{
	hands++;
	assert(hands == 1)
}

/* Gives back all beyond the first `keep` units, of a slot in hand. */
inline trim(keep)
{
	atomic {
		assert(hands == 1);
		assert(!(word & LIVE) || (keep) >= REACH(word));
		pages = keep
	}
}

/* The word in `seen` becomes `new`, aged or not. */
inline swap(new, done)
{
	if
	:: word == seen || word == (seen | AGED) ->
		word = new;
		done = true
	:: else -> done = false
	fi
}

inline drain()
{
	atomic {
		if
		:: place == LISTED ->
			place = AWAY;
			get_hand();
			seen = word
		:: else -> seen = 0
		fi
	};
	if
	:: seen != 0 ->
		atomic {
			trim(0);
			count(0, -EXTENT(seen));
			word = 0;
			hands--;
			place = EMPTY
		}
	:: else
	fi
}

/* The block whose last word is `seen` goes on a list, all of it; a release that began while it
 * was in hand takes it off again. */
inline put()
{
#ifdef BUG_EPOCH_READ_IN_PUT
	READ_EPOCH;
#endif
	atomic {
		count(-REACH(seen), REACH(seen));
		word = WORD(0, 0, TOTAL(seen));
		assert(hands == 1);
		hands--;
		place = LISTED;
		if
		:: !freed_before -> late = true
		:: else
		fi
	};
#ifndef BUG_NO_EPOCH_CHECK
	if
	:: stale[_pid] -> drain()
	:: !stale[_pid]
	fi
#endif
}

inline claim()
{
#ifndef BUG_EPOCH_READ_AFTER_CLAIM
	READ_EPOCH;
#endif
	atomic {
#ifdef BUG_CLAIM_OF_BUSY
		if
		:: word & LIVE ->
			seen = word;
			word = word | BUSY;
			claimed = true
		:: else -> claimed = false
		fi;
#else
		swap((seen & ~AGED) | BUSY, claimed);
#endif
		if
		:: claimed ->
			get_hand();
			before[_pid] = false
		:: else
		fi
	};
#ifdef BUG_EPOCH_READ_AFTER_CLAIM
	READ_EPOCH
#endif
}

/* Ends a claim: size and extent are those of `seen` now. Whoever finds the block freed puts it. */
inline finish()
{
	done = false;
	do
	:: atomic { (word & LIVE) != 0 ->
			word = WORD(LIVE, REACH(seen), EXTENT(seen));
			hands--;
			if
			:: SURPLUS(seen) > 0 && !before[_pid] -> late = true
			:: else
			fi
		};
		done = true;
		break
	:: atomic { (word & LIVE) == 0 -> seen = WORD(0, REACH(seen), EXTENT(seen)) };
#ifdef BUG_FINISH_FORGETS_FREE
		word = seen | LIVE;
		hands--;
#else
		put();
#endif
		break
	od
}

/* weir_live_trim: the surplus goes, if nobody else is at it. */
inline trim_live()
{
	atomic {
		seen = word;
		claimed = false
	};
	if
	:: (seen & (LIVE | BUSY)) == LIVE && SURPLUS(seen) > 0 -> claim()
	:: else
	fi;
	if
	:: claimed ->
		atomic {
			claimed = false;
			trim(REACH(seen));
			count(0, -SURPLUS(seen));
			seen = WORD(LIVE, REACH(seen), REACH(seen))
		};
		finish()
	:: else
	fi
}

#ifdef BUG_NO_SURPLUS_CHECK
#define RELEASE_BEGAN false
#else
#define RELEASE_BEGAN stale[_pid]
#endif

/* A release that began while the block was in hand missed its surplus. */
inline trim_if_released()
{
	if
	:: SURPLUS(seen) > 0 && RELEASE_BEGAN -> trim_live()
	:: else
	fi
}

inline malloc()
{
	READ_EPOCH;
	atomic {
		if
		:: place != AWAY ->
			place = AWAY;
			get_hand();
			before[_pid] = false;
			seen = word;
			if
			:: size = 1
			:: size = 2
			fi
		:: else
		fi
	};
	if
	:: size > 0 ->
		atomic {
			live = live + size;
			retained = retained + BEYOND(EXTENT(seen), size) - EXTENT(seen);
			pages = size + BEYOND(EXTENT(seen), size);
			seen = WORD(LIVE, size, EXTENT(seen));
			size = 0;
			assert(hands == 1);
			hands--;
			word = seen;
			if
			:: SURPLUS(seen) > 0 && !before[_pid] -> late = true
			:: else
			fi;
			pointer = HELD
		};
		trim_if_released()
	:: else -> pointer = NONE
	fi
}

inline free()
{
#ifndef BUG_EPOCH_READ_IN_PUT
	READ_EPOCH;
#endif
	seen = word;
	do
	:: (seen & LIVE) == 0 -> break /* a double free */
	:: (seen & LIVE) != 0 ->
#ifdef BUG_FREE_WITHOUT_CAS
		atomic {
			if
			:: true ->
#else
		atomic {
			if
			:: word == seen ->
#endif
				word = seen & ~LIVE;
				freed_before = false;
				freed++;
				if
				:: seen & BUSY /* who works on the pages puts it */
				:: else -> get_hand()
				fi;
				break
			:: else -> seen = word
			fi
		}
	od;
	if
	:: (seen & LIVE) && !(seen & BUSY) -> put()
	:: else
	fi;
	atomic {
		freeing--;
		if
		:: freeing == 0 ->
			assert(freed == 1);
			freed = 0;
			pointer = NONE
		:: else
		fi
	}
}

/* realloc to one unit; the tail stays, as surplus. */
inline shrink()
{
	seen = word;
	claimed = false;
	if
	:: (seen & BUSY) == 0 && REACH(seen) == 2 -> claim()
	:: else
	fi;
	if
	:: claimed ->
		atomic {
			claimed = false;
			count(-1, 1);
			seen = WORD(LIVE, 1, TOTAL(seen))
		};
		finish();
		if
		:: done -> trim_if_released()
		:: else
		fi
	:: else
	fi;
	pointer = HELD
}

active [2] proctype thread()
{
	byte seen, size;
	bool claimed, done;

	do
	:: atomic { pointer == NONE && (_pid == 0 || FULL) -> pointer = FREEING; inside++ };
		malloc();
		leave()
	:: atomic { pointer == HELD || (pointer == FREEING && freeing == 1) ->
			pointer = FREEING;
			freeing++;
			inside++
		};
		free();
		leave()
	:: atomic { pointer == HELD && _pid == 0 -> pointer = FREEING; inside++ };
		shrink();
		leave()
	od
}

active proctype releaser()
{
	byte seen;
	bool claimed, done;

	do
	:: atomic { /* a release of everything */
			inside++;
			stale[0] = true;
			stale[1] = true;
			before[0] = true;
			before[1] = true;
			freed_before = true;
			late = false
		};
		drain();
		trim_live();
		leave()
	:: enter(); /* a tick of decay */
		seen = word;
		if
		:: (seen & (LIVE | BUSY)) == LIVE && SURPLUS(seen) > 0 && !(seen & AGED) ->
			atomic {
				if
				:: word == seen -> word = seen | AGED
				:: else
				fi
			}
		:: else
		fi;
		leave()
#if FULL
	:: enter(); /* its surplus goes to another block */
		trim_live();
		leave()
#endif
	od
}
