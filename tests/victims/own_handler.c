/* Installs its own SIGUSR1 handler once it holds a retained block, prints
 * `ready`, and prints `handled` for each signal until its stdin ends. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void handle(int number)
{
	(void)number;
	if (write(STDOUT_FILENO, "handled\n", 8) != 8)
		_exit(2);
}

static void retain_block(void)
{
	char *block = (char *)malloc((size_t)8 << 20);

	if (block == NULL)
		_exit(3);
	memset(block, 1, (size_t)8 << 20);
	free(block);
}

int main(void)
{
	struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART };
	char line[64];

	retain_block();
	if (sigaction(SIGUSR1, &action, NULL) != 0)
		return 1;
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL)
		;
	return 0;
}
