#include "misuse.h"

/* Of the address that the block had before it moved. */
int main(void)
{
	char *block = misuse_announce(misuse_block());
	char *moved = realloc(misuse_hide(block), 20 * MISUSE_BYTES);

	if (moved == NULL || moved == block)
		return 1;
	free(misuse_hide(block));
	return 0;
}
