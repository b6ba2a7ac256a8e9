#include "magazine.h"

/* Why one sees the other. W: who empties sets `wanted`, and then calls the barrier B. B is a full
 * barrier somewhere in the owner's instructions, too, say at P.
 *   - Where the owner looks at `wanted` after P, he sees it, and stays out.
 *   - Where he looked before P, he had set `inside` before, which W sees after B: unless he has
 *     cleared it meanwhile, and then W sees all that he did before (release, acquire).
 * As long as `wanted` is not OPEN again, the owner stays out: so W, who found him inside, may
 * look again at any time, and has the magazine once `inside` is 0.
 *   - W found him inside: so he had not cleared it before P, and looks at `wanted` after, when he
 *     leaves. He then has a full barrier (hand_over) between that and one more look; W has one
 *     between setting LEFT and looking at `inside`: he sees LEFT, or W that he is outside. Both
 *     take LEFT away by compare-and-swap: one of them empties.
 * Two that want it at once: one has `wanted`. The other one passes on, and misses nothing: who has
 * it took the pool's epoch before, and what is put on a list after a release began is released
 * by whoever put it (pool.h). Where it is LEFT that epoch stays.
 * A handler that interrupts the owner inside finds `inside`, and leaves it to him; one that
 * interrupts him anywhere else may empty it. One that interrupts who empties finds it wanted.
 *
 * What has to be in order for a child that is forked in between, or for a handler: an entry is
 * there before it is counted, and a block is off its magazine before it goes anywhere. */

__thread struct weir_magazine_memo weir_magazine_memo;

static uintptr_t self(void)
{
	return (uintptr_t)&weir_magazine_memo;
}

static bool is_closed(const struct weir_magazines *all)
{
	return weir_load_seq_cst(&all->closed) != 0;
}

static uint64_t epoch_of(const struct weir_magazines *all)
{
	return weir_load_seq_cst(&all->slabs.pool->epoch);
}

/* They stay for the next pool in the same place: somebody may look at them at any time. */
static bool make_magazines(struct weir_magazines *all)
{
	size_t bytes = weir_align_up(WEIR_MAGAZINES * sizeof *all->each, weir_os_page_bytes());

	if (all->each)
		return true;
	all->each = weir_os_reserve(bytes, weir_os_page_bytes());
	if (all->each && weir_os_commit(all->each, bytes))
		return true;
	if (all->each)
		weir_os_unreserve(all->each, bytes);
	all->each = NULL;
	return false;
}

static uintptr_t new_serial(void)
{
	static uintptr_t serials; /* atomic, relaxed */

	return weir_add_relaxed(&serials, (uintptr_t)1) + 1;
}

bool weir_magazines_init(struct weir_magazines *all, struct weir_pool *pool, size_t block_bytes)
{
	size_t blocks = weir_max(WEIR_MAGAZINE_BYTES / block_bytes, (size_t)2);

	if (!weir_slabs_init(&all->slabs, pool, block_bytes))
		return false;
	blocks = weir_min(blocks, (size_t)WEIR_MAGAZINE_BLOCKS);
	all->used_max = (uint32_t)(blocks * sizeof(struct weir_magazine_entry));
	all->serial = new_serial();
	all->magazines = weir_os_enable_barrier() && make_magazines(all) ? WEIR_MAGAZINES : 0;
	return true;
}

/* Others who looked at them before find them empty, and of nobody. */
void weir_magazines_destroy(struct weir_magazines *all)
{
	for (unsigned i = 0; i < all->magazines; i++) {
		weir_store_relaxed(&all->each[i].owner, (uintptr_t)0);
		weir_store_relaxed(&all->each[i].inside, 0U);
		weir_store_relaxed(&all->each[i].leases, (uint64_t)0);
		weir_store_release(&all->each[i].wanted, WEIR_MAGAZINE_OPEN);
	}
	all->magazines = 0;
	weir_store_relaxed(&all->owners, 0U);
	weir_store_relaxed(&all->leases, (uint64_t)0);
	weir_store_relaxed(&all->closed, 0U);
	weir_slabs_destroy(&all->slabs);
}

/* Blocks in hand */

static void tell(const struct weir_magazines *all, char *const *blocks, unsigned count)
{
	for (unsigned i = 0; all->twice && i < count; i++)
		all->twice(blocks[i]);
}

