#include "signal.h"

#include "large.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static void handle(int number)
{
	int saved_errno = errno;

	(void)number;
	weir_large_release(WEIR_TRIGGER_signal);
	errno = saved_errno;
}

void weir_signal_install(int number)
{
	struct sigaction action;

	if (number == 0 || sigaction(number, NULL, &action) != 0 ||
	    action.sa_handler != SIG_DFL) // NOLINT: SIG_DFL's own representation
		return;
	memset(&action, 0, sizeof action);
	action.sa_handler = handle;
	action.sa_flags = SA_RESTART | SA_ONSTACK;
	sigaction(number, &action, NULL);
}

const char *weir_signal_owner(int number)
{
	struct sigaction action;

	if (number == 0 || sigaction(number, NULL, &action) != 0)
		return "off";
	return action.sa_handler == handle ? "weir" : "program";
}
