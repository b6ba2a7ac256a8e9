#include "misuse.h"

int main(void)
{
	char *block = misuse_block();

	return realloc(misuse_hide(misuse_announce(block + 65536)), 2 * MISUSE_BYTES) == NULL;
}
