/* Two pools, each with a limit of its own: what one keeps is nothing to the other. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir.h>

#define MIB ((size_t)1 << 20)
#define BLOCKS 16

/* Of originals 32 MiB are kept; of previews 4 MiB, and no more than 1 MiB of short ones. */
static struct weir_pool *make_originals(void)
{
	struct weir_pool_options options = { .name = "originals", .limit_bytes = 32 * MIB };

	return weir_pool_create(&options);
}

static struct weir_pool *make_previews(void)
{
	static const struct weir_pool_class_limit class_limits[] = {
		{ .min_bytes = 1, .max_bytes = MIB / 4, .limit_bytes = MIB },
		{ .min_bytes = 1, .max_bytes = WEIR_NO_LIMIT, .limit_bytes = 4 * MIB },
	};
	struct weir_pool_options options = weir_pool_preset(WEIR_PRESET_MINIMAL);

	options.name = "previews";
	options.limit_bytes = 4 * MIB;
	options.class_limits = class_limits;
	options.class_limit_count = 2;
	return weir_pool_create(&options);
}

static void use(struct weir_pool *pool, size_t bytes)
{
	void *blocks[BLOCKS];

	for (int i = 0; i < BLOCKS; i++) {
		blocks[i] = weir_lease(pool, bytes, 0);
		if (blocks[i] == NULL) {
			perror("weir_lease");
			exit(EXIT_FAILURE);
		}
		memset(blocks[i], 1, bytes);
	}
	for (int i = 0; i < BLOCKS; i++)
		weir_return(pool, blocks[i]);
}

static void print_kept(const char *when, struct weir_pool *originals, struct weir_pool *previews)
{
	struct weir_pool_figures big, small;

	weir_pool_stats(originals, &big);
	weir_pool_stats(previews, &small);
	printf("%s: %" PRIu64 " and %" PRIu64 " KiB are kept\n", when, big.retained_bytes >> 10,
	       small.retained_bytes >> 10);
}

int main(void)
{
	struct weir_pool *originals = make_originals(), *previews = make_previews();

	if (originals == NULL || previews == NULL) {
		perror("weir_pool_create");
		return EXIT_FAILURE;
	}
	use(originals, 3 * MIB);
	use(previews, MIB);
	print_kept("at their limits", originals, previews);
	weir_pool_set_limit(originals, 8 * MIB);
	print_kept("a lower one", originals, previews);
	weir_pool_release(previews);
	print_kept("one released", originals, previews);
	weir_pool_dispose(originals);
	weir_pool_dispose(previews);
	return EXIT_SUCCESS;
}
