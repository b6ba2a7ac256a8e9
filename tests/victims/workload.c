/* workload [HARDSHIP...]: asks for blocks in every way there is, writes each with a pattern,
 * reads it back, and looks whether what calloc gave is zero. It is meant for a system that
 * refuses things: no memory (ENOMEM), no thread, no child, no answer of the control socket are
 * all right; another byte, another errno, or a byte that stays when all was freed end it with
 * status 1 and a line that says what. Then it says `done`, how many blocks it had and how many it
 * was refused.
 *
 * Before it begins it may lock all of its memory for ever (`lock-all`), want no huge pages
 * (`no-huge`), or make mappings until the kernel refuses (`map-all`); or do the latter once it
 * has had blocks (`map-late`). `lock-blocks` locks each block. With `keep` memory may be left at
 * the end, where the kernel does not take it back, or fills what is mapped. */
#include "pattern.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define BLOCKS 8

/* Blocks are written and read in stripes and at their end, which takes an eighth of the time, or
 * less: pages are lost and mixed up by the page. */
#define STRIPE_BYTES (8 * KIB)
#define STEP_BYTES (64 * KIB)
#define SPARSE_BYTES (2 * MIB) /* longer blocks have fewer stripes */

/* Memory of the program's own that may be there at the end. */
#define LEFT_MAX (3 * MIB)

struct block {
	char *address;
	size_t bytes;
	uint64_t seed;
};

struct owner {
	struct block blocks[BLOCKS];
	uint64_t dice;
	unsigned made, refused;
};

static bool locks_blocks, locks_all, maps_late, keeps;

static void fail(const char *what, size_t at, size_t bytes)
{
	dprintf(STDERR_FILENO, "workload: %s: %zu of %zu\n", what, at, bytes);
	_exit(1);
}

static uint64_t roll(struct owner *owner)
{
	owner->dice ^= owner->dice << 13;
	owner->dice ^= owner->dice >> 7;
	owner->dice ^= owner->dice << 17;
	return owner->dice;
}

/* Contents */

static size_t step_of(size_t bytes)
{
	return bytes > SPARSE_BYTES ? 8 * STEP_BYTES : STEP_BYTES;
}

static size_t stripe_length(size_t at, size_t bytes)
{
	return bytes - at < STRIPE_BYTES ? bytes - at : STRIPE_BYTES;
}

/* None where it would overlap another one. */
static bool has_last_stripe(size_t bytes)
{
	size_t from = bytes - STRIPE_BYTES, step = step_of(bytes);

	return from % step >= STRIPE_BYTES && from / step == (bytes - 1) / step;
}

static void write_stripe(const struct block *block, size_t at, size_t length)
{
	pattern_write(block->address + at, 0, length, block->seed + at);
}

static void write_all(const struct block *block)
{
	for (size_t at = 0; at < block->bytes; at += step_of(block->bytes))
		write_stripe(block, at, stripe_length(at, block->bytes));
	if (has_last_stripe(block->bytes))
		write_stripe(block, block->bytes - STRIPE_BYTES, STRIPE_BYTES);
}

static void check_stripe(const struct block *block, size_t at, size_t length)
{
	size_t wrong = pattern_check(block->address + at, length, block->seed + at);

	if (wrong != PATTERN_RIGHT)
		fail("wrong byte", at + wrong, block->bytes);
}

/* The first `count` bytes. */
static void check(const struct block *block, size_t count)
{
	for (size_t at = 0; at < count; at += step_of(block->bytes))
		check_stripe(block, at, stripe_length(at, count));
	if (count > 0 && count == block->bytes && has_last_stripe(count))
		check_stripe(block, count - STRIPE_BYTES, STRIPE_BYTES);
}

static void check_zero(const char *address, size_t bytes)
{
	size_t wrong;

	for (size_t at = 0; at < bytes; at += STEP_BYTES) {
		wrong = pattern_check_zero(address + at, stripe_length(at, bytes));
		if (wrong != PATTERN_RIGHT)
			fail("calloc gave a dirty byte", at + wrong, bytes);
	}
	wrong = pattern_check_zero(address + bytes - STRIPE_BYTES, STRIPE_BYTES);
	if (wrong != PATTERN_RIGHT)
		fail("calloc gave a dirty byte at its end", wrong, bytes);
}

