#include "harden.h"

#include "colour.h"
#include "extent.h"
#include "report.h"

#include <string.h>

uint64_t weir_harden_colour(size_t bytes, size_t align)
{
	size_t page = weir_os_page_bytes();
	uint64_t most = (weir_align_up(bytes, page) - bytes) / WEIR_COLOUR_ALIGN;

	if (align > WEIR_COLOUR_ALIGN)
		return 0;
	return weir_min(most, (uint64_t)WEIR_COLOURS - 1) << WEIR_SLOT_COLOUR_SHIFT;
}

size_t weir_harden_reach(size_t bytes, size_t align)
{
	return weir_colour_bytes(weir_harden_colour(bytes, align)) + bytes;
}

unsigned weir_harden_region(size_t bytes, size_t align)
{
	size_t page = weir_os_page_bytes();

	return weir_region_of(weir_align_up(bytes, page) + page, align);
}

static char *slot_of(const struct weir_block *block)
{
	return weir_region_address(block->region, block->index);
}

/* The first byte that is not `value`, or NULL. */
static const char *find_other(const char *bytes, size_t count, int value)
{
	for (size_t i = 0; i < count; i++)
		if ((unsigned char)bytes[i] != value)
			return bytes + i;
	return NULL;
}

/* Pages of free blocks */

/* Pages that are asked for at a time: bytes of stack. */
#define WINDOW_PAGES 1024

/* What is done to a run of pages that are all resident, or all not; what it returns ends the
 * walk, unless it is NULL. */
typedef const char *visit(struct weir_space *space, char *address, size_t bytes, bool resident);

/* Where the kernel does not say which are resident, all are taken for it. */
static const char *visit_window(struct weir_space *space, char *address, size_t pages,
				size_t page_bytes, visit *act)
{
	unsigned char map[WINDOW_PAGES];
	bool known = weir_os_residency(address, pages * page_bytes, map);
	const char *found = NULL;
	size_t from = 0;

	for (size_t i = 1; i <= pages && !found; i++) {
		if (i < pages && (!known || (map[i] & 1) == (map[from] & 1)))
			continue;
		found = act(space, address + from * page_bytes, (i - from) * page_bytes,
			    !known || (map[from] & 1));
		from = i;
	}
	return found;
}

static const char *visit_pages(struct weir_space *space, const struct weir_block *block,
			       size_t bytes, visit *act)
{
	size_t page_bytes = block->region->page_bytes;
	size_t window = WINDOW_PAGES * page_bytes;
	const char *found = NULL;

	for (size_t at = 0; at < bytes && !found; at += window)
		found = visit_window(space, slot_of(block) + at,
				     weir_min(bytes - at, window) / page_bytes, page_bytes, act);
	return found;
}

/* A page that was swapped out looks as if it had never been there: it is dropped, which costs
 * nothing where that is true. */
static const char *fill(struct weir_space *space, char *address, size_t bytes, bool resident)
{
	if (resident || !space->release_zeroes || !weir_os_release(address, bytes))
		memset(address, WEIR_HARDEN_FILL, bytes);
	return NULL;
}

/* A page against itself a byte further: all are as the first one then. */
static const char *find_written_in(const char *page, size_t bytes)
{
	int first = (unsigned char)page[0];

	if (first != 0 && first != WEIR_HARDEN_FILL)
		return page;
	return memcmp(page, page + 1, bytes - 1) == 0 ? NULL : find_other(page, bytes, first);
}

static const char *find_written(struct weir_space *space, char *address, size_t bytes,
				bool resident)
{
	size_t page_bytes = space->regions[0].page_bytes;
	const char *found = NULL;

	for (size_t at = 0; resident && at < bytes && !found; at += page_bytes)
		found = find_written_in(address + at, page_bytes);
	return found;
}

/* Bounds of live blocks */

static size_t end_of_pages(const struct weir_block *block, size_t reach)
{
	return weir_align_up(reach, block->region->page_bytes);
}

static char *guard_of(const struct weir_block *block, size_t reach)
{
	return slot_of(block) + end_of_pages(block, reach);
}

void weir_harden_begin(struct weir_space *space, const struct weir_block *block, size_t reach)
{
	char *slot = slot_of(block);
	size_t extent = weir_units_to_bytes(weir_slot_extent(block->word));
	const char *written = visit_pages(space, block, extent, find_written);

	if (written)
		weir_report_misuse("malloc", written,
				   "the program wrote to this address after it had freed it");
	memset(slot, WEIR_HARDEN_FILL, weir_colour_bytes(block->word));
	memset(slot + reach, WEIR_HARDEN_FILL, end_of_pages(block, reach) - reach);
	if (!weir_os_deny(guard_of(block, reach), block->region->page_bytes))
		weir_stats_count(WEIR_COUNT_guard_failures, 1);
}

void weir_harden_check(const char *call, const struct weir_block *block)
{
	char *slot = slot_of(block);
	size_t before = weir_colour_bytes(block->word);
	size_t reach = weir_slot_reach(block->word);

	if (find_other(slot, before, WEIR_HARDEN_FILL))
		weir_report_misuse(call, slot + before, "the program wrote before this block");
	if (find_other(slot + reach, end_of_pages(block, reach) - reach, WEIR_HARDEN_FILL))
		weir_report_misuse(call, slot + before,
				   "the program wrote past the end of this block");
}

/* Fresh pages have the protection of the others, too. */
static bool end_guard(const struct weir_block *block, size_t reach)
{
	char *guard = guard_of(block, reach);
	size_t page = block->region->page_bytes;

	return weir_os_commit(guard, page) || weir_os_renew(guard, page, block->region->advice);
}

bool weir_harden_end(struct weir_space *space, const struct weir_block *block)
{
	size_t reach = weir_slot_reach(block->word);

	weir_harden_check("free", block);
	if (!end_guard(block, reach)) {
		weir_stats_count(WEIR_COUNT_guard_failures, 1);
		weir_extent_trim(space, block->region, block->index, 0,
				 end_of_pages(block, reach) >> WEIR_UNIT_SHIFT);
		return false;
	}
	visit_pages(space, block, end_of_pages(block, reach), fill);
	return true;
}
