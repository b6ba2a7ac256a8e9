#include "track.h"

#include <string.h>

/* Of a word: the low bits count, the others are the address, of which 2^49 is no program's. */
#define COUNT_BITS 21
#define COUNT_MASK (((uint64_t)1 << COUNT_BITS) - 1)
#define ADDRESS_SHIFT 6
#define NO_BLOCK ((uint64_t)0)
#define TAKEN ((uint64_t)1) /* and being written: no block is there */

#define FIRST_LEVEL_PLACES ((size_t)1024)
#define FIRST_LEVEL_GROUP_BITS 6

/* Plain fields that are written with release and read with acquire: whoever reads one that is
 * newer than the word it read before finds another word afterwards. */
struct weir_track_record {
	weir_u64 since_ms;
	size_t bytes;
	uint32_t thread;
	uint32_t depth;
	void *stack[WEIR_TRACK_FRAMES];
};

static uint64_t key_of(const void *block)
{
	return (uintptr_t)block >> ADDRESS_SHIFT;
}

static uint64_t key_in(uint64_t word)
{
	return word >> COUNT_BITS;
}

static uint64_t word_after(uint64_t word, uint64_t key)
{
	return key << COUNT_BITS | ((word + 1) & COUNT_MASK);
}

static size_t places_of(unsigned level)
{
	return FIRST_LEVEL_PLACES << level;
}

static size_t words_bytes(unsigned level)
{
	return weir_align_up(places_of(level) * sizeof(weir_u64), weir_os_page_bytes());
}

static size_t level_bytes(unsigned level)
{
	return words_bytes(level) +
	       weir_align_up(places_of(level) * sizeof(struct weir_track_record),
			     weir_os_page_bytes());
}

/* A half more places than leases: hardly ever is there none. */
static unsigned levels_for(size_t most)
{
	unsigned count = 1;

	for (size_t places = places_of(0); places < most + most / 2 && count < WEIR_TRACK_LEVELS;
	     count++)
		places += places_of(count);
	return count;
}

static void lay_out(struct weir_track *track)
{
	char *at = track->reserved;

	for (unsigned i = 0; i < track->level_count; i++) {
		track->levels[i].words = (weir_u64 *)(void *)at;
		track->levels[i].records =
			(struct weir_track_record *)(void *)(at + words_bytes(i));
		at += level_bytes(i);
	}
}

bool weir_track_init(struct weir_track *track, size_t most)
{
	memset(track, 0, sizeof *track);
	track->most = most;
	track->level_count = levels_for(most);
	for (unsigned i = 0; i < track->level_count; i++)
		track->reserved_bytes += level_bytes(i);
	track->reserved = weir_os_reserve(track->reserved_bytes, weir_os_page_bytes());
	if (!track->reserved)
		return false;
	lay_out(track);
	return true;
}

void weir_track_destroy(struct weir_track *track)
{
	weir_os_unreserve(track->reserved, track->reserved_bytes);
	memset(track, 0, sizeof *track);
}

/* The first place of a block's group. */
static size_t group_of(uint64_t key, unsigned level)
{
	uint64_t hash = key * 0x9e3779b97f4a7c15;

	return (size_t)(hash >> (64 - FIRST_LEVEL_GROUP_BITS - level)) * WEIR_TRACK_GROUP;
}

/* Commits one more level than `used`; threads may do so at once. */
static bool grow(struct weir_track *track, unsigned used)
{
	unsigned seen = used;

	if (used == track->level_count ||
	    !weir_os_commit(track->levels[used].words, level_bytes(used)))
		return false;
	weir_cas_acq_rel(&track->levels_used, &seen, used + 1);
	return true;
}

/* A place of the group that nobody else gets; its word is stored. */
static bool take_in(const struct weir_track_level *level, size_t group, size_t *place,
		    uint64_t *word)
{
	for (size_t i = group; i < group + WEIR_TRACK_GROUP; i++) {
		uint64_t seen = weir_load_relaxed(&level->words[i]);

		if (key_in(seen) != NO_BLOCK)
			continue;
		*word = word_after(seen, TAKEN);
		if (!weir_cas_acq_rel(&level->words[i], &seen, *word))
			continue;
		*place = i;
		return true;
	}
	return false;
}

