#include "signal.h"

#include "engine.h"
#include "library.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static int handled; /* the number; const after weir_signal_install */

static void handle(int number, siginfo_t *info, void *context)
{
	int saved_errno = errno;

	(void)context;
	if (number != SIGRTMIN + WEIR_TRIM_SIGNAL_OFFSET || info->si_code != SI_QUEUE ||
	    info->si_value.sival_int == WEIR_TRIM_VALUE)
		weir_engine_release(WEIR_TRIGGER_signal);
	errno = saved_errno;
}

static void install(int number)
{
	struct sigaction action;

	if (number == 0 || weir_library_sigaction(number, NULL, &action) != 0 ||
	    action.sa_handler != SIG_DFL) // NOLINT: SIG_DFL's own representation
		return;
	memset(&action, 0, sizeof action);
	action.sa_sigaction = handle;
	action.sa_flags = SA_RESTART | SA_ONSTACK | SA_SIGINFO;
	weir_library_sigaction(number, &action, NULL);
}

static bool is_own(const struct sigaction *action)
{
	return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == handle;
}

static enum weir_signal_owner owner(void)
{
	struct sigaction action;

	if (handled == 0 || weir_library_sigaction(handled, NULL, &action) != 0)
		return WEIR_SIGNAL_OFF;
	return is_own(&action) ? WEIR_SIGNAL_WEIR : WEIR_SIGNAL_PROGRAM;
}

void weir_signal_hide(struct sigaction *old)
{
	if (is_own(old))
		*old = (struct sigaction){ .sa_handler = SIG_DFL };
}

void (*weir_signal_hidden(void (*old)(int number)))(int number)
{
	return (uintptr_t)old == (uintptr_t)handle ? SIG_DFL
						   : old; // NOLINT: its own representation
}

void weir_signal_look(void)
{
	weir_store_relaxed(&weir_stats_page.signal_owner, (uint32_t)owner());
}

/* Its number is noted last: one look is enough. */
void weir_signal_install(int number)
{
	install(number);
	handled = number;
	weir_stats_page.signal = (uint32_t)number;
	weir_signal_look();
}

void weir_signal_installed(int number)
{
	if (number == handled)
		weir_signal_look();
}
