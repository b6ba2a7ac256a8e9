/* Counts pairs of bytes in stdin: in a table that has to begin as zeroes and at a page, read
 * through a buffer of which all is used that there is. */
#include <stdio.h>
#include <stdlib.h>
#include <weir.h>

#define PAIRS 65536

static unsigned *make_table(struct weir_pool *pool)
{
	return weir_lease(pool, PAIRS * sizeof(unsigned), WEIR_CLEAN | WEIR_ALIGN(4096));
}

static int count(struct weir_pool *pool, unsigned *table)
{
	unsigned char *buffer = weir_lease(pool, 100000, 0);
	unsigned pair = 0;
	size_t got;

	if (buffer == NULL)
		return -1;
	while ((got = fread(buffer, 1, weir_lease_size(buffer), stdin)) > 0)
		for (size_t i = 0; i < got; i++) {
			pair = (pair << 8 | buffer[i]) % PAIRS;
			table[pair]++;
		}
	return weir_return(pool, buffer);
}

static void print_most(const unsigned *table)
{
	unsigned most = 0;

	for (unsigned pair = 1; pair < PAIRS; pair++)
		if (table[pair] > table[most])
			most = pair;
	printf("%c%c %u times\n", most >> 8, most & 0xff, table[most]);
}

int main(void)
{
	struct weir_pool *pool = weir_pool_create(NULL);
	unsigned *table = pool != NULL ? make_table(pool) : NULL;

	if (table == NULL || count(pool, table) != 0) {
		perror("pool-clean");
		return EXIT_FAILURE;
	}
	print_most(table);
	weir_return(pool, table);
	weir_pool_dispose(pool);
	return EXIT_SUCCESS;
}
