#include "library.h"

const char *weir_library_backend(void)
{
	return "";
}

bool weir_library_harden(void)
{
	return true;
}
