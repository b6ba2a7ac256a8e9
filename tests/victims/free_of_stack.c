#include "misuse.h"

int main(void)
{
	_Alignas(16) char local[256];

	memset(local, 0, sizeof local);
	free(misuse_hide(local + 64));
	return 0;
}