static void check_all(const struct owner *owner)
{
	for (unsigned i = 0; i < BLOCKS; i++)
		check(&owner->blocks[i], owner->blocks[i].bytes);
}

/* Blocks */

enum kind { MALLOC, CALLOC, REALLOC, ALIGNED, KINDS };

static void *allocate(enum kind kind, size_t bytes)
{
	void *address;

	switch (kind) {
	case CALLOC:
		return calloc(bytes / KIB, KIB);
	case REALLOC:
		return realloc(NULL, bytes);
	case ALIGNED:
		errno = posix_memalign(&address, 64 * KIB, bytes);
		return errno == 0 ? address : NULL;
	default:
		return malloc(bytes);
	}
}

static void refuse(struct owner *owner, size_t bytes)
{
	if (errno != ENOMEM)
		fail("refused with errno", (size_t)errno, bytes);
	owner->refused++;
	check_all(owner);
}

static void discard(struct block *block)
{
	check(block, block->bytes);
	errno = 0;
	free(block->address);
	if (errno != 0)
		fail("free changed errno", (size_t)errno, block->bytes);
	*block = (struct block){ NULL, 0, 0 };
}

static void make(struct owner *owner, struct block *block, enum kind kind, size_t bytes)
{
	char *address;

	discard(block);
	bytes &= ~(KIB - 1);
	address = allocate(kind, bytes);
	if (address == NULL) {
		refuse(owner, bytes);
		return;
	}
	if (kind == CALLOC)
		check_zero(address, bytes);
	if (locks_blocks && mlock(address, bytes) != 0)
		fail("mlock", (size_t)errno, bytes);
	*block = (struct block){ address, bytes, roll(owner) };
	write_all(block);
	owner->made++;
}

static void resize(struct owner *owner, struct block *block, size_t bytes)
{
	struct block old = *block;
	char *address;

	if (old.address == NULL)
		return;
	bytes &= ~(KIB - 1);
	check(&old, old.bytes);
	address = realloc(old.address, bytes);
	if (address == NULL) {
		refuse(owner, bytes);
		return;
	}
	old.address = address;
	check(&old, old.bytes < bytes ? old.bytes : bytes);
	*block = (struct block){ address, bytes, roll(owner) };
	write_all(block);
	owner->made++;
}

static void discard_all(struct owner *owner)
{
	for (unsigned i = 0; i < BLOCKS; i++)
		discard(&owner->blocks[i]);
}

/* What it does, in turn */

static void take_every_size(struct owner *owner)
{
	static const size_t sizes[BLOCKS] = {
		64 * KIB, 100 * KIB, 500 * KIB, MIB, 2 * MIB, 5 * MIB, 20 * MIB + 200 * KIB,
		64 * MIB,
	};

	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < BLOCKS; i++)
			make(owner, &owner->blocks[i], (enum kind)((i + round) % KINDS), sizes[i]);
	for (unsigned i = 0; i < BLOCKS; i++)
		make(owner, &owner->blocks[i], CALLOC, sizes[i]);
	check_all(owner);
	discard_all(owner);
}

/* Beside blocks that are retained, and to less again. */
static void grow_and_shrink(struct owner *owner)
{
	struct block *block = &owner->blocks[0];

	for (unsigned i = 1; i < BLOCKS; i++)
		make(owner, &owner->blocks[i], MALLOC, MIB * i);
	for (unsigned i = 1; i < BLOCKS; i += 2)
		discard(&owner->blocks[i]);
	make(owner, block, MALLOC, 100 * KIB);
	for (size_t bytes = 170 * KIB; bytes < 24 * MIB; bytes += bytes)
		resize(owner, block, bytes);
	for (size_t bytes = 9 * MIB; bytes > 64 * KIB; bytes /= 3)
		resize(owner, block, bytes);
	check_all(owner);
}

static size_t roll_bytes(struct owner *owner)
{
	size_t base = (64 * KIB) << roll(owner) % 7;

	return base + (size_t)(roll(owner) % base);
}

static void churn(struct owner *owner, unsigned steps)
{
	for (unsigned i = 0; i < steps; i++) {
		struct block *block = &owner->blocks[roll(owner) % BLOCKS];

		switch (roll(owner) % 4) {
		case 0:
			resize(owner, block, roll_bytes(owner));
			break;
		case 1:
			discard(block);
			break;
		default:
			make(owner, block, (enum kind)(roll(owner) % KINDS), roll_bytes(owner));
		}
	}
	check_all(owner);
}

