#include "misuse.h"

int main(void)
{
	char *block = misuse_block();

	return malloc_usable_size(misuse_hide(misuse_announce(block + 65536))) == 0;
}
