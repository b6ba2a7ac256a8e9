#include "misuse.h"

/* Other blocks come and go between the two, as many as a quarantine makes wait. */
int main(void)
{
	char *block = misuse_announce(misuse_block());
	char *others[50];

	free(misuse_hide(block));
	for (int i = 0; i < 50; i++)
		others[i] = misuse_block();
	for (int i = 0; i < 50; i++)
		free(misuse_hide(others[i]));
	free(misuse_hide(block));
	return 0;
}
