/* sigaction and signal, passed through: so that the statistics page says at once who has
 * WEIR_SIGNAL, and that the program finds there what it left there. Layer 7.
 *
 * A program that saves what a signal does, and later restores it, may be one that cannot restore
 * a handler which is not its own: Python shows it as None, and refuses that. So weir's handler is
 * shown as the default action. A program that sets the default action has it, as one does that
 * wants to die of the signal.
 *
 * Nobody outside can see whose a handler is, and a release by a signal that the program has
 * taken for itself would set off something else. Default and ignored signals are left to
 * who sends: the kernel's list of caught signals has them; and a child of vfork, whose
 * memory is its parent's, sets no other. Handlers that a program installs by the system call
 * itself go unnoticed. May be called in signal handlers once it was called before. */
#include "atomic.h"
#include "backend.h"
#include "library.h"
#include "signal.h"

#include <signal.h>

#define WEIR_EXPORT __attribute__((visibility("default")))

typedef void handler(int number);
typedef handler *installer(int number, handler *action);
static void *next(void **known, const char *name)
{
	void *found = weir_load_acquire(known);

	if (!found) {
		found = weir_backend_next(name);
		weir_store_release(known, found);
	}
	return found;
}

/* The C library's own representation of what is no handler. */
// cppcheck-suppress constParameter ; a function cannot be const
static bool is_handler(handler *action)
{
	return action != SIG_DFL && action != SIG_IGN && action != SIG_ERR; // NOLINT
}

WEIR_EXPORT int sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
	int result = weir_library_sigaction(number, action, old);

	if (result == 0 && old)
		weir_signal_hide(old);
	if (result == 0 && action && is_handler(action->sa_handler))
		weir_signal_installed(number);
	return result;
}

static handler *install(void **known, const char *name, int number, handler *action)
{
	installer *call = (installer *)next(known, name);
	handler *old;

	if (!call) /* a name of older programs that dlsym does not find: bsd_signal */
		call = (installer *)weir_backend_next("signal");
	old = call(number, action);

	if (old != SIG_ERR && is_handler(action)) // NOLINT: its own representation
		weir_signal_installed(number);
	return weir_signal_hidden(old);
}

/* signal(3) by all the names that it has. */
#define INSTALLER(name) \
	WEIR_EXPORT handler *name(int number, handler *action); \
	handler *name(int number, handler *action) \
	{ \
		static void *known; \
\
		return install(&known, #name, number, action); \
	}

INSTALLER(signal)
INSTALLER(bsd_signal)
INSTALLER(ssignal)
INSTALLER(sysv_signal)
INSTALLER(__sysv_signal)
INSTALLER(sigset)
