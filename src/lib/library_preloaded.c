#include "atomic.h"
#include "backend.h"
#include "library.h"

typedef int sigaction_function(int number, const struct sigaction *action, struct sigaction *old);

const char *weir_library_backend(void)
{
	return weir_backend_name();
}

bool weir_library_harden(void)
{
	return weir_backend_seal();
}

int weir_library_sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
	static sigaction_function *next; /* atomic */
	sigaction_function *call = weir_load_acquire(&next);

	if (!call) {
		call = (sigaction_function *)weir_backend_next("sigaction");
		weir_store_release(&next, call);
	}
	return call(number, action, old);
}
