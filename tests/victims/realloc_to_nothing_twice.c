#include "misuse.h"

int main(void)
{
	char *block = misuse_announce(misuse_block());

	free(realloc(misuse_hide(block), (size_t)strlen("")));
	free(realloc(misuse_hide(block), (size_t)strlen("")));
	return 0;
}
