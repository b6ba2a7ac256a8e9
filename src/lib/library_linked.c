#include "library.h"

const char *weir_library_backend(void)
{
	return "";
}

bool weir_library_harden(void)
{
	return true;
}

int weir_library_sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
	return sigaction(number, action, old);
}
