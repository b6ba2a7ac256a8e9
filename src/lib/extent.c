#include "extent.h"

#include "stats.h"

/* A kernel that refused so many moves, one after the other, most likely knows none (before 5.7, a
 * sandbox); it gets another try now and then, for the others are short of mappings for a while. */
#define REFUSALS_MAX 8
#define RETRY_EVERY 1024

/* A quarter of the mappings that a process may have by default (65530). */
#define PIECES_MAX 16384

/* A program may ask for huge pages inside its block (numpy does), and the last
 * of them may reach beyond the extent. Released to its end, it is not split. */
static size_t release_end(const struct weir_region *region, uint64_t extent_units)
{
	size_t end = weir_units_to_bytes(extent_units);

	if (weir_region_slot_bytes(region) >= WEIR_HUGE_PAGE_BYTES)
		end = weir_align_up(end, WEIR_HUGE_PAGE_BYTES);
	return end;
}

/* Looking at what is resident: windows of so many pages, that many of them. */
#define WINDOW_PAGES 1024 /* bytes of stack, maybe a signal handler's */
#define SAMPLES 8
#define SAMPLE_PAGES 32

/* Resident pages of a window, and the end of the last of them; all where the kernel
 * does not say. */
static unsigned count_resident(char *address, unsigned pages, size_t page_bytes, unsigned *end)
{
	unsigned char map[WINDOW_PAGES];
	unsigned count = 0;

	*end = pages;
	if (!weir_os_residency(address, pages * page_bytes, map))
		return pages;
	*end = 0;
	for (unsigned i = 0; i < pages; i++)
		if (map[i] & 1) {
			count++;
			*end = i + 1;
		}
	return count;
}

static size_t resident_end(char *slot, size_t from, size_t to, size_t page_bytes)
{
	unsigned pages, end;

	while (to > from) {
		pages = (unsigned)weir_min((to - from) / page_bytes, WINDOW_PAGES);
		to -= pages * page_bytes;
		if (count_resident(slot + to, pages, page_bytes, &end) > 0)
			return to + end * page_bytes;
	}
	return from;
}

/* By windows that lie evenly in the range. */
static unsigned resident_share(char *slot, size_t from, size_t to, size_t page_bytes)
{
	size_t step = weir_align_down((to - from) / SAMPLES, page_bytes);
	unsigned pages = (unsigned)weir_min(step / page_bytes, SAMPLE_PAGES);
	unsigned count = 0, end;

	if (pages == 0) /* too short to tell */
		return WEIR_SHARE_ALL;
	for (unsigned i = 0; i < SAMPLES; i++)
		count += count_resident(slot + from + i * step, pages, page_bytes, &end);
	return count * WEIR_SHARE_ALL / (SAMPLES * pages);
}

struct weir_resident weir_extent_look(const struct weir_region *region, uint32_t index,
				      uint64_t from_units, uint64_t to_units)
{
	char *slot = weir_region_address(region, index);
	size_t from = weir_units_to_bytes(from_units);
	size_t end = resident_end(slot, from, weir_units_to_bytes(to_units), region->page_bytes);

	return (struct weir_resident){ end >> WEIR_UNIT_SHIFT,
				       resident_share(slot, from, weir_units_to_bytes(to_units),
						      region->page_bytes) };
}

static struct weir_slot *slot_of(const struct weir_region *region, uint32_t index)
{
	return &region->slots[index];
}

static char *address_of(struct weir_range range)
{
	return weir_region_address(range.region, range.index) + weir_units_to_bytes(range.at_units);
}

/* False when there would be too many. A slot has no more than chunks. */
static bool add_pieces(struct weir_space *space, struct weir_range range, uint32_t pieces)
{
	struct weir_slot *slot = slot_of(range.region, range.index);
	uint64_t chunk_bytes = weir_units_to_bytes(WEIR_CHUNK_UNITS);
	uint64_t most = weir_region_slot_bytes(range.region) / chunk_bytes + 1;
	uint32_t more = slot->pieces + pieces > most ? (uint32_t)most - slot->pieces : pieces;

	if (weir_load_relaxed(&space->pieces) + more > PIECES_MAX)
		return false;
	slot->pieces = (uint16_t)(slot->pieces + more);
	weir_add_relaxed(&space->pieces, more);
	return true;
}

