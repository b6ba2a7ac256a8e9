#include "misuse.h"

int main(void)
{
	char *block = misuse_block();

	free(misuse_hide(misuse_announce(block + ((size_t)1 << 25))));
	return 0;
}
