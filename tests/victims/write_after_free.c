#include "misuse.h"

/* What was written is found when the memory is to be given out again. */
int main(void)
{
	char *block = misuse_block();

	free(misuse_hide(block));
	*misuse_announce(block + 1000) = 2;
	for (int i = 0; i < 1000; i++)
		free(misuse_block());
	return 0;
}