/* A block that has that mark gets another; false, and it is told, where it has not. */
static bool turn(const struct weir_magazines *all, char *block, uintptr_t before, uintptr_t after)
{
	uintptr_t *mark = weir_slabs_mark(&all->slabs, block);

	if (weir_load_relaxed(mark) != before) {
		tell(all, &block, 1);
		return false;
	}
	weir_store_relaxed(mark, after);
	return true;
}

/* Blocks that were at hand go to their slabs. */
static void give_back(struct weir_magazines *all, char **blocks, unsigned count, uint64_t epoch)
{
	unsigned given = 0;

	for (unsigned i = 0; i < count; i++)
		if (turn(all, blocks[i], WEIR_MARK_AT_HAND(blocks[i]), WEIR_MARK_FREE))
			blocks[given++] = blocks[i];
	if (given > 0)
		tell(all, blocks, weir_slabs_give(&all->slabs, blocks, given, epoch));
}

/* Entries, for who has the magazine */

static unsigned count_of(const struct weir_magazine *magazine)
{
	return weir_load_acquire(&magazine->used) / (uint32_t)sizeof magazine->entries[0];
}

static void set_count(struct weir_magazine *magazine, unsigned count)
{
	weir_store_release(&magazine->used, count * (uint32_t)sizeof magazine->entries[0]);
}

static bool is_full(const struct weir_magazines *all, const struct weir_magazine *magazine)
{
	return weir_load_relaxed(&magazine->used) >= all->used_max;
}

static unsigned half(const struct weir_magazines *all)
{
	return all->used_max / (uint32_t)sizeof(struct weir_magazine_entry) / 2;
}

static void push(const struct weir_magazines *all, struct weir_magazine *magazine, char *block)
{
	unsigned count = count_of(magazine);
	struct weir_magazine_entry *entry = &magazine->entries[count];

	weir_store_relaxed(&entry->block, block);
	weir_store_relaxed(&entry->mark, weir_slabs_mark(&all->slabs, block));
	set_count(magazine, count + 1);
}

/* Takes those beyond the first `keep`. */
static unsigned take_beyond(struct weir_magazine *magazine, unsigned keep, char **blocks)
{
	unsigned count = count_of(magazine);

	if (count <= keep)
		return 0;
	for (unsigned i = keep; i < count; i++)
		blocks[i - keep] = weir_load_relaxed(&magazine->entries[i].block);
	set_count(magazine, keep);
	return count - keep;
}

/* Emptying */

/* Where somebody left it the epoch is his. */
static bool ask_for(const struct weir_magazines *all, struct weir_magazine *magazine)
{
	uintptr_t wanted = WEIR_MAGAZINE_OPEN;
	uint64_t epoch = epoch_of(all);

	if (weir_cas_seq_cst(&magazine->wanted, &wanted, self())) {
		weir_store_relaxed(&magazine->epoch, epoch);
		return true;
	}
	return (wanted == WEIR_MAGAZINE_LEFT || wanted == WEIR_MAGAZINE_DUE) &&
	       weir_cas_seq_cst(&magazine->wanted, &wanted, self());
}

/* The caller has it. */
static void empty(struct weir_magazines *all, struct weir_magazine *magazine)
{
	uint64_t epoch = weir_load_relaxed(&magazine->epoch);
	char *blocks[WEIR_MAGAZINE_BLOCKS];
	unsigned count = take_beyond(magazine, 0, blocks);

	weir_store_seq_cst(&magazine->wanted,
			   is_closed(all) ? WEIR_MAGAZINE_CLOSED : WEIR_MAGAZINE_OPEN);
	give_back(all, blocks, count, epoch);
}

/* The caller asked for it, and called the barrier. */
static void empty_or_leave(struct weir_magazines *all, struct weir_magazine *magazine)
{
	uintptr_t wanted;

	while (weir_load_acquire(&magazine->inside) != 0) {
		weir_store_seq_cst(&magazine->wanted, WEIR_MAGAZINE_LEFT);
		if (weir_load_seq_cst(&magazine->inside) != 0)
			return;
		wanted = WEIR_MAGAZINE_LEFT;
		if (!weir_cas_seq_cst(&magazine->wanted, &wanted, self()))
			return;
	}
	empty(all, magazine);
}

/* Those that have entries; all of them where they close. */
static uint64_t ask_for_all(struct weir_magazines *all, bool closed)
{
	uint64_t asked = 0;

	for (unsigned i = 0; i < all->magazines; i++)
		if ((closed || count_of(&all->each[i]) > 0) && ask_for(all, &all->each[i]))
			asked |= (uint64_t)1 << i;
	return asked;
}

