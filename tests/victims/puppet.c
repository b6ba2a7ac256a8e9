/* Holds numbered blocks and does what its stdin says, a command a line. Each
 * block is filled with its pattern; `check` verifies every byte of all of them.
 * Answers `ok NUMBER`, `errno NUMBER` when the call failed, or `wrong ...`. */
#include "pattern.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BLOCKS_MAX 4096

struct block {
	char *address;
	size_t bytes;
	uint64_t seed;
};

static struct block blocks[BLOCKS_MAX];
static uint64_t next_seed = 1;

static void answer(const char *word, uint64_t number)
{
	char line[64];
	int count = snprintf(line, sizeof(line), "%s %llu\n", word, (unsigned long long)number);

	if (write(STDOUT_FILENO, line, (size_t)count) != count)
		_exit(2);
}

static void answer_errno(void)
{
	answer("errno", (uint64_t)errno);
}

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

static const struct {
	const char *name;
	void (*run)(struct block *block, size_t number);
} commands[] = {
	{ "malloc", do_malloc },   { "calloc", do_calloc }, { "realloc", do_realloc },
	{ "aligned", do_aligned }, { "free", do_free },	    { "take", do_take },
	{ "usable", do_usable },   { "check", do_check },   { "trim", do_trim },
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
