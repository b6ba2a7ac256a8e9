/* Makes numbered pools, leases numbered blocks from them and does what its stdin says, a command
 * a line. Each block is filled with its pattern; `check` verifies every byte of all of them.
 * Answers `ok NUMBER`, `errno NUMBER` when the call failed, or `wrong ...`; the latter, too,
 * where a call that keeps errno did not.
 *
 * `option NAME VALUE` is for the next pools to be created, `option none 0` forgets all. After
 * `fork` the child obeys until `end`, then the parent goes on. */
#include "answer.h"
#include "pattern.h"
#include "weir.h"

#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define POOLS_MAX 320
#define BLOCKS_MAX 1024
#define WORDS_MAX 5
#define OTHER_ERRNO 4711

struct block {
	void *address;
	size_t bytes;
	uint64_t seed;
};

/* A line, in words and in numbers. */
struct order {
	const char *words[WORDS_MAX];
	size_t numbers[WORDS_MAX];
};

static struct weir_pool *pools[POOLS_MAX];
static struct block blocks[BLOCKS_MAX];
static uint64_t next_seed = 1;

/* COMMAND POOL BLOCK ... */
static struct weir_pool **pool_of(const struct order *order)
{
	return &pools[order->numbers[1] % POOLS_MAX];
}

static struct block *block_of(const struct order *order)
{
	return &blocks[order->numbers[2] % BLOCKS_MAX];
}

static void begin_call(void)
{
	errno = OTHER_ERRNO;
}

/* Of a call that keeps errno. */
static void end_call(const char *word, uint64_t number)
{
	if (errno == OTHER_ERRNO)
		answer(word, number);
	else
		answer("wrong: errno was changed to", (uint64_t)errno);
}

static void end_int_call(int result)
{
	if (result == 0)
		end_call("ok", 0);
	else
		end_call("errno", (uint64_t)result);
}

/* Pools */

static struct weir_pool_options options = { .limit_bytes = WEIR_NO_LIMIT };
static struct weir_pool_class_limit class_limits[WEIR_POOL_CLASS_LIMITS_MAX + 1];

static void add_class_limit(const struct order *order)
{
	class_limits[options.class_limit_count++] =
		(struct weir_pool_class_limit){ order->numbers[2], order->numbers[3],
						order->numbers[4] };
	options.class_limits = class_limits;
}

static void do_option(const struct order *order)
{
	const char *name = order->words[1];
	size_t value = order->numbers[2];

	if (strcmp(name, "none") == 0)
		options = (struct weir_pool_options){ .limit_bytes = WEIR_NO_LIMIT };
	else if (strcmp(name, "preset") == 0)
		options = weir_pool_preset((enum weir_preset)value);
	else if (strcmp(name, "limit") == 0)
		options.limit_bytes = value;
	else if (strcmp(name, "class_blocks") == 0)
		options.class_blocks = value;
	else if (strcmp(name, "pooled") == 0)
		options.pooled_bytes = value;
	else if (strcmp(name, "flags") == 0)
		options.flags = (unsigned)value;
	else if (strcmp(name, "decay") == 0)
		options.decay_ms = value == SIZE_MAX ? WEIR_DECAY_OFF : value;
	else if (strcmp(name, "reserved") == 0)
		options.reserved[0] = value;
	else if (strcmp(name, "class_limit") == 0)
		add_class_limit(order);
	else
		exit(2);
	answer("ok", options.limit_bytes);
}

static void do_create(const struct order *order)
{
	struct weir_pool *pool = weir_pool_create(&options);

	if (pool == NULL) {
		answer_errno();
		return;
	}
	*pool_of(order) = pool;
	answer("ok", (uint64_t)(uintptr_t)pool);
}

static void do_release(const struct order *order)
{
	begin_call();
	end_call("ok", weir_pool_release(*pool_of(order)));
}

static void do_release_all(const struct order *unused)
{
	(void)unused;
	begin_call();
	end_call("ok", weir_release());
}

static void do_trim(const struct order *unused)
{
	(void)unused;
	answer("ok", (uint64_t)malloc_trim(0));
}

static void do_limit(const struct order *order)
{
	begin_call();
	end_int_call(weir_pool_set_limit(*pool_of(order), order->numbers[2]));
}

static void do_dispose(const struct order *order)
{
	begin_call();
	end_call("ok", weir_pool_dispose(*pool_of(order)));
}

