#include "misuse.h"

int main(void)
{
	char *block = misuse_announce(misuse_block());

	free(misuse_hide(block));
	return malloc_usable_size(misuse_hide(block)) == 0;
}