/* Without a barrier their owners empty them, when they come. */
static void gather_once(struct weir_magazines *all, bool closed)
{
	uint64_t asked = ask_for_all(all, closed);
	bool ordered = asked != 0 && weir_os_barrier();
	struct weir_magazine *magazine;

	for (; asked != 0; asked &= asked - 1) {
		magazine = &all->each[__builtin_ctzll(asked)];
		if (ordered)
			empty_or_leave(all, magazine);
		else
			weir_store_seq_cst(&magazine->wanted, WEIR_MAGAZINE_DUE);
	}
}

/* Those that were opened again in the moment of closing are asked for once more. */
void weir_magazines_gather(struct weir_magazines *all)
{
	bool closed;

	do {
		closed = is_closed(all);
		gather_once(all, closed);
	} while (!closed && is_closed(all));
}

/* The owner, outside, who found it wanted. */
void weir_magazine_hand_over(struct weir_magazines *all, struct weir_magazine *magazine)
{
	uintptr_t wanted = WEIR_MAGAZINE_LEFT;

	weir_add_seq_cst(&magazine->inside, 0U); /* the full barrier of the proof */
	if (!weir_cas_seq_cst(&magazine->wanted, &wanted, self()) &&
	    !(wanted == WEIR_MAGAZINE_DUE && weir_cas_seq_cst(&magazine->wanted, &wanted, self())))
		return;
	empty(all, magazine);
	if (is_closed(all))
		weir_magazines_gather(all);
}

/* What follows a weir_magazine_enter. */
static void leave(struct weir_magazines *all, struct weir_magazine_way way)
{
	if (way.inside == 0 && !weir_magazine_exit(way.magazine))
		weir_magazine_hand_over(all, way.magazine);
}

void weir_magazines_close(struct weir_magazines *all)
{
	weir_store_seq_cst(&all->closed, 1U);
	weir_magazines_gather(all);
}

bool weir_magazines_are_over(const struct weir_magazines *all)
{
	return is_closed(all) && weir_load_seq_cst(&all->slabs.taken) == 0;
}

/* Owners */

/* Threads begin to look at different places. */
static unsigned first_place(void)
{
	return (uint32_t)(self() >> 6) * 2654435761U >> 26;
}

static struct weir_magazine *at_place(const struct weir_magazines *all, unsigned place)
{
	return &all->each[place % WEIR_MAGAZINES];
}

static struct weir_magazine *find_mine(const struct weir_magazines *all)
{
	unsigned first = first_place();

	for (unsigned i = first; i < first + all->magazines; i++)
		if (weir_load_relaxed(&at_place(all, i)->owner) == self())
			return at_place(all, i);
	return NULL;
}

static struct weir_magazine *find_unowned(struct weir_magazines *all)
{
	unsigned first = first_place();
	uintptr_t owner;

	for (unsigned i = first; i < first + all->magazines; i++) {
		owner = 0;
		if (weir_load_relaxed(&at_place(all, i)->owner) == 0 &&
		    weir_cas_acq_rel(&at_place(all, i)->owner, &owner, self())) {
			weir_add_relaxed(&all->owners, 1U);
			if (all->claimed)
				all->claimed();
			return at_place(all, i);
		}
	}
	return NULL;
}

/* The three are one for a handler: it leaves them alone in between. */
static void remember(uintptr_t serial, uintptr_t key, struct weir_magazine *magazine)
{
	weir_store_relaxed(&weir_magazine_memo.serial, (uintptr_t)0);
	weir_magazine_order();
	weir_store_relaxed(&weir_magazine_memo.key, key);
	weir_store_relaxed(&weir_magazine_memo.magazine, magazine);
	weir_magazine_order();
	weir_store_relaxed(&weir_magazine_memo.serial, serial);
}

/* The calling thread's, or NULL where all are taken, which is remembered until one is not; and
 * in a handler that interrupted just this. */
static struct weir_magazine *claim(struct weir_magazines *all)
{
	bool has_room = weir_load_relaxed(&all->owners) < all->magazines;
	struct weir_magazine *found;

