#include "misuse.h"

/* Prints what is left of the bytes of a block that was freed. */
int main(void)
{
	char *block = misuse_block();

	free(misuse_hide(block));
	printf("%02x\n", (unsigned char)misuse_hide(block)[MISUSE_BYTES / 2]);
	return 0;
}
