#include "cache.h"

static const struct weir_region *region_of(const struct weir_space *space, unsigned class_index)
{
	return &space->regions[weir_class_region(class_index)];
}

/* The slot of an entry, if it is still that entry's: its word is CACHED. */
static struct weir_slot *slot_of(const struct weir_cache *cache, unsigned group,
				 unsigned class_index, uint64_t *word)
{
	struct weir_slot *slot = weir_load_acquire(&cache->entries[group][class_index].slot);

	if (!slot)
		return NULL;
	*word = weir_load_acquire(&slot->word);
	if (!(*word & WEIR_SLOT_CACHED) ||
	    weir_load_relaxed(&slot->next) != weir_cache_id(group, class_index) ||
	    weir_load_relaxed(&slot->pool) != cache->place)
		return NULL;
	return slot;
}

static void init_classes(struct weir_cache *cache, size_t reach_bytes)
{
	for (size_t i = 0; i <= reach_bytes >> WEIR_CACHE_STEP_SHIFT; i++) {
		size_t bytes = i << WEIR_CACHE_STEP_SHIFT;

		cache->classes[i] = (uint8_t)weir_class_of(weir_region_of(bytes, 1), bytes);
	}
}

/* Pages of it that no request needs are not touched. */
void weir_cache_init(struct weir_cache *cache, const struct weir_space *space, uint16_t place,
		     size_t reach_bytes)
{
	size_t most = weir_min(reach_bytes, weir_region_stride(WEIR_CACHE_REGIONS - 1));
	unsigned classes = (weir_region_of(most, 1) + 1) * WEIR_CLASSES_PER_REGION;

	init_classes(cache, weir_align_up(most, (size_t)1 << WEIR_CACHE_STEP_SHIFT));
	cache->place = place;
	for (unsigned group = 0; group < WEIR_CACHE_GROUPS; group++)
		for (unsigned c = 0; c < classes; c++) {
			struct weir_cache_entry *entry = &cache->entries[group][c];
			const struct weir_region *region = region_of(space, c);

			entry->slots = region->slots;
			entry->base = region->base;
			entry->stride_shift = region->stride_shift;
		}
}

void weir_cache_forget(struct weir_cache *cache, uint64_t word)
{
	weir_add_relaxed(&cache->units, -weir_slot_extent(word));
}

bool weir_cache_unbind(struct weir_cache *cache, struct weir_slot *slot, uint64_t word)
{
	if (weir_slot_reach(word) != cache->place ||
	    !weir_cas_seq_cst(&slot->word, &word, weir_slot_word(0, 0, weir_slot_extent(word))))
		return false;
	weir_cache_forget(cache, word);
	return true;
}

static bool reclaim_live(struct weir_cache *unused, struct weir_slot *slot, uint64_t word)
{
	(void)unused;
	return (word & WEIR_SLOT_LIVE) &&
	       weir_cas_seq_cst(&slot->word, &word, word & ~(WEIR_SLOT_CACHED | WEIR_SLOT_AGED));
}

/* The word comes before the entry, or another thread would take the entry for stale and bind
 * a slot of its own. */
bool weir_cache_bind(struct weir_cache *cache, struct weir_region *region, uint32_t index,
		     unsigned group, unsigned class_index, uint64_t extent_units,
		     struct weir_slot **nameless)
{
	struct weir_cache_entry *entry = &cache->entries[group][class_index];
	struct weir_slot *slot = &region->slots[index];
	struct weir_slot *old = weir_load_acquire(&entry->slot);
	uint64_t word;

	if (slot_of(cache, group, class_index, &word))
		return false;
	weir_add_relaxed(&cache->units, extent_units);
	weir_store_relaxed(&slot->next, weir_cache_id(group, class_index));
	weir_store_seq_cst(&slot->word,
			   weir_slot_word(WEIR_SLOT_CACHED, cache->place, extent_units));
	if (!weir_cas_acq_rel(&entry->slot, &old, slot))
		*nameless = slot;
	else
		*nameless = old != slot ? old : NULL;
	weir_or_relaxed(&cache->bound[group], (uint64_t)1 << class_index);
	return true;
}

enum weir_disowned weir_cache_disown(struct weir_cache *cache, struct weir_slot *slot, uint32_t id,
				     uint64_t *word)
{
	*word = weir_load_acquire(&slot->word);
	while ((*word & WEIR_SLOT_CACHED) && weir_load_relaxed(&slot->next) == id &&
	       weir_load_relaxed(&slot->pool) == cache->place) {
		if (reclaim_live(cache, slot, *word))
			return WEIR_DISOWNED_LIVE;
		if (!(*word & WEIR_SLOT_LIVE) && weir_cache_unbind(cache, slot, *word))
			return WEIR_DISOWNED_FREE;
		*word = weir_load_acquire(&slot->word);
	}
	return WEIR_DISOWNED_NONE;
}