static const struct {
	const char *name;
	size_t offset;
} figures_by_name[] = {
#define FIGURE(name) \
	{ \
#name, offsetof(struct weir_pool_figures, name) \
	}
	FIGURE(limit_bytes),
	FIGURE(leased_bytes),
	FIGURE(leased_blocks),
	FIGURE(retained_bytes),
	FIGURE(retained_blocks),
	FIGURE(peak_leased_bytes),
	FIGURE(peak_retained_bytes),
	FIGURE(leases),
	FIGURE(hits),
	FIGURE(misses),
	FIGURE(oversize),
#undef FIGURE
};

/* figure POOL NAME */
static void do_figure(const struct order *order)
{
	struct weir_pool_figures figures;
	int error;

	begin_call();
	error = weir_pool_stats(*pool_of(order), &figures);
	if (error != 0) {
		end_int_call(error);
		return;
	}
	for (size_t i = 0; i < sizeof(figures_by_name) / sizeof(figures_by_name[0]); i++)
		if (strcmp(order->words[2], figures_by_name[i].name) == 0)
			end_call("ok", *(const uint64_t *)((const char *)&figures +
							   figures_by_name[i].offset));
}

/* What all of the process retains, by the statistics page. */
static void do_retained(const struct order *unused)
{
	uint64_t word = __atomic_load_n(&weir_stats()->pool.usage.word, __ATOMIC_ACQUIRE);

	(void)unused;
	answer("ok", (word & ((1ULL << WEIR_STATS_RETAINED_BITS) - 1)) * WEIR_STATS_UNIT_BYTES);
}

/* released TRIGGER: its bytes, by the number of enum weir_trigger. */
static void do_released(const struct order *order)
{
	const struct weir_released *released = &weir_stats()->released[order->numbers[1] % 16];

	answer("ok", __atomic_load_n(&released->units, __ATOMIC_RELAXED) * WEIR_STATS_UNIT_BYTES);
}

/* counter NUMBER of enum weir_counter */
static void do_counter(const struct order *order)
{
	answer("ok",
	       __atomic_load_n(&weir_stats()->counters[order->numbers[1] % 32], __ATOMIC_RELAXED));
}

/* Blocks */

static void adopt(struct block *block, void *address, size_t bytes)
{
	block->address = address;
	block->bytes = bytes;
	block->seed = next_seed++;
	pattern_write(address, 0, bytes, block->seed);
	answer("ok", (uint64_t)(uintptr_t)address);
}

static void lease(const struct order *order, unsigned flags)
{
	size_t bytes = order->numbers[3];
	void *address = weir_lease(*pool_of(order), bytes, flags);

	if (address == NULL)
		answer_errno();
	else
		adopt(block_of(order), address, bytes);
}

static void do_lease(const struct order *order)
{
	lease(order, 0);
}

/* lease_flags POOL BLOCK BYTES FLAGS */
static void do_lease_flags(const struct order *order)
{
	lease(order, (unsigned)order->numbers[4]);
}

/* lease_aligned POOL BLOCK BYTES ALIGN */
static void do_lease_aligned(const struct order *order)
{
	size_t align = order->numbers[4];
	void *address = weir_lease(*pool_of(order), order->numbers[3], WEIR_ALIGN(align));

	if (address == NULL)
		answer_errno();
	else if ((uintptr_t)address % align != 0)
		answer("wrong: not aligned", (uint64_t)(uintptr_t)address);
	else
		adopt(block_of(order), address, order->numbers[3]);
}

static void adopt_zeroed(struct block *block, void *address, size_t bytes)
{
	if (address == NULL)
		answer_errno();
	else if (pattern_check_zero(address, bytes) != PATTERN_RIGHT)
		answer("wrong: dirty byte", pattern_check_zero(address, bytes));
	else
		adopt(block, address, bytes);
}

static void do_lease_clean(const struct order *order)
{
	size_t bytes = order->numbers[3];

	adopt_zeroed(block_of(order), weir_lease(*pool_of(order), bytes, WEIR_CLEAN), bytes);
}

/* Without being asked for: of a pool with WEIR_POOL_CLEAN. */
static void do_lease_zeroed(const struct order *order)
{
	size_t bytes = order->numbers[3];

	adopt_zeroed(block_of(order), weir_lease(*pool_of(order), bytes, 0), bytes);
}

/* take POOL BLOCK BYTES: of which nothing is touched. */
static void do_take(const struct order *order)
{
	struct block *block = block_of(order);
	void *address = weir_lease(*pool_of(order), order->numbers[3], 0);

	if (address == NULL) {
		answer_errno();
		return;
	}
	*block = (struct block){ .address = address };
	answer("ok", (uint64_t)(uintptr_t)address);
}