	if (all->magazines == 0 || weir_load_relaxed(&weir_magazine_memo.changes) != 0)
		return NULL;
	if (weir_load_relaxed(&weir_magazine_memo.serial) == all->serial &&
	    (weir_magazine_mine(all) || !has_room))
		return weir_magazine_mine(all);
	weir_store_relaxed(&weir_magazine_memo.changes, 1U);
	weir_magazine_order();
	found = find_mine(all);
	if (!found && has_room)
		found = find_unowned(all);
	remember(all->serial, all->key, found);
	weir_magazine_order();
	weir_store_relaxed(&weir_magazine_memo.changes, 0U);
	return found;
}

/* Its owner is not inside, though he may have left in the middle. */
void weir_magazines_leave(struct weir_magazines *all)
{
	struct weir_magazine *mine = find_mine(all);

	if (!mine)
		return;
	weir_store_relaxed(&weir_magazine_memo.changes, 1U);
	remember(0, 0, NULL);
	weir_store_release(&mine->inside, 0U);
	if (ask_for(all, mine))
		empty(all, mine);
	weir_store_release(&mine->owner, (uintptr_t)0);
	weir_add_relaxed(&all->owners, (uint32_t)-1);
	weir_store_relaxed(&weir_magazine_memo.changes, 0U);
}

/* Of this thread, whom one that is not there may have been about to empty; it may be inside, when
 * a handler forked. */
static void take_own_back(struct weir_magazines *all, struct weir_magazine *mine)
{
	uintptr_t wanted = weir_load_relaxed(&mine->wanted);

	if (wanted == self() || wanted <= WEIR_MAGAZINE_CLOSED)
		return;
	weir_store_relaxed(&mine->wanted, WEIR_MAGAZINE_DUE);
	if (weir_load_relaxed(&mine->inside) == 0)
		weir_magazine_hand_over(all, mine);
}

/* Of a thread that is not there. Where this one was about to empty it, it goes on. */
static void take_back(struct weir_magazines *all, struct weir_magazine *magazine)
{
	weir_store_relaxed(&magazine->inside, 0U);
	weir_store_relaxed(&magazine->owner, (uintptr_t)0);
	if (weir_load_relaxed(&magazine->wanted) == self())
		return;
	weir_store_relaxed(&magazine->wanted, self());
	weir_store_relaxed(&magazine->epoch, epoch_of(all));
	empty(all, magazine);
}

void weir_magazines_begin_anew(struct weir_magazines *all)
{
	const struct weir_magazine *mine;

	if (all->magazines == 0)
		return;
	weir_os_enable_barrier();
	mine = find_mine(all);
	weir_store_relaxed(&all->owners, mine ? 1U : 0U);
	for (unsigned i = 0; i < all->magazines; i++)
		if (&all->each[i] == mine)
			take_own_back(all, &all->each[i]);
		else
			take_back(all, &all->each[i]);
}

/* Leases */

/* Drops what the program has. */
static char *lease_entry(const struct weir_magazines *all, struct weir_magazine *mine)
{
	char *block;

	while (take_beyond(mine, weir_max(count_of(mine), 1U) - 1, &block) == 1)
		if (turn(all, block, WEIR_MARK_AT_HAND(block), WEIR_MARK_LEASED(block))) {
			weir_store_relaxed(&mine->leases, weir_load_relaxed(&mine->leases) + 1);
			return block;
		}
	return NULL;
}

static char *lease_at_hand(struct weir_magazines *all, struct weir_magazine *mine)
{
	struct weir_magazine_way way = { mine, 0 };
	char *block = weir_magazine_enter(&way) ? lease_entry(all, mine) : NULL;

	leave(all, way);
	return block;
}

static unsigned stock_entries(const struct weir_magazines *all, struct weir_magazine *mine,
			      char **blocks, unsigned count)
{
	for (; count > 0 && !is_full(all, mine); count--)
		if (turn(all, blocks[count - 1], WEIR_MARK_FREE,
			 WEIR_MARK_AT_HAND(blocks[count - 1])))
			push(all, mine, blocks[count - 1]);
	return count;
}

/* Puts blocks in hand into the magazine, the first on top; those that do not fit go back, and all
 * of them while another has it. */
static void stock(struct weir_magazines *all, struct weir_magazine *mine, char **blocks,
		  unsigned count, uint64_t epoch)
{
	struct weir_magazine_way way = { mine, 0 };

	if (mine) {
		if (weir_magazine_enter(&way))
			count = stock_entries(all, mine, blocks, count);
		leave(all, way);
	}
	if (count > 0)
		tell(all, blocks, weir_slabs_give(&all->slabs, blocks, count, epoch));
}

