/* many_blocks COUNT: so many blocks of 64 KiB at once, of which the first byte is written;
 * status 1 where one is not to be had or has lost it. */
#include <stdlib.h>

int main(int argc, char **argv)
{
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	char **blocks = calloc(count, sizeof *blocks);
	int status = blocks == NULL;

	for (size_t i = 0; i < count && status == 0; i++) {
		blocks[i] = malloc(65536);
		if (blocks[i] == NULL)
			status = 1;
		else
			blocks[i][0] = (char)i;
	}
	for (size_t i = 0; i < count && status == 0; i++) {
		if (blocks[i][0] != (char)i)
			status = 1;
		free(blocks[i]);
	}
	free(blocks);
	return status;
}
