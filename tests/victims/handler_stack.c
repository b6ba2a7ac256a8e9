/* handler_stack: how much of an alternative stack SIGUSR1's handler takes, whatever it finds
 * retained, while two threads churn; and a handler that does nothing. Prints
 * `handler BYTES nothing BYTES`. */
#include "churning.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STACK_BYTES ((size_t)64 << 10)
#define PAINT 0xA5
#define ROUNDS 40

static unsigned char stack[STACK_BYTES];

static void do_nothing(int number)
{
	(void)number;
}

/* What a signal takes of the stack, which grows downwards. */
static size_t measure(int number)
{
	size_t untouched = 0;

	memset(stack, PAINT, STACK_BYTES);
	raise(number);
	while (untouched < STACK_BYTES && stack[untouched] == PAINT)
		untouched++;
	return STACK_BYTES - untouched;
}

/* At hand, on lists, cut off, moved to longer slots, of huge pages: each round another size. */
static void retain(unsigned round)
{
	size_t bytes = (size_t)(64 + round * 371 % 3000) << 10;
	char *blocks[4];

	for (unsigned i = 0; i < 4; i++) {
		blocks[i] = (char *)malloc(bytes);
		memset(blocks[i], 1, bytes);
	}
	blocks[0] = (char *)realloc(blocks[0], bytes / 2);
	blocks[1] = (char *)realloc(blocks[1], bytes * 3);
	free(blocks[2]);
	free(blocks[3]);
	free(blocks[0]);
	free(blocks[1]);
}

int main(void)
{
	stack_t alternative = { .ss_sp = stack, .ss_size = STACK_BYTES };
	struct sigaction nothing = { .sa_handler = do_nothing, .sa_flags = SA_ONSTACK };
	size_t most = 0, bytes;

	sigaltstack(&alternative, NULL);
	sigaction(SIGUSR2, &nothing, NULL);
	churning_start(2, 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		retain(i);
		bytes = measure(SIGUSR1);
		most = bytes > most ? bytes : most;
	}
	churning_stop();
	churning_join();
	printf("handler %zu nothing %zu\n", most, measure(SIGUSR2));
	return 0;
}