/* The first that the program does not have is leased. */
static char *lease_first(struct weir_magazines *all, struct weir_magazine *mine, char **blocks,
			 unsigned count, uint64_t epoch)
{
	unsigned i = 0;

	while (i < count && !turn(all, blocks[i], WEIR_MARK_FREE, WEIR_MARK_LEASED(blocks[i])))
		i++;
	if (i == count)
		return NULL;
	weir_add_relaxed(&all->leases, (uint64_t)1);
	stock(all, mine, blocks + i + 1, count - i - 1, epoch);
	return blocks[i];
}

/* What others have at hand may be the last there is. */
static unsigned take(struct weir_magazines *all, char **blocks, unsigned most)
{
	unsigned count = weir_slabs_take(&all->slabs, blocks, most);

	if (count > 0)
		return count;
	weir_magazines_gather(all);
	return weir_slabs_take(&all->slabs, blocks, 1);
}

static void *lease(struct weir_magazines *all)
{
	char *blocks[WEIR_MAGAZINE_BLOCKS / 2], *block;
	struct weir_magazine *mine;
	uint64_t epoch;
	unsigned count;

	if (is_closed(all))
		return NULL;
	mine = claim(all);
	block = mine ? lease_at_hand(all, mine) : NULL;
	while (!block) {
		epoch = epoch_of(all);
		count = take(all, blocks, mine ? half(all) : 1);
		if (count == 0)
			return NULL;
		block = lease_first(all, mine, blocks, count, epoch);
	}
	return block;
}

void *weir_magazines_lease_otherwise(struct weir_magazines *all, struct weir_magazine_way way)
{
	if (way.magazine)
		leave(all, way);
	return lease(all);
}

void *weir_magazine_leased(struct weir_magazines *all, struct weir_magazine *magazine, void *block)
{
	weir_magazine_hand_over(all, magazine);
	return block;
}

uint64_t weir_magazines_leases(const struct weir_magazines *all)
{
	uint64_t leases = weir_load_relaxed(&all->leases);

	for (unsigned i = 0; i < all->magazines; i++)
		leases += weir_load_relaxed(&all->each[i].leases);
	return leases;
}

uint64_t weir_magazines_out(const struct weir_magazines *all)
{
	uint64_t taken = weir_load_acquire(&all->slabs.taken), at_hand = 0;

	for (unsigned i = 0; i < all->magazines; i++)
		at_hand += count_of(&all->each[i]);
	return taken - weir_min(taken, at_hand);
}

/* Returns */

/* To a magazine that may be full: then half of it goes to the slabs. */
static bool return_to(struct weir_magazines *all, struct weir_magazine *mine, char *block)
{
	char *blocks[WEIR_MAGAZINE_BLOCKS];
	uint64_t epoch = epoch_of(all);
	struct weir_magazine_way way = { mine, 0 };
	bool entered = weir_magazine_enter(&way);
	unsigned count = 0;

	if (entered) {
		if (is_full(all, mine))
			count = take_beyond(mine, half(all), blocks);
		weir_store_relaxed(weir_slabs_mark(&all->slabs, block), WEIR_MARK_AT_HAND(block));
		push(all, mine, block);
	}
	leave(all, way);
	give_back(all, blocks, count, epoch);
	return entered;
}

static enum weir_returned give(struct weir_magazines *all, char *block)
{
	struct weir_magazine *mine = is_closed(all) ? NULL : claim(all);
	uint64_t epoch;

	if (mine && return_to(all, mine, block))
		return WEIR_RETURNED;
	epoch = epoch_of(all);
	weir_store_relaxed(weir_slabs_mark(&all->slabs, block), WEIR_MARK_FREE);
	return weir_slabs_give(&all->slabs, &block, 1, epoch) == 0 ? WEIR_RETURNED
								   : WEIR_RETURNED_UNLEASED;
}

enum weir_returned weir_magazines_return_otherwise(struct weir_magazines *all,
						   struct weir_magazine_way way, char *block)
{
	if (way.magazine)
		leave(all, way);
	return give(all, block);
}

enum weir_returned weir_magazines_refuse(const struct weir_magazines *all, const void *address)
{
	uint32_t index, number;

	return weir_slabs_find(&all->slabs, address, &index, &number) ? WEIR_RETURNED_UNLEASED
								      : WEIR_RETURNED_NO_BLOCK;
}
