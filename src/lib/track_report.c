#include "track.h"

#include "units.h"

#include <errno.h>
#include <string.h>

/* Call stacks that are told apart; more than that are summed up as one. */
#define STACKS_MAX 16384U
#define PLACES (2 * STACKS_MAX)
#define TEXT_BYTES (32 * WEIR_KIB)

/* The leases of one call stack. */
struct stack_sums {
	uint64_t bytes;
	uint64_t blocks;
	struct weir_track_lease oldest;
};

/* Of one report, in memory of its own. */
struct collected {
	struct stack_sums sums[STACKS_MAX];
	uint16_t places[PLACES]; /* by the stack's hash: index + 1 in sums, 0 for none */
	uint16_t order[STACKS_MAX];
	uint32_t count;
	struct stack_sums others; /* of the stacks beyond STACKS_MAX */
	struct stack_sums all;
	char text[TEXT_BYTES];
};

static uint64_t hash_of(const struct weir_track_lease *lease)
{
	uint64_t hash = lease->depth;

	for (unsigned i = 0; i < lease->depth; i++) {
		hash = (hash ^ (uintptr_t)lease->stack[i]) * 0x9e3779b97f4a7c15;
		hash ^= hash >> 32;
	}
	return hash;
}

/* What a record does not fill is zero. */
static bool is_same_stack(const struct weir_track_lease *a, const struct weir_track_lease *b)
{
	return memcmp(a->stack, b->stack, sizeof a->stack) == 0;
}

static struct stack_sums *sums_of(struct collected *collected, const struct weir_track_lease *lease)
{
	uint64_t at = hash_of(lease) % PLACES;

	for (; collected->places[at] != 0; at = (at + 1) % PLACES) {
		struct stack_sums *found = &collected->sums[collected->places[at] - 1];

		if (is_same_stack(&found->oldest, lease))
			return found;
	}
	if (collected->count == STACKS_MAX)
		return &collected->others;
	collected->order[collected->count] = (uint16_t)collected->count;
	collected->places[at] = (uint16_t)++collected->count;
	return &collected->sums[collected->count - 1];
}

static void add(struct stack_sums *sums, const struct weir_track_lease *lease)
{
	if (sums->blocks == 0 || lease->since_ms < sums->oldest.since_ms)
		sums->oldest = *lease;
	sums->bytes += lease->bytes;
	sums->blocks++;
}

static void collect(struct collected *collected, const struct weir_track *track)
{
	struct weir_track_lease lease;
	size_t cursor = 0;

	while (weir_track_step(track, &cursor, &lease)) {
		add(sums_of(collected, &lease), &lease);
		add(&collected->all, &lease);
	}
}

/* The order: a heap whose first has the most bytes, of equals the oldest. */

static bool is_before(const struct collected *collected, uint32_t a, uint32_t b)
{
	const struct stack_sums *one = &collected->sums[collected->order[a]];
	const struct stack_sums *other = &collected->sums[collected->order[b]];

	if (one->bytes != other->bytes)
		return one->bytes > other->bytes;
	return one->oldest.since_ms < other->oldest.since_ms;
}

static void sink(struct collected *collected, uint32_t at, uint32_t count)
{
	uint16_t moved;
	uint32_t child;

	for (child = 2 * at + 1; child < count; child = 2 * at + 1) {
		if (child + 1 < count && is_before(collected, child + 1, child))
			child++;
		if (!is_before(collected, child, at))
			return;
		moved = collected->order[at];
		collected->order[at] = collected->order[child];
		collected->order[child] = moved;
		at = child;
	}
}

static void heapify(struct collected *collected)
{
	for (uint32_t i = collected->count / 2; i > 0; i--)
		sink(collected, i - 1, collected->count);
}

/* Takes the first of `count` away. */
static const struct stack_sums *take_first(struct collected *collected, uint32_t count)
{
	const struct stack_sums *first = &collected->sums[collected->order[0]];

	collected->order[0] = collected->order[count - 1];
	sink(collected, 0, count - 1);
	return first;
}

/* The text. */