/* Fresh pages under the whole slot join the mappings that moves have split. */
static bool heal(struct weir_space *space, struct weir_region *region, uint32_t index)
{
	struct weir_slot *slot = slot_of(region, index);

	if (!weir_os_renew(weir_region_address(region, index), weir_region_slot_bytes(region),
			   region->advice))
		return false;
	weir_add_relaxed(&space->pieces, -(uint32_t)slot->pieces);
	slot->pieces = 0;
	return true;
}

/* Moves have split its mapping; or the program may have, with advice of its own:
 * numpy asks for huge pages, and the slot's next block would have them beyond its
 * end. */
static bool has_own_mappings(const struct weir_region *region, uint32_t index,
			     uint64_t extent_units)
{
	return slot_of(region, index)->pieces > 0 ||
	       (extent_units > 0 && weir_region_slot_bytes(region) >= WEIR_HUGE_PAGE_BYTES);
}

bool weir_extent_trim(struct weir_space *space, struct weir_region *region, uint32_t index,
		      uint64_t keep_units, uint64_t extent_units)
{
	char *address = weir_region_address(region, index);
	size_t from = weir_units_to_bytes(keep_units);
	size_t bytes = release_end(region, extent_units) - from;
	bool gone = keep_units >= extent_units ||
		    (space->release_zeroes && weir_os_release(address + from, bytes));

	if (keep_units == 0 && (!gone || has_own_mappings(region, index, extent_units)))
		return heal(space, region, index) || gone;
	return gone || weir_os_renew(address + from, bytes, region->advice);
}

void weir_extent_advise(struct weir_space *space, struct weir_region *region, uint32_t index,
			size_t bytes)
{
	struct weir_range slot = { region, index, 0 };
	char *address = weir_region_address(region, index);
	size_t whole = weir_align_down(bytes, WEIR_HUGE_PAGE_BYTES);

	if (!add_pieces(space, slot, slot_of(region, index)->pieces == 0 ? 1 : 0))
		return;
	if (whole > 0)
		weir_os_advise_huge(address, whole, WEIR_HUGE_ALWAYS);
	if (whole < weir_region_slot_bytes(region))
		weir_os_advise_huge(address + whole, weir_region_slot_bytes(region) - whole,
				    region->advice);
}

/* The pieces that come with the pages: no more than there are at the source, or
 * than there are chunks. */
static uint32_t pieces_moved(const struct weir_slot *source, uint64_t units)
{
	uint32_t most = (uint32_t)(units / WEIR_CHUNK_UNITS);

	return 1 + (source->pieces < most ? source->pieces : most);
}

bool weir_extent_may_move(struct weir_space *space)
{
	if (WEIR_UNLIKELY(weir_load_relaxed(&space->moves) == WEIR_MOVES_LOSE))
		return false;
	return weir_load_relaxed(&space->moves_refused) < REFUSALS_MAX ||
	       weir_add_relaxed(&space->moves_refused, 1U) % RETRY_EVERY == 0;
}

/* qemu-user takes the source for unmapped, whatever the kernel says, or makes it so: mapped anew,
 * it is as it should be, but another thread's mmap might come first. So that was the last move. */
static void check_source(struct weir_space *space, struct weir_range from, uint64_t units)
{
	bool kept = weir_os_can_write(address_of(from));

	if (!kept)
		weir_os_renew(address_of(from), weir_units_to_bytes(units), from.region->advice);
	weir_store_relaxed(&space->moves, kept ? WEIR_MOVES_KEEP : WEIR_MOVES_LOSE);
}

uint64_t weir_extent_move(struct weir_space *space, struct weir_range to, struct weir_range from,
			  uint64_t units)
{
	uint32_t pieces = pieces_moved(slot_of(from.region, from.index), units);
	uint64_t moved;

	if (!add_pieces(space, to, pieces)) {
		weir_stats_count(WEIR_COUNT_remap_failures, 1);
		return 0;
	}
	moved = weir_os_move(address_of(to), address_of(from), weir_units_to_bytes(units)) >>
		WEIR_UNIT_SHIFT;
	if (moved < units)
		weir_stats_count(WEIR_COUNT_remap_failures, 1);
	if (moved == 0)
		weir_add_relaxed(&space->moves_refused, 1U);
	else if (weir_load_relaxed(&space->moves_refused) > 0)
		weir_store_relaxed(&space->moves_refused, 0U);
	if (moved > 0 && WEIR_UNLIKELY(weir_load_relaxed(&space->moves) != WEIR_MOVES_KEEP))
		check_source(space, from, moved);
	return moved;
}
