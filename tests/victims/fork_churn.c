/* fork_churn THREADS CHILDREN: threads that churn (churning.h) and fork between their steps, until
 * there were so many children. In turn these churn, execute this program, end at once, fork
 * children that churn, or use what their parent had; `fork_churn child` churns. Prints what each
 * kind did and how often, and ends with status 1 where a child did not end with its own. */
#include "churning.h"
#include "pattern.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS 10
#define PARENT_BLOCKS 8
#define PARENT_BYTES ((size_t)300 << 10)

static const char *self;
static unsigned long wanted, begun;  /* begun: atomic */
static char *parents[PARENT_BLOCKS]; /* the main thread's; nobody changes them */

static void check_parents(void)
{
	for (unsigned i = 0; i < PARENT_BLOCKS; i++)
		if (pattern_check(parents[i], PARENT_BYTES, i) != PATTERN_RIGHT)
			_exit(10);
}

static int churn_once(uint64_t dice)
{
	churning_in_child(dice, STEPS);
	return 20;
}

static int execute(uint64_t unused)
{
	(void)unused;
	execl(self, self, "child", (char *)NULL);
	return 1;
}

static int end_at_once(uint64_t unused)
{
	(void)unused;
	return 22;
}

static int await_child(pid_t child)
{
	int status = -1;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int fork_again(uint64_t dice)
{
	pid_t child = fork();

	if (child == 0)
		_exit(churn_once(dice + 1));
	churning_in_child(dice, STEPS);
	return await_child(child) == 20 ? 23 : 1;
}

/* Its copies of its parent's are its own. */
static int use_parents(uint64_t unused)
{
	(void)unused;
	for (unsigned i = 0; i < PARENT_BLOCKS; i++) {
		if (i % 2 == 0) {
			free(parents[i]);
			continue;
		}
		parents[i] = (char *)realloc(parents[i], 2 * PARENT_BYTES);
		if (pattern_check(parents[i], PARENT_BYTES, i) != PATTERN_RIGHT)
			return 1;
		memset(parents[i], 0, 2 * PARENT_BYTES);
	}
	return 24;
}

static struct {
	const char *name;
	int (*live)(uint64_t dice);
	int status;
	unsigned long ended; /* atomic, relaxed */
} kinds[] = {
	{ "churned", churn_once, 20, 0 }, { "executed", execute, 21, 0 },
	{ "ended", end_at_once, 22, 0 },  { "forked", fork_again, 23, 0 },
	{ "used", use_parents, 24, 0 },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void fork_child(uint64_t dice)
{
	unsigned long number = __atomic_fetch_add(&begun, 1, __ATOMIC_RELAXED);
	unsigned kind = (unsigned)(number % KINDS);
	pid_t child;
	int status;

	if (number >= wanted) {
		churning_stop();
		return;
	}
	child = fork();
	if (child == 0) {
		check_parents();
		_exit(kinds[kind].live(dice));
	}
	status = await_child(child);
	if (status != kinds[kind].status) {
		fprintf(stderr, "fork_churn: %s: status %d\n", kinds[kind].name, status);
		_exit(1);
	}
	__atomic_fetch_add(&kinds[kind].ended, 1, __ATOMIC_RELAXED);
}

int main(int argc, char **argv)
{
	if (argc == 2) {
		churning_in_child(7, STEPS);
		return 21;
	}
	if (argc != 3)
		return 2;
	self = argv[0];
	wanted = strtoul(argv[2], NULL, 10);
	for (unsigned i = 0; i < PARENT_BLOCKS; i++) {
		parents[i] = (char *)malloc(PARENT_BYTES);
		pattern_write(parents[i], 0, PARENT_BYTES, i);
	}
	churning_aside = fork_child;
	churning_start((unsigned)atoi(argv[1]), 0);
	churning_join();
	check_parents();
	for (unsigned i = 0; i < PARENT_BLOCKS; i++)
		free(parents[i]);
	for (unsigned i = 0; i < KINDS; i++)
		printf("%s %lu\n", kinds[i].name, kinds[i].ended);
	return 0;
}
