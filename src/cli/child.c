#include "child.h"

#include "os.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Blocked, and so taken one by one in child_wait. */
static sigset_t watched(void)
{
	static const int numbers[] = { SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		sigaddset(&set, numbers[i]);
	return set;
}

bool child_start(struct child *child, child_become *become, void *context)
{
	sigset_t set = watched();

	*child = (struct child){ .pid = -1 };
	sigprocmask(SIG_BLOCK, &set, &child->signals);
	child->pid = fork();
	if (child->pid == 0) {
		sigprocmask(SIG_SETMASK, &child->signals, NULL);
		_exit(become(context));
	}
	if (child->pid < 0)
		sigprocmask(SIG_SETMASK, &child->signals, NULL);
	return child->pid > 0;
}

static bool has_ended(struct child *child)
{
	if (wait4(child->pid, &child->status, WNOHANG, &child->usage) != child->pid)
		return false;
	sigprocmask(SIG_SETMASK, &child->signals, NULL);
	return true;
}

static void take(struct child *child, const siginfo_t *signal)
{
	bool is_terminals = signal->si_code == SI_KERNEL;

	if (signal->si_signo == SIGCHLD)
		return;
	child->passed = signal->si_signo;
	if (!is_terminals)
		kill(child->pid, signal->si_signo);
}

static struct timespec from_ms(int ms)
{
	return (struct timespec){ ms / 1000, (long)(ms % 1000) * 1000000 };
}

bool child_wait(struct child *child, int ms)
{
	uint64_t start_ns = weir_os_now_ns();
	int left_ms = ms;
	sigset_t set = watched();
	siginfo_t signal;

	while (!has_ended(child)) {
		struct timespec timeout = from_ms(ms < 0 ? 1000 : left_ms);

		if (sigtimedwait(&set, &signal, &timeout) > 0)
			take(child, &signal);
		left_ms = ms - (int)((weir_os_now_ns() - start_ns) / 1000000);
		if (ms >= 0 && left_ms <= 0)
			return has_ended(child);
	}
	return true;
}

int child_exit_status(const struct child *child)
{
	return WIFSIGNALED(child->status) ? 128 + WTERMSIG(child->status)
					  : WEXITSTATUS(child->status);
}
