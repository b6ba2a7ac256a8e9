#include "misuse.h"
#include "pattern.h"

int main(void)
{
	char *block = misuse_announce(misuse_block());

	free(misuse_hide(block));
	malloc_trim(0);
	free(misuse_hide(block));
	return 0;
}
