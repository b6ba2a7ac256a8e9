#include "replay_plan.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* An epoch ends with so many calls, or once so much was asked for. */
#define EPOCH_STEPS 256
#define EPOCH_BYTES (32 * WEIR_MIB)

struct block;

/* A thread of the trace. */
struct thread {
	int32_t id;
	uint64_t last_event; /* its number among the process's */
	uint32_t player;     /* the thread that replays it now, or REPLAY_NONE */
	uint32_t epoch;	     /* of its last step; REPLAY_NONE for none */
	struct block *moved; /* between begin and end of a realloc, or NULL */
};

/* A block that is live, where it is by the trace. */
struct block {
	uint64_t address;
	uint32_t index;
	uint32_t turn;
	uint32_t step; /* that asked for it, or resized it */
};

/* Trees of tsearch. */
struct maker {
	struct replay_plan *plan;
	struct trace *trace;
	int32_t pid;
	uint64_t calls;	  /* of the process */
	uint64_t handled; /* calls so far */
	void *threads;
	void *blocks;
	uint32_t *turns;       /* of each block index: how many steps there were */
	uint32_t *free_blocks; /* indexes, a stack */
	uint32_t free_block_count;
	uint32_t *last_steps;	/* of each player */
	uint32_t *free_players; /* a stack */
	uint32_t free_player_count;
	uint32_t entry_count;
	uint64_t epoch_bytes;
	char *problem;
};

static int compare_threads(const void *a, const void *b)
{
	const struct thread *one = a, *other = b;

	return (one->id > other->id) - (one->id < other->id);
}

static int compare_blocks(const void *a, const void *b)
{
	const struct block *one = a, *other = b;

	return (one->address > other->address) - (one->address < other->address);
}

