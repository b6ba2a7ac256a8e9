/* Open addressing, at most half full; what is taken leaves no mark, for those behind it move up. */
#include "profile_live.h"

#include <stdlib.h>

static size_t place_of(const struct profile_live *live, uint32_t process, uint64_t key)
{
	uint64_t mixed = (key ^ (uint64_t)process << 48) * 0x9e3779b97f4a7c15;

	return (size_t)(mixed >> 20) & (live->room - 1);
}

static size_t next(const struct profile_live *live, size_t at)
{
	return (at + 1) & (live->room - 1);
}

/* Where the block is, or where it would be put. */
static size_t find(const struct profile_live *live, uint32_t process, uint64_t key)
{
	size_t at = place_of(live, process, key);

	while (live->blocks[at].bytes != 0 &&
	       (live->blocks[at].key != key || live->blocks[at].process != process))
		at = next(live, at);
	return at;
}

static bool make_room(struct profile_live *live)
{
	struct profile_live larger = { .room = live->room == 0 ? 1024 : 2 * live->room };

	if (2 * live->count < live->room)
		return true;
	larger.blocks = calloc(larger.room, sizeof *larger.blocks);
	if (larger.blocks == NULL)
		return false;
	for (size_t i = 0; i < live->room; i++)
		if (live->blocks[i].bytes != 0)
			profile_live_put(&larger, &live->blocks[i]);
	free(live->blocks);
	*live = larger;
	return true;
}

bool profile_live_put(struct profile_live *live, const struct profile_block *block)
{
	size_t at;

	if (!make_room(live))
		return false;
	at = find(live, block->process, block->key);
	live->count += live->blocks[at].bytes == 0;
	live->blocks[at] = *block;
	return true;
}

/* Whether the block at `from` may stand at `hole`: its own place is not between the two. */
static bool may_move(const struct profile_live *live, size_t hole, size_t from)
{
	const struct profile_block *block = &live->blocks[from];
	size_t home = place_of(live, block->process, block->key);

	return ((from - home) & (live->room - 1)) >= ((from - hole) & (live->room - 1));
}

static void close_hole(struct profile_live *live, size_t hole)
{
	for (size_t at = next(live, hole); live->blocks[at].bytes != 0; at = next(live, at))
		if (may_move(live, hole, at)) {
			live->blocks[hole] = live->blocks[at];
			hole = at;
		}
	live->blocks[hole].bytes = 0;
}

bool profile_live_take(struct profile_live *live, uint32_t process, uint64_t key,
		       struct profile_block *block)
{
	size_t at;

	if (live->count == 0)
		return false;
	at = find(live, process, key);
	if (live->blocks[at].bytes == 0)
		return false;
	*block = live->blocks[at];
	close_hole(live, at);
	live->count--;
	return true;
}

void profile_live_end(struct profile_live *live)
{
	free(live->blocks);
	*live = (struct profile_live){ NULL, 0, 0 };
}
