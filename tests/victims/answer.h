/* For programs that do what their stdin says, a command a line: what they answer. */
#ifndef WEIR_TESTS_ANSWER_H
#define WEIR_TESTS_ANSWER_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static inline void answer(const char *word, uint64_t number)
{
	char line[64];
	int count = snprintf(line, sizeof(line), "%s %llu\n", word, (unsigned long long)number);

	if (write(STDOUT_FILENO, line, (size_t)count) != count)
		_exit(2);
}

static inline void answer_errno(void)
{
	answer("errno", (uint64_t)errno);
}

/* The child answers its number and obeys until it ends; then the parent answers its status. */
static inline void answer_by_child(void)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		answer("ok", (uint64_t)getpid());
	} else {
		waitpid(child, &status, 0);
		answer("ok", (uint64_t)status);
	}
}

#endif