/* NULL after a word in `problem`. Pages that are not written cost nothing. */
static void *map_array(struct maker *maker, uint64_t count, size_t bytes)
{
	void *array = mmap(NULL, (size_t)(count + 1) * bytes, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (array != MAP_FAILED)
		return array;
	snprintf(maker->problem, TRACE_PROBLEM_BYTES, "no memory for a plan of %llu calls: %s",
		 (unsigned long long)count, strerror(errno));
	return NULL;
}

static void unmap_array(void *array, uint64_t count, size_t bytes)
{
	if (array != NULL)
		munmap(array, (size_t)(count + 1) * bytes);
}

/* What there is */

static bool end_of_events(struct maker *maker, enum trace_step step)
{
	if (step == TRACE_BROKEN)
		snprintf(maker->problem, TRACE_PROBLEM_BYTES, "%s", trace_problem(maker->trace));
	return step == TRACE_END;
}

static bool choose_process(struct maker *maker)
{
	size_t count = trace_process_count(maker->trace);
	uint64_t *calls = calloc(count, sizeof *calls);
	struct trace_event event;
	enum trace_step step;

	if (calls == NULL)
		return end_of_events(maker, TRACE_BROKEN);
	while ((step = trace_next(maker->trace, &event)) == TRACE_EVENT)
		calls[event.process]++;
	for (size_t i = 1; i < count; i++)
		if (calls[i] > calls[maker->plan->process])
			maker->plan->process = i;
	free(calls);
	return end_of_events(maker, step);
}

static bool find_process(struct maker *maker)
{
	size_t count = trace_process_count(maker->trace), i = 0;

	if (maker->pid == 0)
		return choose_process(maker);
	while (i < count && trace_process(maker->trace, i)->pid != maker->pid)
		i++;
	maker->plan->process = i;
	if (i == count)
		snprintf(maker->problem, TRACE_PROBLEM_BYTES, "it has no process %d",
			 (int)maker->pid);
	return i < count;
}

static enum trace_step next_event(struct maker *maker, struct trace_event *event)
{
	enum trace_step step;

	do
		step = trace_next(maker->trace, event);
	while (step == TRACE_EVENT && event->process != maker->plan->process);
	return step;
}

static struct thread *find_thread(struct maker *maker, int32_t id)
{
	struct thread *made = malloc(sizeof *made);
	struct thread **found;

	if (made == NULL)
		return NULL;
	*made = (struct thread){ .id = id, .player = REPLAY_NONE, .epoch = REPLAY_NONE };
	found = tsearch(made, &maker->threads, compare_threads);
	if (found == NULL || *found != made)
		free(made);
	return found == NULL ? NULL : *found;
}

static bool count_calls(struct maker *maker)
{
	struct trace_event event;
	struct thread *thread;
	enum trace_step step;

	trace_rewind(maker->trace);
	while ((step = next_event(maker, &event)) == TRACE_EVENT) {
		thread = find_thread(maker, event.thread);
		if (thread == NULL)
			return false;
		thread->last_event = maker->calls++;
	}
	trace_rewind(maker->trace);
	return end_of_events(maker, step);
}

/* Threads */

/* Whoever ended leaves his place to the next. */
static uint32_t take_player(struct maker *maker)
{
	struct replay_plan *plan = maker->plan;

	if (maker->free_player_count > 0)
		return maker->free_players[--maker->free_player_count];
	plan->first_steps[plan->thread_count] = REPLAY_NONE;
	maker->last_steps[plan->thread_count] = REPLAY_NONE;
	return plan->thread_count++;
}

static void link_step(struct maker *maker, struct thread *thread, uint32_t step)
{
	struct replay_plan *plan = maker->plan;
	uint32_t last;

	if (thread->player == REPLAY_NONE)
		thread->player = take_player(maker);
	last = maker->last_steps[thread->player];
	*(last == REPLAY_NONE ? &plan->first_steps[thread->player] : &plan->steps[last].next) =
		step;
	maker->last_steps[thread->player] = step;
}

static void leave(struct maker *maker, struct thread *thread)
{
	if (thread->player == REPLAY_NONE || thread->last_event >= maker->handled)
		return;
	maker->free_players[maker->free_player_count++] = thread->player;
	thread->player = REPLAY_NONE;
}

/* Epochs */

static bool is_full(const struct maker *maker)
{
	const struct replay_epoch *epoch = &maker->plan->epochs[maker->plan->epoch_count - 1];

	return epoch->steps >= EPOCH_STEPS || maker->epoch_bytes >= EPOCH_BYTES;
}

/* A thread that takes the place of another one within an epoch is two entries there: it is told
 * twice that the epoch has begun, which does no harm. */
static void count_step(struct maker *maker, struct thread *thread, uint64_t bytes)
{
	struct replay_plan *plan = maker->plan;
	struct replay_epoch *epoch;

	if (plan->epoch_count == 0 || is_full(maker)) {
		plan->epochs[plan->epoch_count++] =
			(struct replay_epoch){ .first_entry = maker->entry_count };
		maker->epoch_bytes = 0;
	}
	epoch = &plan->epochs[plan->epoch_count - 1];
	if (thread->epoch != plan->epoch_count - 1) {
		plan->entries[maker->entry_count++] = thread->player;
		epoch->entry_count++;
	}
	thread->epoch = plan->epoch_count - 1;
	epoch->steps++;
	maker->epoch_bytes += bytes;
}

/* Blocks */

static struct block *find_block(struct maker *maker, uint64_t address)
{
	struct block key = { .address = address };
	struct block **found = tfind(&key, &maker->blocks, compare_blocks);

	return found == NULL ? NULL : *found;
}

/* Its index is another one's from now on. */
static void drop_block(struct maker *maker, struct block *block)
{
	maker->turns[block->index] = block->turn;
	maker->free_blocks[maker->free_block_count++] = block->index;
	free(block);
}

static void forget_block(struct maker *maker, struct block *block)
{
	tdelete(block, &maker->blocks, compare_blocks);
	drop_block(maker, block);
}

static bool put_block(struct maker *maker, struct block *block, uint64_t address)
{
	struct block *stale = find_block(maker, address);

	if (stale != NULL) /* its end was lost */
		forget_block(maker, stale);
	block->address = address;
	return tsearch(block, &maker->blocks, compare_blocks) != NULL;
}

static struct block *new_block(struct maker *maker)
{
	struct block *block = malloc(sizeof *block);

	if (block == NULL)
		return NULL;
	block->index = maker->free_block_count > 0 ? maker->free_blocks[--maker->free_block_count]
						   : maker->plan->block_count++;
	block->turn = maker->turns[block->index];
	return block;
}

/* Steps */

static void add_step(struct maker *maker, struct thread *thread, const struct trace_event *event,
		     enum weir_trace_call call, struct block *block)
{
	uint32_t step = maker->plan->step_count++;

	link_step(maker, thread, step);
	count_step(maker, thread, event->bytes);
	block->step = step;
	maker->plan->steps[step] = (struct replay_step){
		.ns = event->ns,
		.bytes = event->bytes,
		.touched = UINT64_MAX,
		.block = block->index,
		.turn = block->turn++,
		.next = REPLAY_NONE,
		.epoch = maker->plan->epoch_count - 1,
		.call = (uint8_t)call,
		.align_log2 = (uint8_t)weir_log2_ceil(event->align),
	};
}

static bool ask(struct maker *maker, struct thread *thread, const struct trace_event *event)
{
	struct block *block = new_block(maker);

	if (block == NULL || !put_block(maker, block, event->address))
		return false;
	add_step(maker, thread, event, event->call, block);
	return true;
}

static bool give_back(struct maker *maker, struct thread *thread, const struct trace_event *event)
{
	struct block *block = find_block(maker, event->address);

	if (block == NULL) {
		maker->plan->left_out++;
		return true;
	}
	if (event->call == WEIR_TRACE_FREE_TOUCHED)
		maker->plan->steps[block->step].touched = event->touched;
	add_step(maker, thread, event, WEIR_TRACE_FREE, block);
	forget_block(maker, block);
	return true;
}

static bool begin_realloc(struct maker *maker, struct thread *thread,
			  const struct trace_event *event)
{
	thread->moved = find_block(maker, event->address);
	if (thread->moved != NULL)
		tdelete(thread->moved, &maker->blocks, compare_blocks);
	return true;
}

static bool end_realloc(struct maker *maker, struct thread *thread, const struct trace_event *event)
{
	struct block *block = thread->moved;

	thread->moved = NULL;
	if (block == NULL)
		return ask(maker, thread, event);
	if (!put_block(maker, block, event->address))
		return false;
	add_step(maker, thread, event, WEIR_TRACE_REALLOC, block);
	return true;
}

/* Also of a realloc: the block is the backend's from here on, as if it were freed. */
static bool pass(struct maker *maker, struct thread *thread, const struct trace_event *event)
{
	struct block *block = thread->moved;

	thread->moved = NULL;
	maker->plan->left_out++;
	if (block == NULL)
		return true;
	add_step(maker, thread, event, WEIR_TRACE_FREE, block);
	drop_block(maker, block);
	return true;
}

static bool refuse(struct maker *maker, struct thread *thread, const struct trace_event *event)
{
	struct block *block = thread->moved;

	thread->moved = NULL;
	maker->plan->left_out++;
	return block == NULL || put_block(maker, block, event->old_address);
}

typedef bool handle_call(struct maker *maker, struct thread *thread,
			 const struct trace_event *event);

static handle_call *const handlers[WEIR_TRACE_CALLS] = {
	[WEIR_TRACE_MALLOC] = ask,
	[WEIR_TRACE_CALLOC] = ask,
	[WEIR_TRACE_FREE] = give_back,
	[WEIR_TRACE_FREE_TOUCHED] = give_back,
	[WEIR_TRACE_REALLOC_BEGIN] = begin_realloc,
	[WEIR_TRACE_REALLOC] = end_realloc,
	[WEIR_TRACE_PASSED] = pass,
	[WEIR_TRACE_REFUSED] = refuse,
};

static bool add_calls(struct maker *maker)
{
	struct trace_event event;
	struct thread *thread;
	enum trace_step step;

	while ((step = next_event(maker, &event)) == TRACE_EVENT) {
		thread = find_thread(maker, event.thread);
		if (thread == NULL || !handlers[event.call](maker, thread, &event)) {
			snprintf(maker->problem, TRACE_PROBLEM_BYTES, "out of memory");
			return false;
		}
		maker->handled++;
		leave(maker, thread);
	}
	return end_of_events(maker, step);
}

/* The whole. */

static bool map_arrays(struct maker *maker)
{
	struct replay_plan *plan = maker->plan;

	if (maker->calls >= REPLAY_NONE) {
		snprintf(maker->problem, TRACE_PROBLEM_BYTES, "more than %u calls are too many",
			 REPLAY_NONE - 1);
		return false;
	}
	plan->capacity = maker->calls;
	plan->steps = map_array(maker, plan->capacity, sizeof *plan->steps);
	plan->epochs = map_array(maker, plan->capacity, sizeof *plan->epochs);
	plan->entries = map_array(maker, plan->capacity, sizeof *plan->entries);
	plan->first_steps = map_array(maker, plan->capacity, sizeof *plan->first_steps);
	maker->last_steps = map_array(maker, plan->capacity, sizeof *maker->last_steps);
	maker->free_players = map_array(maker, plan->capacity, sizeof *maker->free_players);
	maker->turns = map_array(maker, plan->capacity, sizeof *maker->turns);
	maker->free_blocks = map_array(maker, plan->capacity, sizeof *maker->free_blocks);
	return plan->steps && plan->epochs && plan->entries && plan->first_steps &&
	       maker->last_steps && maker->free_players && maker->turns && maker->free_blocks;
}

static void unmap_own_arrays(struct maker *maker)
{
	uint64_t count = maker->plan->capacity;

	unmap_array(maker->last_steps, count, sizeof *maker->last_steps);
	unmap_array(maker->free_players, count, sizeof *maker->free_players);
	unmap_array(maker->turns, count, sizeof *maker->turns);
	unmap_array(maker->free_blocks, count, sizeof *maker->free_blocks);
}

bool replay_plan_make(struct replay_plan *plan, struct trace *trace, int32_t pid, char *problem)
{
	struct maker maker = { .plan = plan, .trace = trace, .pid = pid, .problem = problem };
	bool done;

	*plan = (struct replay_plan){ .process = 0 };
	done = find_process(&maker) && count_calls(&maker) && map_arrays(&maker) &&
	       add_calls(&maker);
	unmap_own_arrays(&maker);
	tdestroy(maker.threads, free);
	tdestroy(maker.blocks, free);
	if (!done)
		replay_plan_free(plan);
	return done;
}

void replay_plan_free(struct replay_plan *plan)
{
	unmap_array(plan->steps, plan->capacity, sizeof *plan->steps);
	unmap_array(plan->epochs, plan->capacity, sizeof *plan->epochs);
	unmap_array(plan->entries, plan->capacity, sizeof *plan->entries);
	unmap_array(plan->first_steps, plan->capacity, sizeof *plan->first_steps);
	*plan = (struct replay_plan){ .process = plan->process };
}
