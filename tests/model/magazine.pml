/* The lock of magazine.c: an owner who leases and returns by plain loads and stores, and two
 * others who empty his magazine, for ever.
 *
 * Mirrors: weir_magazine_enter, weir_magazine_exit, hand_over, ask_for, empty_or_leave, empty and
 * the barrier of gather_once, which may be refused. The others stand for threads and for handlers:
 * one that runs to its end inside a call of another is one of its interleavings. So is one that
 * interrupts the owner: the barrier makes memory what he sees.
 *
 * Left out, and why that is sound: what is in the magazine, as only who has it matters; closing,
 * which changes what a magazine is opened to; the epoch, which is of who has it.
 *
 * Checked: no two have the magazine at once; who opens it is who had it. Whenever the owner is
 * outside and nobody else within a call, it is open, or due to him because there was no barrier:
 * nobody left it to an owner who does not know.
 *
 * Memory order: what the owner stores to `inside` waits in a buffer, from which it goes to memory
 * at any time, in order; he sees his own `inside`. His load of `wanted` may so come before the
 * store. A barrier empties the buffer, and so do his compare-and-swaps and his fence. The others'
 * stores of `wanted` and the look at `inside` that follows are sequentially consistent in the
 * code, as here. That who comes next sees what the last one did in the magazine is release and
 * acquire of `inside` and `wanted`. */

mtype = { OPEN, LEFT, DUE, ASKED };

mtype wanted = OPEN;
byte asker; /* who asked, of ASKED */
bool inside; /* in memory */
byte waiting; /* stores to it in the owner's buffer: 1 and 0 by turns */

/* Ghosts. */
byte has;	   /* who have the magazine */
byte calls;	   /* others within a call */
bool outside = true; /* the owner has left */

#define DRAIN inside = (inside + waiting) % 2; waiting = 0

inline store_inside()
{
	atomic { waiting < 4 -> waiting++ }
}

inline have()
{
	atomic { has++; assert(has == 1) };
	has--
}

inline check()
{
	assert(!outside || calls > 0 || waiting > 0 || wanted == OPEN || wanted == DUE)
}

inline empty_it(me)
{
	have();
	atomic {
		assert(wanted == ASKED && asker == me);
		wanted = OPEN
	}
}

inline hand_over()
{
#ifndef BUG_NO_FENCE
	atomic { DRAIN };
#endif
	atomic {
		if
		:: wanted == LEFT || wanted == DUE ->
			DRAIN;
			wanted = ASKED;
			asker = 0;
			got = true
		:: else -> got = false
		fi
	};
	if
	:: got -> got = false; empty_it(0)
	:: !got
	fi
}

active proctype owner()
{
	bool got;

	do
	:: atomic { outside = false };
		store_inside();
		if
		:: wanted == OPEN -> have()
#ifdef BUG_ENTERS_WHAT_IS_LEFT
		:: wanted == LEFT -> have()
#endif
		:: wanted != OPEN
		fi;
		store_inside();
		if
		:: wanted == OPEN
#ifdef BUG_SKIPS_WHAT_IS_ASKED_FOR
		:: wanted == ASKED
#endif
		:: wanted != OPEN -> hand_over()
		fi;
		atomic { outside = true; check() }
	od
}

active proctype memory()
{
	do
	:: atomic { waiting > 0 -> inside = !inside; waiting--; check() }
	od
}

inline leave_it()
{
#ifdef BUG_LEFT_WITHOUT_A_BARRIER
	wanted = LEFT
#else
	wanted = DUE
#endif
}

/* With the barrier. */
inline empty_or_leave()
{
#ifndef BUG_NO_BARRIER
	atomic { DRAIN };
#endif
	do
	:: !inside -> empty_it(_pid); break
	:: inside ->
		wanted = LEFT;
#ifdef BUG_NO_OTHER_LOOK
		break;
#endif
		if
		:: inside -> break
		:: !inside ->
			atomic {
				if
				:: wanted == LEFT -> wanted = ASKED; asker = _pid
				:: wanted != LEFT -> break
				fi
			}
		fi
	od
}

active [2] proctype other()
{
	bool got;

	do
	:: atomic {
			calls++;
			got = wanted != ASKED;
			if
			:: got -> wanted = ASKED; asker = _pid
			:: !got
			fi
		};
		if
		:: got -> empty_or_leave()
		:: got -> leave_it()
		:: !got
		fi;
		atomic { calls--; got = false; check() }
	od
}
