#include "misuse.h"

int main(void)
{
	char *block = misuse_block();

	free(misuse_hide(misuse_announce(block + 17)));
	return 0;
}
