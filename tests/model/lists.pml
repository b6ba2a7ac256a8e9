/* The lists of lists.c: take and put of three threads, for ever.
 *
 * Mirrors: weir_list_take, weir_list_put, head_after. Each load of a head or a link, each
 * store of a link and each compare-and-swap is a step of its own. The third thread stands
 * for a signal handler as well: a handler that runs to its end inside a take or put of
 * another thread is one of its interleavings, as it shares nothing else with that thread.
 *
 * The tag: only whether it is still the one that was read matters, and it does not come back
 * (lists.h says after how many changes it would). So it is not a number here but one bit a
 * thread: was the head changed since I read it? That is the unbounded tag exactly, and it
 * keeps the model finite although no thread ever ends.
 *
 * Checked at every change of a head: each slot is on the list or in one hand, never both,
 * never neither. A thread that stops anywhere, as in a forked child, is a run in which it
 * is not chosen again; so it loses what it has in hand, and no more.
 *
 * Memory order: links are relaxed in the code and steps here. A stale link is harmless, as
 * the compare-and-swap fails on the tag; that a fresh one is seen follows from the
 * acquire and release of the head, which is what the model takes for granted. */

#define SLOTS 3
#define THREADS 3
#ifndef HANDS
#define HANDS 1 /* slots that a thread has at most */
#endif
#define NONE 0 /* slots are numbered from 1, as in heads and links */

byte head = 1;
byte next[SLOTS + 1] = { NONE, 2, 3, NONE };
bool stale[THREADS];	 /* the head was changed since the thread read it */
byte owners[SLOTS + 1];	 /* ghost: how many hands have the slot */

/* Every slot is on the list once and in no hand, or in one hand. */
inline check_slots()
{
	d_step {
		seen = 0;
		at = head;
		do
		:: at != NONE ->
			assert((seen & (1 << at)) == 0); /* no loop */
			assert(owners[at] == 0);
			seen = seen | (1 << at);
			at = next[at]
		:: else -> break
		od;
		at = 1;
		do
		:: at <= SLOTS ->
			assert(owners[at] == ((seen & (1 << at)) == 0));
			at++
		:: else -> break
		od;
		seen = 0;
		at = 0
	}
}

inline load_head()
{
	d_step {
		mine = head;
		stale[_pid] = false
	}
}

#ifdef BUG_NO_TAG
#define SAME_TAG true
#else
#define SAME_TAG (!stale[_pid])
#endif

/* Whoever is outside of take and put counts as stale, which saves states. */
inline changed_head(to)
{
	head = to;
	stale[0] = true;
	stale[1] = true;
	stale[2] = true
}

active [THREADS] proctype thread()
{
	byte hand[HANDS];
	byte count, mine, link; /* the registers of a take or put */
	byte seen, at;		/* check_slots' */

	do
	:: count < HANDS -> /* take */
		load_head();
		do
		:: mine == NONE ->
			stale[_pid] = true;
			break
		:: mine != NONE ->
			link = next[mine];
#ifdef BUG_TAKE_BY_STORE
			atomic {
				owners[mine]++;
				hand[count] = mine;
				count++;
				changed_head(link);
				check_slots();
				break
			}
#endif
			atomic {
				if
				:: head == mine && SAME_TAG ->
					owners[mine]++;
					hand[count] = mine;
					count++;
					changed_head(link);
					check_slots();
					break
				:: else ->
					mine = head;
					stale[_pid] = false
				fi
			}
		od;
		mine = 0;
		link = 0
	:: count > 0 -> /* put */
		load_head();
		do
		:: true ->
#ifndef BUG_LINK_ONCE
			next[hand[count - 1]] = mine;
#else
			if
			:: link == 0 ->
				next[hand[count - 1]] = mine;
				link = 1
			:: else
			fi;
#endif
			atomic {
				if
				:: head == mine && SAME_TAG ->
					count--;
					owners[hand[count]]--;
					changed_head(hand[count]);
					hand[count] = 0;
					check_slots();
					break
				:: else ->
					mine = head;
					stale[_pid] = false
				fi
			}
		od;
		mine = 0;
		link = 0
	od
}
