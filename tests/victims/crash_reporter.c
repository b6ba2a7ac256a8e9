/* A library that reports crashes, as libSegFault does: on an alternative stack from malloc. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define STACK_BYTES ((size_t)128 << 10)

static void report(int number)
{
	(void)number;
	if (write(STDERR_FILENO, "crash reported\n", 15) != 15)
		_exit(2);
}

__attribute__((constructor)) static void start(void)
{
	static const int crashes[] = { SIGSEGV, SIGABRT, SIGBUS, SIGILL };
	stack_t stack = { .ss_sp = malloc(STACK_BYTES), .ss_size = STACK_BYTES };
	struct sigaction action = { .sa_handler = report,
				    .sa_flags = SA_ONSTACK | (int)SA_RESETHAND };

	sigaltstack(&stack, NULL);
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		sigaction(crashes[i], &action, NULL);
}