bool weir_cache_take_shorter(struct weir_cache *cache, struct weir_region *region, unsigned group,
			     unsigned class_index, uint64_t extent_units, uint32_t *index,
			     uint64_t *word)
{
	struct weir_slot *slot = slot_of(cache, group, class_index, word);

	if (!slot || (*word & WEIR_SLOT_LIVE) || weir_slot_extent(*word) >= extent_units ||
	    !weir_cache_unbind(cache, slot, *word))
		return false;
	*index = (uint32_t)(slot - region->slots);
	return true;
}

/* The next entry that was ever bound; few are. */
static bool next_bound(const struct weir_cache *cache, unsigned *group, unsigned *class_index)
{
	uint64_t rest;

	for (; *group < WEIR_CACHE_GROUPS; (*group)++, *class_index = 0) {
		rest = *class_index < WEIR_CACHE_CLASSES
			       ? weir_load_relaxed(&cache->bound[*group]) >> *class_index
			       : 0;
		if (rest != 0) {
			*class_index += (unsigned)__builtin_ctzll(rest);
			return true;
		}
	}
	return false;
}

/* Calls `act` on each entry's slot until one call succeeds. */
typedef bool visit(struct weir_cache *cache, struct weir_slot *slot, uint64_t word);

static bool find(struct weir_cache *cache, struct weir_space *space, visit *act,
		 struct weir_region **region, uint32_t *index, uint64_t *word)
{
	struct weir_slot *slot;

	for (unsigned group = 0, c = 0; next_bound(cache, &group, &c); c++) {
		slot = slot_of(cache, group, c, word);
		if (!slot || !act(cache, slot, *word))
			continue;
		*region = &space->regions[weir_class_region(c)];
		*index = (uint32_t)(slot - (*region)->slots);
		return true;
	}
	return false;
}

static bool take_free(struct weir_cache *cache, struct weir_slot *slot, uint64_t word)
{
	return !(word & WEIR_SLOT_LIVE) && weir_cache_unbind(cache, slot, word);
}

bool weir_cache_take_any(struct weir_cache *cache, struct weir_space *space,
			 struct weir_region **region, uint32_t *index, uint64_t *word)
{
	return weir_load_relaxed(&cache->units) > 0 &&
	       find(cache, space, take_free, region, index, word);
}

void weir_cache_age(struct weir_cache *cache, unsigned parts)
{
	struct weir_cache_entry *entry;
	struct weir_slot *slot;
	uint64_t word;

	for (unsigned group = 0, c = 0; next_bound(cache, &group, &c); c++) {
		slot = slot_of(cache, group, c, &word);
		entry = &cache->entries[group][c];
		if (slot && (word & WEIR_SLOT_AGED) && !(word & WEIR_SLOT_LIVE))
			weir_store_relaxed(&entry->age, weir_load_relaxed(&entry->age) + parts);
		else
			weir_store_relaxed(&entry->age, 0U);
		if (slot && !(word & (WEIR_SLOT_AGED | WEIR_SLOT_LIVE)))
			weir_cas_acq_rel(&slot->word, &word, word | WEIR_SLOT_AGED);
	}
}

static const struct weir_cache_entry *entry_of(const struct weir_cache *cache,
					       const struct weir_slot *slot)
{
	return &cache->entries[0][0] + weir_load_relaxed(&slot->next) - 1;
}

static bool take_aged(struct weir_cache *cache, struct weir_slot *slot, uint64_t word)
{
	return (word & WEIR_SLOT_AGED) &&
	       weir_load_relaxed(&entry_of(cache, slot)->age) >= WEIR_CACHE_OLD &&
	       take_free(cache, slot, word);
}

bool weir_cache_take_aged(struct weir_cache *cache, struct weir_space *space,
			  struct weir_region **region, uint32_t *index, uint64_t *word)
{
	return find(cache, space, take_aged, region, index, word);
}

bool weir_cache_reclaim(struct weir_cache *cache, struct weir_space *space,
			struct weir_region **region, uint32_t *index, uint64_t *word)
{
	return weir_load_relaxed(&cache->units) > 0 &&
	       find(cache, space, reclaim_live, region, index, word);
}

uint64_t weir_cache_credit(const struct weir_cache *cache, const struct weir_space *space)
{
	uint64_t units = 0, word;

	for (unsigned group = 0, c = 0; next_bound(cache, &group, &c); c++)
		if (slot_of(cache, group, c, &word) && (word & WEIR_SLOT_LIVE))
			units += weir_region_units(region_of(space, c), weir_slot_reach(word));
	return units;
}

uint64_t weir_cache_hits(const struct weir_pool_counts *stats, unsigned class_index)
{
	uint64_t hits = 0;

	for (unsigned group = 0; class_index < WEIR_CACHE_CLASSES && group < WEIR_CACHE_GROUPS;
	     group++)
		hits += weir_load_relaxed(&stats->cached_hits[group][class_index]);
	return hits;
}
