/* Who may race whom: players. A block is its step's alone once its turn has come, and until that
 * step makes it the next one's; an epoch's count is everybody's, and who takes it to zero begins
 * the next one and wakes the players of it. A player that is woken once too often finds that its
 * epoch has not come, and waits again. */
#include "replay_run.h"

#include "atomic.h"
#include "os.h"
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define PLAYER_STACK_BYTES ((size_t)256 * 1024)

struct block {
	char *address; /* NULL: the call got none */
	uint64_t bytes;
	uint32_t turn; /* release, pairs with acquire in wait_for_turn */
};

struct player {
	struct replay *replay;
	uint32_t step; /* its first */
	pthread_t thread;
	sem_t wake;
};

struct replay {
	struct replay_plan *plan;
	struct replay_options options;
	struct replay_figures *figures;
	struct block *blocks;
	struct player *players;
	uint32_t epochs_begun; /* release, pairs with acquire in wait_for_epoch */
	uint64_t start_ns;
	uint64_t failed;       /* atomic, relaxed */
	struct rusage usage;   /* at the start */
	uint64_t mapped_bytes; /* resident and not anonymous; the same */
	size_t page_bytes;
	sem_t done;
};

/* What it takes */

static uint64_t in_ns(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_usec * 1000;
}

/* Of /proc/self/status, into a buffer that is on the stack: nothing is allocated. */
static uint64_t status_bytes(const char *name)
{
	char text[4096];
	const char *found = proc_read_file("/proc/self/status", text, sizeof text) > 0
				    ? strstr(text, name)
				    : NULL;

	return found == NULL ? 0 : strtoull(found + strlen(name), NULL, 10) * 1024;
}

/* The peak begins anew, where the kernel can do that. */
static void forget_peak(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "5", 1) == 1)
		errno = 0;
	close(fd);
}

static void begin_figures(struct replay *replay)
{
	forget_peak();
	replay->mapped_bytes = status_bytes("\nRssFile:") + status_bytes("\nRssShmem:");
	getrusage(RUSAGE_SELF, &replay->usage);
	replay->start_ns = weir_os_now_ns();
}

static uint64_t count_live(const struct replay *replay)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < replay->plan->block_count; i++)
		if (replay->blocks[i].address != NULL)
			bytes += replay->blocks[i].bytes;
	return bytes;
}

static void end_figures(struct replay *replay)
{
	uint64_t wall_ns = weir_os_now_ns() - replay->start_ns;
	uint64_t most = status_bytes("\nVmHWM:");
	const struct rusage *before = &replay->usage;
	struct rusage after;

	getrusage(RUSAGE_SELF, &after);
	*replay->figures = (struct replay_figures){
		.wall_ns = wall_ns,
		.user_ns = in_ns(after.ru_utime) - in_ns(before->ru_utime),
		.system_ns = in_ns(after.ru_stime) - in_ns(before->ru_stime),
		.minor_faults = (uint64_t)(after.ru_minflt - before->ru_minflt),
		.major_faults = (uint64_t)(after.ru_majflt - before->ru_majflt),
		.peak_bytes = most > replay->mapped_bytes ? most - replay->mapped_bytes : 0,
		.final_bytes = status_bytes("\nRssAnon:"),
		.live_bytes = count_live(replay),
		.failed = weir_load_relaxed(&replay->failed),
	};
}

/* Order */

static void begin_epoch(struct replay *replay, uint32_t number)
{
	const struct replay_epoch *epoch = &replay->plan->epochs[number];
	const uint32_t *entries = replay->plan->entries + epoch->first_entry;

	weir_store_release(&replay->epochs_begun, number + 1);
	for (uint32_t i = 0; i < epoch->entry_count; i++)
		sem_post(&replay->players[entries[i]].wake);
}

static void wait_for_epoch(struct player *player, uint32_t number)
{
	while (weir_load_acquire(&player->replay->epochs_begun) <= number)
		sem_wait(&player->wake);
}

static void count_step(struct replay *replay, uint32_t epoch)
{
	if (weir_add_acq_rel(&replay->plan->epochs[epoch].steps, (uint32_t)-1) > 1)
		return;
	if (epoch + 1 < replay->plan->epoch_count) {
		begin_epoch(replay, epoch + 1);
		return;
	}
	end_figures(replay);
	sem_post(&replay->done);
}

static void wait_for_turn(const struct block *block, uint32_t turn)
{
	while (weir_load_acquire(&block->turn) != turn)
		sched_yield();
}

