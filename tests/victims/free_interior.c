#include "misuse.h"

int main(void)
{
	char *block = misuse_block();

	free(misuse_hide(misuse_announce(block + 4096)));
	return 0;
}
