#include "churn.h"

#include <stdlib.h>

size_t bench_churn_choose_slot(struct bench_churn *churn)
{
	return bench_random_next(&churn->random) % churn->slots;
}

size_t bench_churn_choose_size(struct bench_churn *churn)
{
	return churn->choose(&churn->random, churn->size_min_bytes, churn->size_max_bytes);
}

void bench_churn_set(struct bench_churn *churn, size_t slot, char *block, size_t size_bytes)
{
	churn->live_bytes -= churn->block_bytes[slot];
	churn->blocks[slot] = block;
	churn->block_bytes[slot] = bench_whole_pages(size_bytes);
	churn->live_bytes += churn->block_bytes[slot];
	if (churn->live_bytes > churn->peak_live_bytes)
		churn->peak_live_bytes = churn->live_bytes;
}

void bench_churn_replace(struct bench_churn *churn, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		size_t slot = bench_churn_choose_slot(churn);
		size_t size_bytes = bench_churn_choose_size(churn);
		free(churn->blocks[slot]);
		bench_churn_set(churn, slot, bench_malloc(size_bytes), size_bytes);
		churn->write(churn->blocks[slot], size_bytes);
	}
}

void bench_churn_free(struct bench_churn *churn)
{
	for (size_t slot = 0; slot < churn->slots; slot++) {
		free(churn->blocks[slot]);
		bench_churn_set(churn, slot, NULL, 0);
	}
}
