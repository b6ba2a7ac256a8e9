/* Leases a buffer for each frame and returns it: after the first one, what is leased is what was
 * kept, and no page of it is faulted again. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir.h>

#define MIB ((size_t)1 << 20)
#define FRAME_BYTES (6 * MIB)
#define FRAMES 100

static struct weir_pool *make_pool(void)
{
	struct weir_pool_options options = weir_pool_preset(WEIR_PRESET_MODERATE);

	options.name = "frames";
	options.limit_bytes = 64 * MIB;
	return weir_pool_create(&options);
}

static int develop(struct weir_pool *pool, int frame)
{
	char *pixels = weir_lease(pool, FRAME_BYTES, 0);

	if (pixels == NULL)
		return -1;
	memset(pixels, frame, FRAME_BYTES);
	return weir_return(pool, pixels);
}

static void print_figures(struct weir_pool *pool)
{
	struct weir_pool_figures figures;

	weir_pool_stats(pool, &figures);
	printf("%" PRIu64 " leases, %" PRIu64 " served by what was kept\n", figures.leases,
	       figures.hits);
}

int main(void)
{
	struct weir_pool *pool = make_pool();

	if (pool == NULL) {
		perror("weir_pool_create");
		return EXIT_FAILURE;
	}
	for (int frame = 0; frame < FRAMES; frame++)
		if (develop(pool, frame) != 0) {
			perror("develop");
			return EXIT_FAILURE;
		}
	print_figures(pool);
	weir_pool_dispose(pool);
	return EXIT_SUCCESS;
}
