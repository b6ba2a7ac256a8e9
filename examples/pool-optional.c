/* Takes its buffers from a pool where weir is preloaded, and from malloc where it is not. It is
 * built without weir's library: cc pool-optional.c; LD_PRELOAD=libweir.so.0 ./a.out */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir_preloaded.h>

#define MIB ((size_t)1 << 20)

static struct weir_pool *make_pool(void)
{
	struct weir_pool_options options = weir_preloaded_pool_preset(WEIR_PRESET_MODERATE);

	options.name = "frames";
	return weir_preloaded_pool_create(&options);
}

/* Also where pool is NULL, as it is without weir. */
static int develop(struct weir_pool *pool, int frame)
{
	char *pixels = weir_preloaded_lease(pool, 6 * MIB, 0);

	if (pixels == NULL)
		return -1;
	memset(pixels, frame, 6 * MIB);
	return weir_preloaded_return(pool, pixels);
}

int main(void)
{
	struct weir_pool *pool = make_pool();
	struct weir_pool_figures figures;

	for (int frame = 0; frame < 100; frame++)
		if (develop(pool, frame) != 0) {
			perror("develop");
			return EXIT_FAILURE;
		}
	weir_preloaded_pool_stats(pool, &figures);
	printf("%s: 100 frames, %d of them without new memory\n",
	       weir_preloaded() ? "weir" : "malloc", (int)figures.hits);
	printf("%zu KiB released\n", weir_preloaded_release() >> 10);
	weir_preloaded_pool_dispose(pool);
	return EXIT_SUCCESS;
}
