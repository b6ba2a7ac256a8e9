#include "misuse.h"

int main(void)
{
	char *block = misuse_announce(misuse_block());

	block[MISUSE_BYTES] = 2;
	return realloc(misuse_hide(block), 2 * MISUSE_BYTES) == NULL;
}