static void put_count(struct weir_text *text, uint64_t blocks)
{
	weir_text_decimal(text, blocks);
	weir_text_string(text, blocks == 1 ? " block" : " blocks");
}

static void put_sums(struct weir_text *text, const struct stack_sums *sums)
{
	weir_units_format_size(text, sums->bytes);
	weir_text_string(text, " in ");
	put_count(text, sums->blocks);
}

static void put_head(struct weir_text *text, const char *name, const struct stack_sums *all)
{
	weir_text_string(text, "pool ");
	weir_text_string(text, name);
	weir_text_string(text, ": ");
	put_sums(text, all);
	weir_text_string(text, " leased\n");
}

/* In tenths of a second. What was leased while this report was made has no age. */
static void put_oldest(struct weir_text *text, const struct weir_track_lease *lease,
		       uint64_t now_ms)
{
	uint64_t age_ms = now_ms > lease->since_ms ? now_ms - lease->since_ms : 0;

	weir_text_string(text, ", the oldest for ");
	weir_text_fixed(text, age_ms / 100, 1);
	weir_text_string(text, " s by thread ");
	weir_text_decimal(text, lease->thread);
	weir_text_string(text, ": ");
	weir_text_hex(text, (uintptr_t)lease->block);
}

static void put_stack(struct weir_text *text, const struct weir_track_lease *lease,
		      weir_track_name *name_address)
{
	for (unsigned i = 0; i < lease->depth; i++) {
		weir_text_string(text, "    ");
		name_address(text, lease->stack[i]);
		weir_text_char(text, '\n');
	}
}

static void put_ends(struct weir_text *text, const struct stack_sums *others, uint64_t untracked)
{
	if (others->blocks > 0) {
		weir_text_string(text, "  ");
		put_sums(text, others);
		weir_text_string(text, " by other call stacks\n");
	}
	if (untracked > 0) {
		weir_text_string(text, "  ");
		put_count(text, untracked);
		weir_text_string(text, " more, leased when no more could be tracked\n");
	}
}

static int send(const struct weir_text *text, int fd)
{
	return weir_os_write(fd, text->data, text->used);
}

/* One write for each call stack, so that other threads' lines come between those alone. */
static int write_all(struct collected *collected, const struct weir_track *track, const char *name,
		     uint64_t now_ms, weir_track_name *name_address, int fd)
{
	const struct stack_sums *sums;
	struct weir_text text;
	int error;

	weir_text_init(&text, collected->text, sizeof collected->text);
	put_head(&text, name, &collected->all);
	error = send(&text, fd);
	for (uint32_t left = collected->count; left > 0 && error == 0; left--) {
		sums = take_first(collected, left);
		weir_text_init(&text, collected->text, sizeof collected->text);
		weir_text_string(&text, "  ");
		put_sums(&text, sums);
		put_oldest(&text, &sums->oldest, now_ms);
		weir_text_char(&text, '\n');
		put_stack(&text, &sums->oldest, name_address);
		error = send(&text, fd);
	}
	weir_text_init(&text, collected->text, sizeof collected->text);
	put_ends(&text, &collected->others, weir_track_untracked(track));
	return error != 0 ? error : send(&text, fd);
}

int weir_track_report(const struct weir_track *track, const char *name, uint64_t now_ms,
		      weir_track_name *name_address, int fd)
{
	size_t page_bytes = weir_os_page_bytes();
	size_t bytes = weir_align_up(sizeof(struct collected), page_bytes);
	struct collected *collected = weir_os_reserve(bytes, page_bytes);
	int error = -ENOMEM;

	if (!collected)
		return error;
	if (weir_os_commit(collected, bytes)) {
		collect(collected, track);
		heapify(collected);
		error = write_all(collected, track, name, now_ms, name_address, fd);
	}
	weir_os_unreserve(collected, bytes);
	return error;
}

int weir_track_report_sums(const char *name, uint64_t bytes, uint64_t blocks, int fd)
{
	const struct stack_sums all = { .bytes = bytes, .blocks = blocks };
	struct weir_text text;
	char line[128];

	weir_text_init(&text, line, sizeof line);
	put_head(&text, name, &all);
	return send(&text, fd);
}
