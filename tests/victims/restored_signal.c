/* Saves what SIGUSR1 does, handles it, restores it, by sigaction and by signal, and prints what
 * it found each time; then dies of it. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void handle(int number)
{
	(void)number;
	if (write(STDOUT_FILENO, "handled\n", 8) != 8)
		_exit(2);
}

static void show(const char *how, void (*found)(int))
{
	printf("%s: %s\n", how,
	       found == SIG_DFL	 ? "default"
	       : found == handle ? "own handler"
				 : "another handler");
	fflush(stdout);
}

int main(void)
{
	struct sigaction action = { .sa_handler = handle }, old;
	void (*found)(int);

	if (sigaction(SIGUSR1, NULL, &old) != 0)
		return 1;
	show("asked", old.sa_handler);
	found = signal(SIGUSR1, handle);
	show("signal", found);
	raise(SIGUSR1);
	show("restored", signal(SIGUSR1, found));
	if (sigaction(SIGUSR1, &action, &old) != 0)
		return 1;
	show("sigaction", old.sa_handler);
	raise(SIGUSR1);
	if (sigaction(SIGUSR1, &old, &action) != 0)
		return 1;
	show("restored", action.sa_handler);
	return raise(SIGUSR1);
}