static void put_record(struct weir_track_record *record, const struct weir_track_lease *lease)
{
	unsigned depth = (unsigned)weir_min(lease->depth, (unsigned)WEIR_TRACK_FRAMES);

	weir_store_release(&record->since_ms, lease->since_ms);
	weir_store_release(&record->bytes, lease->bytes);
	weir_store_release(&record->thread, lease->thread);
	weir_store_release(&record->depth, depth);
	for (unsigned i = 0; i < depth; i++)
		weir_store_release(&record->stack[i], lease->stack[i]);
}

static bool put(struct weir_track *track, const struct weir_track_lease *lease)
{
	uint64_t key = key_of(lease->block), word;
	size_t place;

	for (unsigned i = 0; key <= UINT64_MAX >> COUNT_BITS; i++) {
		const struct weir_track_level *level = &track->levels[i];

		if (i == weir_load_acquire(&track->levels_used) && !grow(track, i))
			return false;
		if (!take_in(level, group_of(key, i), &place, &word))
			continue;
		put_record(&level->records[place], lease);
		weir_store_release(&level->words[place], word_after(word, key));
		return true;
	}
	return false;
}

void weir_track_add(struct weir_track *track, const struct weir_track_lease *lease)
{
	if (weir_add_relaxed(&track->tracked, (size_t)1) < track->most && put(track, lease))
		return;
	weir_add_relaxed(&track->tracked, (size_t)-1);
	weir_add_relaxed(&track->untracked, (size_t)1);
}

/* Nobody else changes the word of a place that has the block. */
static bool leave(const struct weir_track_level *level, size_t group, uint64_t key)
{
	for (size_t i = group; i < group + WEIR_TRACK_GROUP; i++) {
		uint64_t word = weir_load_relaxed(&level->words[i]);

		if (key_in(word) != key)
			continue;
		weir_store_release(&level->words[i], word_after(word, NO_BLOCK));
		return true;
	}
	return false;
}

/* A block that two threads return at one moment is looked for twice. */
static void uncount_untracked(struct weir_track *track)
{
	size_t seen = weir_load_relaxed(&track->untracked);

	while (seen > 0 && !weir_cas_weak_relaxed(&track->untracked, &seen, seen - 1))
		;
}

void weir_track_remove(struct weir_track *track, const void *block)
{
	unsigned used = weir_load_acquire(&track->levels_used);
	uint64_t key = key_of(block);

	for (unsigned i = 0; i < used; i++) {
		if (leave(&track->levels[i], group_of(key, i), key)) {
			weir_add_relaxed(&track->tracked, (size_t)-1);
			return;
		}
	}
	uncount_untracked(track);
}

static void get_record(struct weir_track_lease *lease, const struct weir_track_record *record)
{
	memset(lease, 0, sizeof *lease);
	lease->since_ms = weir_load_acquire(&record->since_ms);
	lease->bytes = weir_load_acquire(&record->bytes);
	lease->thread = weir_load_acquire(&record->thread);
	lease->depth = weir_load_acquire(&record->depth);
	for (unsigned i = 0; i < lease->depth; i++)
		lease->stack[i] = weir_load_acquire(&record->stack[i]);
}

/* False where no block is, or none that stayed while it was looked at. */
static bool look_at(const struct weir_track_level *level, size_t place,
		    struct weir_track_lease *lease)
{
	uint64_t word = weir_load_acquire(&level->words[place]);

	if (key_in(word) == NO_BLOCK || key_in(word) == TAKEN)
		return false;
	get_record(lease, &level->records[place]);
	lease->block = (const void *)(uintptr_t)(key_in(word) << ADDRESS_SHIFT); // NOLINT
	return weir_load_relaxed(&level->words[place]) == word;
}

bool weir_track_step(const struct weir_track *track, size_t *cursor, struct weir_track_lease *lease)
{
	unsigned used = weir_load_acquire(&track->levels_used);
	size_t first = 0;

	for (unsigned i = 0; i < used; first += places_of(i++)) {
		while (*cursor < first + places_of(i)) {
			size_t place = (*cursor)++ - first;

			if (look_at(&track->levels[i], place, lease))
				return true;
		}
	}
	return false;
}
