#include "quarantine.h"

#include "classes.h"

static uint64_t entry_of(const struct weir_space *space, const struct weir_waiting *slot)
{
	return (uint64_t)(slot->region - space->regions) << 32 | (slot->index + 1);
}

static struct weir_waiting slot_of(struct weir_space *space, uint64_t entry)
{
	return (struct weir_waiting){ &space->regions[entry >> 32], (uint32_t)entry - 1 };
}

/* Of a slot that waits, or is in hand: nobody else changes its word. */
static uint64_t units_of(const struct weir_waiting *slot)
{
	return weir_slot_extent(weir_load_relaxed(&slot->region->slots[slot->index].word));
}

static bool is_wanted(const struct weir_waiting *slot, unsigned own_class)
{
	uint64_t units = units_of(slot);
	unsigned region = slot->region->stride_shift - WEIR_MIN_STRIDE_SHIFT;

	return units > 0 && weir_class_of(region, weir_units_to_bytes(units)) != own_class;
}

bool weir_quarantine_pass(struct weir_quarantine *quarantine, struct weir_space *space,
			  const struct weir_waiting *slot, struct weir_waiting *leaves)
{
	uint64_t at = weir_add_relaxed(&quarantine->next, (uint64_t)1) % WEIR_QUARANTINE_PLACES;
	uint64_t left;

	weir_add_relaxed(&quarantine->units, units_of(slot));
	left = weir_exchange_acq_rel(&quarantine->places[at], entry_of(space, slot));
	if (left == 0)
		return false;
	*leaves = slot_of(space, left);
	weir_add_relaxed(&quarantine->units, -units_of(leaves));
	return true;
}

/* What a word says of a slot that has left meanwhile is not believed: the place has changed
 * then. */
bool weir_quarantine_take(struct weir_quarantine *quarantine, struct weir_space *space,
			  unsigned own_class, struct weir_waiting *slot)
{
	uint64_t next = weir_load_relaxed(&quarantine->next);
	uint64_t *place, entry;

	for (unsigned i = 0; i < WEIR_QUARANTINE_PLACES; i++) {
		place = &quarantine->places[(next + i) % WEIR_QUARANTINE_PLACES];
		entry = weir_load_acquire(place);
		if (entry == 0)
			continue;
		*slot = slot_of(space, entry);
		if (!is_wanted(slot, own_class) || !weir_cas_acq_rel(place, &entry, (uint64_t)0))
			continue;
		weir_add_relaxed(&quarantine->units, -units_of(slot));
		return true;
	}
	return false;
}
