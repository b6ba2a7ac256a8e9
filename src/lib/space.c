#include "space.h"

/* Commits grow by this much at least, and by an eighth of what there is. */
#define COMMIT_STEP_BYTES (16 * WEIR_MIB)

static size_t slots_bytes(unsigned region, unsigned region_shift)
{
	size_t count = region_shift < weir_region_stride_shift(region)
			       ? 0
			       : (size_t)1 << (region_shift - weir_region_stride_shift(region));

	return weir_align_up(count * sizeof(struct weir_slot), weir_os_page_bytes());
}

static size_t all_slots_bytes(unsigned region_shift)
{
	size_t bytes = 0;

	for (unsigned region = 0; region < WEIR_REGION_COUNT; region++)
		bytes += slots_bytes(region, region_shift);
	return bytes;
}

static bool reserve(struct weir_space *space, unsigned region_shift, size_t *reserved)
{
	size_t span = (size_t)WEIR_REGION_COUNT << region_shift;
	unsigned align_shift =
		region_shift < WEIR_MAX_STRIDE_SHIFT ? region_shift : WEIR_MAX_STRIDE_SHIFT;
	void *base =
		weir_os_reserve(span + all_slots_bytes(region_shift), (size_t)1 << align_shift);

	if (!base)
		return false;
	space->base = (uintptr_t)base;
	space->region_shift = region_shift;
	*reserved = span;
	return true;
}

static bool reserve_largest(struct weir_space *space, const struct weir_space_options *options,
			    size_t *reserved)
{
	unsigned wanted = weir_log2_ceil(options->memory_bytes) + 1;
	unsigned shift = weir_max(wanted, WEIR_REGION_USUAL_SHIFT);
	size_t most = options->address_limit_bytes;

	shift = weir_min(shift, WEIR_REGION_MAX_SHIFT);
	for (; shift >= WEIR_REGION_MIN_SHIFT; shift--) {
		if (most != SIZE_MAX && ((size_t)WEIR_REGION_COUNT << shift) > most / 4)
			continue;
		if (reserve(space, shift, reserved))
			return true;
	}
	return false;
}

/* A huge page has 2 MiB where a page has 4 KiB, and elsewhere more than most blocks. */
static bool wants_huge_pages(const struct weir_space_options *options, size_t stride)
{
	return weir_os_page_bytes() == WEIR_UNIT_BYTES && stride >= options->huge_stride_bytes &&
	       (options->huge_stride_max == 0 || stride <= options->huge_stride_max);
}

static void init_regions(struct weir_space *space, const struct weir_space_options *options)
{
	size_t region_bytes = (size_t)1 << space->region_shift;
	char *base = (char *)space->base; /* NOLINT: the reservation's own address */
	char *slots = base + WEIR_REGION_COUNT * region_bytes;

	for (unsigned i = 0; i < WEIR_REGION_COUNT; i++) {
		struct weir_region *region = &space->regions[i];

		region->base = base + i * region_bytes;
		region->slots = (struct weir_slot *)(void *)slots;
		region->stride_shift = weir_region_stride_shift(i);
		if (space->region_shift >= region->stride_shift)
			region->slot_count = 1U << (space->region_shift - region->stride_shift);
		region->huge = wants_huge_pages(options, weir_region_stride(i));
		region->advice = options->advice;
		region->page_bytes = weir_os_page_bytes();
		region->trim_bytes = region->huge ? WEIR_HUGE_PAGE_BYTES : region->page_bytes;
		slots += slots_bytes(i, space->region_shift);
	}
	weir_os_advise_huge(base, WEIR_REGION_COUNT * region_bytes, options->advice);
}

/* Some emulators take MADV_DONTNEED for a hint; a kept page would then pass for
 * a zero page. Tried once, on the first page of the side arrays. */
static bool release_zeroes(struct weir_space *space)
{
	struct weir_slot *probe = space->regions[0].slots;
	size_t page = weir_os_page_bytes();

	if (!weir_os_commit(probe, page))
		return false;
	weir_store_relaxed(&probe->word, 1);
	if (weir_os_release(probe, page) && weir_load_relaxed(&probe->word) == 0)
		return true;
	weir_store_relaxed(&probe->word, 0);
	return false;
}

bool weir_space_init(struct weir_space *space, const struct weir_space_options *options)
{
	size_t span;

	if (!reserve_largest(space, options, &span))
		return false;
	init_regions(space, options);
	space->release_zeroes = release_zeroes(space);
	weir_store_release(&space->span, span);
	return true;
}

void weir_space_destroy(struct weir_space *space)
{
	if (space->span > 0)
		weir_os_unreserve((void *)space->base, /* NOLINT: as above */
				  space->span + all_slots_bytes(space->region_shift));
	space->span = 0;
}

bool weir_space_step(struct weir_space *space, uint64_t *cursor, struct weir_region **region,
		     uint32_t *index)
{
	uint64_t at = weir_load_relaxed(cursor);
	uint64_t next;
	bool used;

	for (;;) {
		if (at >> 32 >= WEIR_REGION_COUNT)
			return false;
		*region = &space->regions[at >> 32];
		*index = (uint32_t)at;
		used = *index < weir_region_fresh(*region);
		next = used ? at + 1 : ((at >> 32) + 1) << 32;
		if (!weir_cas_weak_relaxed(cursor, &at, next))
			continue;
		if (used)
			return true;
		at = next;
	}
}

static bool commit_to(struct weir_region *region, size_t frontier, size_t target)
{
	size_t slots = (target >> region->stride_shift) * sizeof(struct weir_slot);

	return weir_os_commit(region->slots, weir_align_up(slots, weir_os_page_bytes())) &&
	       weir_os_commit(region->base + frontier, target - frontier);
}

/* Moves the frontier to `needed` bytes or further. Threads may do so at once:
 * they commit overlapping ranges, and the larger frontier stays. */
static bool commit(struct weir_region *region, size_t needed)
{
	size_t frontier = weir_load_acquire(&region->frontier);
	size_t region_bytes = (size_t)region->slot_count << region->stride_shift;
	size_t step = weir_max(COMMIT_STEP_BYTES, frontier / 8);
	size_t target = weir_align_up(weir_max(needed, frontier + step), COMMIT_STEP_BYTES);

	if (needed <= frontier)
		return true;
	target = weir_min(target, region_bytes);
	if (!commit_to(region, frontier, target)) {
		target = needed;
		if (!commit_to(region, frontier, target))
			return false;
	}
	while (frontier < target && !weir_cas_weak_acq_rel(&region->frontier, &frontier, target))
		;
	return true;
}

bool weir_region_take_empty(struct weir_region *region, uint32_t *index)
{
	uint32_t fresh = weir_region_fresh(region);

	if (weir_list_take(&region->empty, region->slots, index))
		return true;
	do {
		if (fresh >= region->slot_count ||
		    !commit(region, ((size_t)fresh + 1) << region->stride_shift))
			return false;
	} while (!weir_cas_weak_acq_rel(&region->fresh, &fresh, fresh + 1));
	*index = fresh;
	return true;
}

void weir_region_put_empty(struct weir_region *region, uint32_t index)
{
	weir_list_put(&region->empty, region->slots, index);
}
