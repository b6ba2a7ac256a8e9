#include "census.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* glibc's heaps of arenas begin at multiples of this, and are reserved as a whole. */
#define ARENA_BYTES ((uint64_t)64 << 20)

struct mapping {
	uint64_t begin;
	uint64_t end;
	char rights[5];
	char name[64]; /* its begin; empty for unnamed memory */
	uint64_t bytes;
};

static const struct {
	const char *name;
	const char *label;
} kinds[CENSUS_KINDS] = {
	[CENSUS_WEIR] = { "weir", "weir (large requests)" },
	[CENSUS_HEAP] = { "heap", "heap of the C library (small requests)" },
	[CENSUS_DIRECT] = { "direct", "mapped directly, other allocators" },
	[CENSUS_STACK] = { "stack", "stack" },
	[CENSUS_SHARED] = { "shared", "shared memory" },
	[CENSUS_FILES] = { "files", "files" },
};

/* Names that are no path of a file, or one in memory; by their begin. */
static const struct {
	const char *begin;
	enum census_kind kind;
} names[] = {
	{ "[heap]", CENSUS_HEAP },	{ "[anon: glibc: malloc", CENSUS_HEAP },
	{ "[stack]", CENSUS_STACK },	{ "[anon_shmem:", CENSUS_SHARED },
	{ "[", CENSUS_DIRECT },		{ "/dev/shm/", CENSUS_SHARED },
	{ "/memfd:", CENSUS_SHARED },	{ "/SYSV", CENSUS_SHARED },
	{ "/dev/zero", CENSUS_SHARED },
};

static bool is_unnamed(const struct mapping *mapping)
{
	return mapping->name[0] == '\0';
}

/* `behind` is the next mapping: an arena's is what it has not used yet. */
static bool is_arena(const struct mapping *mapping, const struct mapping *behind)
{
	uint64_t end = mapping->begin + ARENA_BYTES;

	if (!is_unnamed(mapping) || mapping->begin % ARENA_BYTES != 0 || mapping->rights[1] != 'w')
		return false;
	return mapping->end == end ||
	       (mapping->end < end && behind->begin == mapping->end && behind->end >= end &&
		is_unnamed(behind) && strncmp(behind->rights, "---", 3) == 0);
}

static enum census_kind kind_of(const struct mapping *mapping, const struct mapping *behind,
				const struct census_range *weir)
{
	if (mapping->begin >= weir->begin && mapping->end <= weir->end)
		return CENSUS_WEIR;
	if (is_arena(mapping, behind))
		return CENSUS_HEAP;
	if (is_unnamed(mapping))
		return CENSUS_DIRECT;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strncmp(mapping->name, names[i].begin, strlen(names[i].begin)) == 0)
			return names[i].kind;
	return CENSUS_FILES;
}

/* begin-end rwxp offset device inode name */
static bool parse_head(const char *line, struct mapping *mapping)
{
	struct mapping found = { .bytes = 0 };
	int name_at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %*s %*s %n", &found.begin, &found.end,
		   found.rights, &name_at) != 3 ||
	    name_at == 0)
		return false;
	snprintf(found.name, sizeof found.name, "%.*s", (int)strcspn(line + name_at, "\n"),
		 line + name_at);
	*mapping = found;
	return true;
}

static void parse_field(const char *line, struct mapping *mapping)
{
	uint64_t kib;

	if (mapping->end != 0 && sscanf(line, "Pss: %" SCNu64 " kB", &kib) == 1)
		mapping->bytes = kib << 10;
}

void census_add(struct census *census, FILE *smaps, const struct census_range *weir)
{
	struct mapping last = { .begin = 0 }, next;
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, smaps) > 0) {
		if (!parse_head(line, &next)) {
			parse_field(line, &last);
			continue;
		}
		census->bytes[kind_of(&last, &next, weir)] += last.bytes;
		last = next;
	}
	next = (struct mapping){ .begin = 0 };
	census->bytes[kind_of(&last, &next, weir)] += last.bytes;
	free(line);
}

uint64_t census_sum(const struct census *census)
{
	uint64_t sum = 0;

	for (unsigned kind = 0; kind < CENSUS_KINDS; kind++)
		sum += census->bytes[kind];
	return sum;
}

uint64_t census_private(const struct census *census)
{
	return census_sum(census) - census->bytes[CENSUS_FILES] - census->bytes[CENSUS_SHARED];
}

const char *census_name(enum census_kind kind)
{
	return kinds[kind].name;
}

const char *census_label(enum census_kind kind)
{
	return kinds[kind].label;
}
