#include "misuse.h"

/* Behind the rest of the last page, which is less than 128 bytes. */
int main(void)
{
	char *block = misuse_announce(misuse_block());

	block[MISUSE_BYTES + 127] = 2;
	return 0;
}
