#include "misuse.h"

int main(void)
{
	char *block = misuse_announce(misuse_block());

	block[-1] = 2;
	free(misuse_hide(block));
	return 0;
}
