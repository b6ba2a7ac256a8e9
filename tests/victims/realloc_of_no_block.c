#include "misuse.h"

int main(void)
{
	char *block = misuse_block();

	return realloc(misuse_hide(misuse_announce(block + ((size_t)1 << 25))), 10) == NULL;
}
