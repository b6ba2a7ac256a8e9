#include "lists.h"

#define INDEX_MASK (((uint64_t)1 << WEIR_LIST_INDEX_BITS) - 1)

static uint64_t head_after(uint64_t head, uint32_t first)
{
	return ((head | INDEX_MASK) + 1) | first;
}

bool weir_list_is_empty(const struct weir_list *list)
{
	return (weir_load_relaxed(&list->head) & INDEX_MASK) == 0;
}

bool weir_list_first(const struct weir_list *list, uint32_t *index)
{
	uint32_t first = (uint32_t)(weir_load_acquire(&list->head) & INDEX_MASK);

	*index = first - 1;
	return first != 0;
}

bool weir_list_take(struct weir_list *list, struct weir_slot *slots, uint32_t *index)
{
	uint64_t head = weir_load_seq_cst(&list->head);
	uint32_t first, next;

	do {
		first = (uint32_t)(head & INDEX_MASK);
		if (first == 0)
			return false;
		next = weir_load_relaxed(&slots[first - 1].next);
	} while (!weir_cas_seq_cst(&list->head, &head, head_after(head, next)));
	*index = first - 1;
	return true;
}

void weir_list_put(struct weir_list *list, struct weir_slot *slots, uint32_t index)
{
	uint64_t head = weir_load_seq_cst(&list->head);

	do
		weir_store_relaxed(&slots[index].next, (uint32_t)(head & INDEX_MASK));
	while (!weir_cas_seq_cst(&list->head, &head, head_after(head, index + 1)));
}
