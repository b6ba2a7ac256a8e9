#include "misuse.h"

int main(void)
{
	char *block = misuse_announce(misuse_block());

	free(misuse_hide(block));
	return realloc(misuse_hide(block), 2 * MISUSE_BYTES) == NULL;
}