static void do_return(const struct order *order)
{
	struct block *block = block_of(order);
	int error;

	begin_call();
	error = weir_return(*pool_of(order), block->address);
	if (error == 0)
		*block = (struct block){ .address = NULL };
	end_int_call(error);
}

static void do_free(const struct order *order)
{
	struct block *block = block_of(order);

	begin_call();
	free(block->address);
	*block = (struct block){ .address = NULL };
	end_call("ok", 0);
}

/* realloc POOL BLOCK BYTES: by the C library's name. */
static void do_realloc(const struct order *order)
{
	struct block *block = block_of(order);
	size_t bytes = order->numbers[3];
	size_t kept = block->bytes < bytes ? block->bytes : bytes;
	void *address = realloc(block->address, bytes);

	if (address == NULL)
		answer_errno();
	else if (pattern_check(address, kept, block->seed) != PATTERN_RIGHT)
		answer("wrong: realloc lost byte", pattern_check(address, kept, block->seed));
	else
		adopt(block, address, bytes);
}

/* The same as `size`, by the C library's name. */
static void do_usable(const struct order *order)
{
	answer("ok", malloc_usable_size(block_of(order)->address));
}

static void do_size(const struct order *order)
{
	begin_call();
	end_call("ok", weir_lease_size(block_of(order)->address));
}

/* overrun POOL BLOCK COUNT: writes so many bytes behind it. */
static void do_overrun(const struct order *order)
{
	struct block *block = block_of(order);

	memset((char *)block->address + block->bytes, 0x5a, order->numbers[3]);
	answer("ok", (uint64_t)(uintptr_t)block->address);
}

static void do_check(const struct order *unused)
{
	size_t bytes = 0;

	(void)unused;
	for (size_t i = 0; i < BLOCKS_MAX; i++) {
		if (pattern_check(blocks[i].address, blocks[i].bytes, blocks[i].seed) !=
		    PATTERN_RIGHT) {
			answer("wrong: bytes were changed in block", i);
			return;
		}
		bytes += blocks[i].bytes;
	}
	answer("ok", bytes);
}

/* The process */

static void obey(char *line);

static void *obey_in_thread(void *line)
{
	obey((char *)line);
	return NULL;
}

/* thread COMMAND...: in one that ends with it. */
static void run_in_thread(char *line)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, obey_in_thread, line) == 0)
		pthread_join(thread, NULL);
	else
		answer("wrong: no thread", 0);
}

static void do_fork(const struct order *unused)
{
	(void)unused;
	answer_by_child();
}

static void do_end(const struct order *order)
{
	exit((int)order->numbers[1]);
}

static const struct {
	const char *name;
	void (*run)(const struct order *order);
} commands[] = {
	{ "option", do_option },
	{ "create", do_create },
	{ "release", do_release },
	{ "release_all", do_release_all },
	{ "trim", do_trim },
	{ "limit", do_limit },
	{ "dispose", do_dispose },
	{ "figure", do_figure },
	{ "retained", do_retained },
	{ "released", do_released },
	{ "counter", do_counter },
	{ "lease", do_lease },
	{ "lease_flags", do_lease_flags },
	{ "lease_aligned", do_lease_aligned },
	{ "lease_clean", do_lease_clean },
	{ "lease_zeroed", do_lease_zeroed },
	{ "take", do_take },
	{ "return", do_return },
	{ "free", do_free },
	{ "realloc", do_realloc },
	{ "usable", do_usable },
	{ "size", do_size },
	{ "overrun", do_overrun },
	{ "check", do_check },
	{ "fork", do_fork },
	{ "end", do_end },
};

static struct order parse(char *line)
{
	struct order order = { { "" }, { 0 } };
	char *rest = NULL;
	char *word = strtok_r(line, " \n", &rest);

	for (size_t i = 0; i < WORDS_MAX; i++) {
		order.words[i] = word ? word : "";
		order.numbers[i] = strtoull(order.words[i], NULL, 0);
		word = strtok_r(NULL, " \n", &rest);
	}
	return order;
}

static void obey(char *line)
{
	struct order order;

	if (strncmp(line, "thread ", 7) == 0) {
		run_in_thread(line + 7);
		return;
	}
	order = parse(line);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(order.words[0], commands[i].name) == 0) {
			commands[i].run(&order);
			return;
		}
	}
	answer("wrong: no such command", 0);
}

int main(void)
{
	char line[256];

	while (fgets(line, sizeof(line), stdin) != NULL)
		obey(line);
	return 0;
}
