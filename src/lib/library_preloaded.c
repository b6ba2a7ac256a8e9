#include "backend.h"
#include "library.h"

const char *weir_library_backend(void)
{
	return weir_backend_name();
}

bool weir_library_harden(void)
{
	return weir_backend_seal();
}
