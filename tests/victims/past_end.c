#include "misuse.h"

int main(void)
{
	char *block = misuse_announce(misuse_block());

	block[MISUSE_BYTES] = 2;
	free(misuse_hide(block));
	return 0;
}
