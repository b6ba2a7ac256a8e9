/* Blocks of one size: messages of 4 KiB, cut out of slabs, which are released when all of their
 * blocks are back. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir.h>

#define MESSAGE_BYTES 4096
#define MESSAGES 1000

static struct weir_pool *make_pool(void)
{
	struct weir_pool_options options = {
		.name = "messages",
		.limit_bytes = (size_t)16 << 20,
		.block_bytes = MESSAGE_BYTES,
	};

	return weir_pool_create(&options);
}

static void lease_all(struct weir_pool *pool, char *messages[])
{
	for (int i = 0; i < MESSAGES; i++) {
		messages[i] = weir_lease(pool, MESSAGE_BYTES, 0);
		if (messages[i] == NULL) {
			perror("weir_lease");
			exit(EXIT_FAILURE);
		}
		memset(messages[i], i, MESSAGE_BYTES);
	}
}

static void print_figures(struct weir_pool *pool)
{
	struct weir_pool_figures figures;

	weir_pool_stats(pool, &figures);
	printf("%" PRIu64 " blocks of %" PRIu64 " KiB are out\n", figures.leased_blocks,
	       figures.leased_bytes >> 10);
}

int main(void)
{
	char *messages[MESSAGES];
	struct weir_pool *pool = make_pool();

	if (pool == NULL) {
		perror("weir_pool_create");
		return EXIT_FAILURE;
	}
	lease_all(pool, messages);
	print_figures(pool);
	for (int i = 0; i < MESSAGES; i++)
		weir_return(pool, messages[i]);
	print_figures(pool);
	if (weir_pool_release(pool) >= MESSAGES * MESSAGE_BYTES)
		puts("all of their slabs are released");
	weir_pool_dispose(pool);
	return EXIT_SUCCESS;
}
