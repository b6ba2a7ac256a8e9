/* The usage word and the limit: two threads of a program that take and free blocks, and evict
 * others for room, and a third that releases, for ever.
 *
 * Mirrors: weir_usage_add, weir_pool_count, pop, weir_pool_take, room_for, retain,
 * weir_pool_evict, release_part, place, trim, admit, push, weir_pool_put, weir_pool_drain.
 * The third thread stands for a signal handler, too: one that runs to its end inside a call of
 * another is one of its interleavings. The compare-and-swap of weir_pool_reserve_live and of
 * weir_quotas_reserve is that of retain, without what makes it hard.
 *
 * Left out, and why that is sound:
 *   lists    sets of slots, of which any comes off: lists.pml shows that each is handed out
 *            once, and any order covers the real one
 *   sizes    one region, blocks of one or two units, a class for each length
 *   epoch    epoch.pml's; surplus: slot.pml's. The remap of a retained tail counts as an
 *            eviction of a part does.
 *
 * Checked at every change: retained <= limit; what is on lists is counted, as retained and as
 * blocks; every page that is resident is counted; a slot is in one place. Whenever all three
 * are between two calls: the counts are just what there is.
 *
 * Memory order: the usage word is changed by sequentially consistent operations, as here; the
 * first load of retain is acquire and may be old, and is then corrected by the
 * compare-and-swap. */

#define SLOTS 2
#define LIMIT 2
#define NO_SLOT SLOTS
#define CLASS(units) ((units) - 1)

byte unused = (1 << SLOTS) - 1;
byte lists[2];
byte blocks[2];
byte extents[SLOTS + 1];
byte live, retained;

byte pages[SLOTS + 1]; /* ghosts: resident, */
byte inside;	       /* and processes within a call */

#define IN(set, slot) (((set) >> (slot)) & 1)
#define ON_LISTS (lists[0] | lists[1])
#define LISTED (IN(ON_LISTS, 0) * extents[0] + IN(ON_LISTS, 1) * extents[1])
#define SIZE(set) (IN(set, 0) + IN(set, 1))

inline check()
{
	assert(retained <= LIMIT);
	assert(LISTED <= retained);
	assert(pages[0] + pages[1] <= live + retained);
	assert(SIZE(lists[0]) <= blocks[0] && SIZE(lists[1]) <= blocks[1]);
	assert((lists[0] & lists[1]) == 0 && (ON_LISTS & unused) == 0)
}

inline leave()
{
	atomic {
		inside--;
		slot = NO_SLOT;
		if
		:: inside == 0 ->
			assert(retained == LISTED && pages[0] + pages[1] == live + retained);
			assert(SIZE(lists[0]) == blocks[0] && SIZE(lists[1]) == blocks[1])
		:: else
		fi
	}
}

inline count(live_units, retained_units)
{
	atomic {
		live = live + (live_units);
		retained = retained + (retained_units);
		check()
	}
}

inline choose(set, found)
{
	if
	:: IN(set, 0) -> found = 0
	:: IN(set, 1) -> found = 1
	fi;
	set = set & ~(1 << found)
}

inline pop(class, found)
{
	atomic {
		if
		:: lists[class] != 0 -> choose(lists[class], found)
		:: else -> found = NO_SLOT
		fi
	};
	if
	:: found != NO_SLOT -> blocks[class]--
	:: else
	fi
}

/* Puts a block back with `keep` of its units; of those that go, `as_live` count as live. */
inline place(found, keep, total, as_live)
{
#ifndef BUG_BLOCKS_AFTER_PUT
	if
	:: (keep) > 0 -> blocks[CLASS(keep)]++
	:: else
	fi;
#endif
	if
	:: (keep) < (total) ->
#ifdef BUG_COUNT_BEFORE_RELEASE
		count(-(as_live), -((total) - (keep) - (as_live)));
		pages[found] = keep
#else
		pages[found] = keep;
		count(-(as_live), -((total) - (keep) - (as_live)))
#endif
	:: else
	fi;
	atomic {
		assert(!IN(unused | ON_LISTS, found));
		extents[found] = keep;
		if
		:: (keep) > 0 -> lists[CLASS(keep)] = lists[CLASS(keep)] | (1 << found)
		:: else -> unused = unused | (1 << found)
		fi;
		check();
		found = NO_SLOT
	}
#ifdef BUG_BLOCKS_AFTER_PUT
	if
	:: (keep) > 0 -> blocks[CLASS(keep)]++
	:: else
	fi
#endif
}

inline read_usage()
{
	atomic {
		seen_live = live;
		seen = retained
	}
}

#ifdef BUG_RETAIN_WITHOUT_CAS
#define SAME_USAGE true
#else
#define SAME_USAGE (live == seen_live && retained == seen)
#endif

/* Live units of a freed block become retained ones, as many as there is room for. */
inline retain()
{
	read_usage();
	do
	:: seen + size > LIMIT && !stuck -> /* another block gives way */
		pop(CLASS(3 - size), slot);
		if
		:: slot == NO_SLOT -> stuck = true
		:: else ->
			kept = (extents[slot] > seen + size - LIMIT) *
			       (extents[slot] - (seen + size - LIMIT));
			place(slot, kept, extents[slot], 0);
			read_usage()
		fi
	:: seen + size <= LIMIT || stuck ->
		atomic {
			stuck = false;
			kept = (seen + size <= LIMIT) * size +
			       (seen + size > LIMIT) * (LIMIT - seen);
			if
			:: SAME_USAGE ->
#ifndef BUG_RESERVE_AFTER_PUT
				live = live - kept;
				retained = retained + kept;
				check();
#endif
				seen_live = 0;
				seen = 0;
				break
			:: else ->
				seen_live = live;
				seen = retained
			fi
		}
	od
}

active [2] proctype thread()
{
	byte mine = NO_SLOT, slot = NO_SLOT, size, kept, seen, seen_live;
	bool stuck;

	do
	:: mine == NO_SLOT -> /* malloc */
		atomic {
			inside++;
			if
			:: size = 1
			:: size = 2
			fi
		};
		pop(CLASS(size), mine);
		if
		:: mine == NO_SLOT && size == 2 -> pop(CLASS(1), mine)
		:: else
		fi;
		atomic {
			if
			:: mine == NO_SLOT && unused != 0 -> choose(unused, mine)
			:: else
			fi
		};
		if
		:: mine == NO_SLOT -> size = 0
		:: else ->
#ifdef BUG_TAKE_UNCOUNTED
			count(size - extents[mine], 0);
#else
			count(size, -extents[mine]);
#endif
			pages[mine] = size
		fi;
		leave()
	:: mine != NO_SLOT -> /* free */
		atomic { inside++ };
		retain();
		place(mine, kept, size, size - kept);
#ifdef BUG_RESERVE_AFTER_PUT
		count(-kept, kept);
#endif
		atomic {
			size = 0;
			kept = 0
		};
		leave()
	od
}

active proctype releaser()
{
	byte slot = NO_SLOT, class;

	do
	:: atomic {
			inside++;
			if
			:: class = 0
			:: class = 1
			fi
		};
		pop(class, slot);
		if
		:: slot != NO_SLOT -> place(slot, 0, extents[slot], 0)
		:: else
		fi;
		leave();
		class = 0
	od
}