static void wait_for_time(const struct replay *replay, uint64_t ns)
{
	uint64_t at_ns = replay->start_ns + ns;
	struct timespec at = { (time_t)(at_ns / 1000000000), (long)(at_ns % 1000000000) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

/* Calls */

static uint64_t touched_end(const struct replay *replay, const struct replay_step *step)
{
	if (replay->options.touch == REPLAY_TOUCH_NONE)
		return 0;
	if (replay->options.touch == REPLAY_TOUCH_ALL || step->touched > step->bytes)
		return step->bytes;
	return step->touched;
}

static void touch(const struct replay *replay, const struct block *block, uint64_t from,
		  uint64_t to)
{
	volatile char *bytes = block->address;

	for (uint64_t at = from; at < to; at += replay->page_bytes)
		bytes[at] = 1;
}

/* Of a trace of a machine with more addresses than this one has, blocks are more than there are. */
static size_t size_of(const struct replay_step *step)
{
	return step->bytes > SIZE_MAX ? SIZE_MAX : (size_t)step->bytes;
}

static char *allocate(const struct replay_step *step)
{
	size_t bytes = size_of(step);
	void *address = NULL;

	if (step->call == WEIR_TRACE_CALLOC)
		return calloc(1, bytes);
	if (step->align_log2 == 0)
		return malloc(bytes);
	if (posix_memalign(&address, weir_max((size_t)1 << step->align_log2, sizeof(void *)),
			   bytes) != 0)
		return NULL;
	return address;
}

static void take(struct replay *replay, struct block *block, const struct replay_step *step)
{
	block->address = allocate(step);
	block->bytes = step->bytes;
	if (block->address == NULL)
		weir_add_relaxed(&replay->failed, 1U);
	else
		touch(replay, block, 0, touched_end(replay, step));
}

/* What was copied was touched; so what it grew by alone. */
static void resize(struct replay *replay, struct block *block, const struct replay_step *step)
{
	char *address = realloc(block->address, size_of(step));
	uint64_t before = block->bytes;

	if (address == NULL) {
		weir_add_relaxed(&replay->failed, 1U);
		return;
	}
	block->address = address;
	block->bytes = step->bytes;
	touch(replay, block, weir_min(before, step->bytes), touched_end(replay, step));
}

static void give_back(struct replay *replay, struct block *block, const struct replay_step *step)
{
	(void)replay;
	(void)step;
	free(block->address);
	block->address = NULL;
}

static void (*const calls[])(struct replay *replay, struct block *block,
			     const struct replay_step *step) = {
	[WEIR_TRACE_MALLOC] = take,
	[WEIR_TRACE_CALLOC] = take,
	[WEIR_TRACE_FREE] = give_back,
	[WEIR_TRACE_REALLOC] = resize,
};

/* Players */

static void *play(void *context)
{
	struct player *player = context;
	struct replay *replay = player->replay;

	for (uint32_t i = player->step; i != REPLAY_NONE;) {
		const struct replay_step *step = &replay->plan->steps[i];
		struct block *block = &replay->blocks[step->block];

		wait_for_epoch(player, step->epoch);
		if (replay->options.is_paced)
			wait_for_time(replay, step->ns);
		wait_for_turn(block, step->turn);
		calls[step->call](replay, block, step);
		weir_store_release(&block->turn, step->turn + 1);
		i = step->next;
		count_step(replay, step->epoch);
	}
	return NULL;
}

static void *map_table(uint64_t count, size_t bytes)
{
	void *table = mmap(NULL, (size_t)count * bytes + 1, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return table == MAP_FAILED ? NULL : table;
}

static int start_player(struct replay *replay, uint32_t number, const pthread_attr_t *attributes)
{
	struct player *player = &replay->players[number];

	player->replay = replay;
	player->step = replay->plan->first_steps[number];
	sem_init(&player->wake, 0, 0);
	return pthread_create(&player->thread, attributes, play, player);
}

/* They wait for the first epoch. */
static int start_players(struct replay *replay)
{
	pthread_attr_t attributes;
	int error = 0;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, PLAYER_STACK_BYTES);
	for (uint32_t i = 0; i < replay->plan->thread_count && error == 0; i++)
		error = start_player(replay, i, &attributes);
	pthread_attr_destroy(&attributes);
	return error;
}

static void play_all(struct replay *replay)
{
	sem_init(&replay->done, 0, 0);
	begin_figures(replay);
	begin_epoch(replay, 0);
	while (sem_wait(&replay->done) != 0)
		;
	for (uint32_t i = 0; i < replay->plan->thread_count; i++)
		pthread_join(replay->players[i].thread, NULL);
}

/* The tables are the process's until it ends. */
bool replay_run(struct replay_plan *plan, const struct replay_options *options,
		struct replay_figures *figures)
{
	static struct replay replay;

	replay = (struct replay){ .plan = plan, .options = *options, .figures = figures };
	replay.page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	*figures = (struct replay_figures){ 0 };
	if (plan->step_count == 0)
		return true;
	replay.blocks = map_table(plan->block_count, sizeof *replay.blocks);
	replay.players = map_table(plan->thread_count, sizeof *replay.players);
	if (replay.blocks == NULL || replay.players == NULL)
		return false;
	errno = start_players(&replay);
	if (errno != 0)
		return false;
	play_all(&replay);
	return true;
}
