#include "tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES 64

/* The first member of that name at or behind `from`; the library writes no spaces. */
static uint64_t number_of(const char *from, const char *name)
{
	char key[KEY_BYTES];
	const char *found;

	snprintf(key, sizeof key, "\"%s\":", name);
	found = strstr(from, key);
	return found == NULL ? 0 : strtoull(found + strlen(key), NULL, 10);
}

static struct tally_class *class_of(struct tally *tally, uint64_t size_bytes)
{
	size_t i = 0;

	while (i < tally->class_count && tally->classes[i].size_bytes != size_bytes)
		i++;
	if (i == WEIR_CLASS_COUNT)
		return NULL;
	if (i == tally->class_count)
		tally->classes[tally->class_count++].size_bytes = size_bytes;
	return &tally->classes[i];
}

static void add_classes(struct tally *tally, const char *report)
{
	const char *at = strstr(report, "\"classes\":["),
		   *end = at == NULL ? NULL : strchr(at, ']');
	struct tally_class *class;

	while (end != NULL && (at = strchr(at + 1, '{')) != NULL && at < end) {
		class = class_of(tally, number_of(at, "size_bytes"));
		if (class == NULL)
			return;
		class->hits += number_of(at, "hits");
		class->misses += number_of(at, "misses");
		class->retained_bytes += number_of(at, "retained_bytes");
	}
}

void tally_add(struct tally *tally, const char *report)
{
	uint64_t requests = number_of(report, "requests");
	uint64_t peak_bytes = number_of(report, "peak_retained_bytes");

	tally->processes += requests > 0;
	tally->requests += requests;
	tally->hits += number_of(report, "hits");
	if (peak_bytes > tally->peak_retained_bytes)
		tally->peak_retained_bytes = peak_bytes;
	add_classes(tally, report);
}

bool tally_read(struct tally *tally, const char *path)
{
	FILE *lines = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	if (lines == NULL)
		return false;
	while (getline(&line, &size, lines) > 0)
		tally_add(tally, line);
	free(line);
	fclose(lines);
	return true;
}