static void churn_and_release(struct owner *owner)
{
	churn(owner, 20);
	raise(SIGUSR1);
	check_all(owner);
	churn(owner, 6);
}

static void *churn_in_thread(void *owner)
{
	churn((struct owner *)owner, 8);
	discard_all((struct owner *)owner);
	return NULL;
}

static void churn_in_two_threads(struct owner *owner)
{
	struct owner other = { .dice = 77 };
	pthread_t thread;
	bool started = pthread_create(&thread, NULL, churn_in_thread, &other) == 0;

	churn(owner, 8);
	raise(SIGUSR1);
	if (started)
		pthread_join(thread, NULL);
	owner->made += other.made;
	owner->refused += other.refused;
	check_all(owner);
}

static void fork_and_churn(struct owner *owner)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return;
	if (child == 0) {
		check_all(owner);
		churn(owner, 6);
		raise(SIGUSR1);
		churn(owner, 3);
		discard_all(owner);
		_exit(0);
	}
	churn(owner, 3);
	if (waitpid(child, &status, 0) != child || status != 0)
		fail("the child ended with status", (size_t)status, 0);
	check_all(owner);
}

/* Where there is a control socket, or comes to be one. */
static void ask_socket(struct owner *owner)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_usec = 200000 };
	const char *path = getenv("WEIR_SOCKET");
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[4096];

	if (path != NULL && fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
		for (unsigned i = 0; i < 500; i++) {
			if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
				break;
			usleep(2000);
		}
		if (send(fd, "release\n", 8, MSG_NOSIGNAL) == 8)
			while (recv(fd, answer, sizeof(answer), 0) > 0)
				;
	}
	close(fd);
	if (getenv("WEIR_DECAY") != NULL) /* of which this is more than one period */
		usleep(30000);
	check_all(owner);
	churn(owner, 3);
}

/* The end */

static size_t anonymous_bytes(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	char line[256];
	size_t kib = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "Anonymous: %zu", &kib) == 1)
			break;
	if (file != NULL)
		fclose(file);
	return kib * KIB;
}

/* The helper thread may have a block in hand, for as long as the kernel has it wait. */
static void expect_nothing_left(size_t before)
{
	size_t after = SIZE_MAX;

	for (unsigned i = 0; i < (keeps ? 1 : 1000) && after > before + LEFT_MAX; i++) {
		if (i > 0)
			usleep(5000);
		raise(SIGUSR1);
		malloc_trim(0);
		after = anonymous_bytes();
	}
	if (after > before + LEFT_MAX && !keeps)
		fail("bytes stay", after - before, LEFT_MAX);
}

/* Hardship */

static void map_all(struct owner *unused)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	(void)unused;
	for (unsigned i = 0;; i++)
		if (mmap(NULL, page, i % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			 0) == MAP_FAILED)
			return;
}

static void map_late(struct owner *owner)
{
	if (maps_late)
		map_all(owner);
}

static void suffer(const char *what)
{
	locks_all |= strcmp(what, "lock-all") == 0;
	locks_blocks |= strcmp(what, "lock-blocks") == 0;
	keeps |= strcmp(what, "keep") == 0;
	maps_late |= strcmp(what, "map-late") == 0;
	if (locks_all && mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
		fail("mlockall", (size_t)errno, 0);
	if (strcmp(what, "no-huge") == 0 && prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0)
		fail("prctl", (size_t)errno, 0);
	if (strcmp(what, "map-all") == 0)
		map_all(NULL);
}

int main(int argc, char **argv)
{
	static void (*const phases[])(struct owner *) = {
		take_every_size,      map_late,	      grow_and_shrink, churn_and_release,
		churn_in_two_threads, fork_and_churn, ask_socket,
	};
	static struct owner owner = { .dice = 4711 };
	size_t before;

	for (int i = 1; i < argc; i++)
		suffer(argv[i]);
	before = anonymous_bytes();
	for (size_t i = 0; i < sizeof(phases) / sizeof(*phases); i++)
		phases[i](&owner);
	discard_all(&owner);
	expect_nothing_left(before);
	printf("done %u %u\n", owner.made, owner.refused);
	return 0;
}
