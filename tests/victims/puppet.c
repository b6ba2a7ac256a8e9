/* Holds numbered blocks and does what its stdin says, a command a line. Each
 * block is filled with its pattern; `check` verifies every byte of all of them.
 * Answers `ok NUMBER`, `errno NUMBER` when the call failed, or `wrong ...`.
 *
 * After `fork`, which answers the child's number, the child obeys until `end` or the
 * signal that ends it; then the parent answers `ok STATUS` and goes on. */
#include "answer.h"
#include "pattern.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>

#define BLOCKS_MAX 4096

struct block {
	char *address;
	size_t bytes;
	uint64_t seed;
};

static struct block blocks[BLOCKS_MAX];
static uint64_t next_seed = 1;

/* A new block, of which the first `known` bytes hold the pattern already. */
static void adopt(struct block *block, void *address, size_t known, size_t bytes)
{
	if (address == NULL) {
		answer_errno();
		return;
	}
	pattern_write(address, known, bytes, block->seed);
	block->address = address;
	block->bytes = bytes;
	answer("ok", (uint64_t)(uintptr_t)address);
}

static void do_malloc(struct block *block, size_t bytes)
{
	block->seed = next_seed++;
	adopt(block, malloc(bytes), 0, bytes);
}

static void do_calloc(struct block *block, size_t bytes)
{
	void *address = calloc(1, bytes);

	if (address != NULL && pattern_check_zero(address, bytes) != PATTERN_RIGHT) {
		answer("wrong: calloc gave dirty byte", pattern_check_zero(address, bytes));
		return;
	}
	block->seed = next_seed++;
	adopt(block, address, 0, bytes);
}

static void do_realloc(struct block *block, size_t bytes)
{
	size_t kept = block->bytes < bytes ? block->bytes : bytes;
	void *address = realloc(block->address, bytes);

	if (address != NULL && pattern_check(address, kept, block->seed) != PATTERN_RIGHT) {
		answer("wrong: realloc lost byte", pattern_check(address, kept, block->seed));
		return;
	}
	adopt(block, address, kept, bytes);
}

/* Aligned to what `bytes` is a multiple of. */
static void do_aligned(struct block *block, size_t bytes)
{
	block->seed = next_seed++;
	adopt(block, aligned_alloc(bytes & -bytes, bytes), 0, bytes);
}

static void do_free(struct block *block, size_t unused)
{
	(void)unused;
	free(block->address);
	block->address = NULL;
	block->bytes = 0;
	answer("ok", 0);
}

/* Takes memory without touching it. */
static void do_take(struct block *block, size_t bytes)
{
	void *address = malloc(bytes);

	if (address == NULL) {
		answer_errno();
		return;
	}
	block->address = address;
	block->bytes = 0;
	answer("ok", (uint64_t)(uintptr_t)address);
}

static void do_usable(struct block *block, size_t unused)
{
	(void)unused;
	answer("ok", malloc_usable_size(block->address));
}

static void do_check(struct block *unused, size_t none)
{
	size_t live_bytes = 0;

	(void)unused;
	(void)none;
	for (size_t i = 0; i < BLOCKS_MAX; i++) {
		if (pattern_check(blocks[i].address, blocks[i].bytes, blocks[i].seed) !=
		    PATTERN_RIGHT) {
			answer("wrong: bytes were changed in block", i);
			return;
		}
		live_bytes += blocks[i].bytes;
	}
	answer("ok", live_bytes);
}

static void do_trim(struct block *unused, size_t pad)
{
	(void)unused;
	answer("ok", (uint64_t)malloc_trim(pad));
}

/* The process. */

static void answer_result(int result)
{
	if (result == 0)
		answer("ok", 0);
	else
		answer_errno();
}

/* All descriptors from this one up. */
static void do_closefrom(struct block *unused, size_t first)
{
	(void)unused;
	for (int fd = (int)first; fd < getdtablesize(); fd++)
		close(fd);
	answer("ok", 0);
}

static void do_close(struct block *unused, size_t fd)
{
	(void)unused;
	close((int)fd);
}

static void do_fork(struct block *unused, size_t none)
{
	(void)unused;
	(void)none;
	answer_by_child();
}

static void do_end(struct block *unused, size_t status)
{
	(void)unused;
	exit((int)status);
}

static void do_exec(struct block *unused, size_t none)
{
	char name[] = "puppet";
	char *argv[] = { name, NULL };

	(void)unused;
	(void)none;
	answer("ok", 0);
	execv("/proc/self/exe", argv);
	_exit(2);
}

/* Installs a handler of its own. */
static void handle(int number)
{
	(void)number;
}

static void do_handle(struct block *unused, size_t number)
{
	struct sigaction action = { .sa_handler = handle };

	(void)unused;
	answer_result(sigaction((int)number, &action, NULL));
}

static void do_become(struct block *unused, size_t uid)
{
	(void)unused;
	answer_result(setresuid((uid_t)uid, (uid_t)uid, (uid_t)uid));
}

/* Ends the only thread that the program has. */
static void do_leave(struct block *unused, size_t none)
{
	(void)unused;
	(void)none;
	answer("ok", 0);
	pthread_exit(NULL);
}

static const struct {
	const char *name;
	void (*run)(struct block *block, size_t number);
} commands[] = {
	{ "malloc", do_malloc },   { "calloc", do_calloc },
	{ "realloc", do_realloc }, { "aligned", do_aligned },
	{ "free", do_free },	   { "take", do_take },
	{ "usable", do_usable },   { "check", do_check },
	{ "trim", do_trim },	   { "closefrom", do_closefrom },
	{ "close", do_close },	   { "fork", do_fork },
	{ "end", do_end },	   { "exec", do_exec },
	{ "handle", do_handle },   { "become", do_become },
	{ "leave", do_leave },
};

/* COMMAND [BLOCK [NUMBER]] */
static void obey(char *line)
{
	char *rest = line + strcspn(line, " \n");
	size_t index;

	if (*rest != '\0')
		*rest++ = '\0';
	index = strtoul(rest, &rest, 10);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(line, commands[i].name) == 0 && index < BLOCKS_MAX) {
			commands[i].run(&blocks[index], strtoul(rest, NULL, 10));
			return;
		}
	}
	answer("wrong: no such command or block", index);
}

int main(void)
{
	char line[256];

	while (fgets(line, sizeof(line), stdin) != NULL)
		obey(line);
	return 0;
}
