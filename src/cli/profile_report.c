#include "profile_report.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIELD(name) \
	{ \
#name, offsetof(struct profile_statistics, name) \
	}

/* Of the figures that a report names (snapshot.h). */
static const struct {
	const char *name;
	size_t at;
} fields[] = {
	FIELD(requests),     FIELD(hits),	 FIELD(misses),
	FIELD(oversize),     FIELD(passed),	 FIELD(refused),
	FIELD(refused_live), FIELD(limit_bytes), FIELD(memory_bytes),
};

#define FIELD_COUNT (sizeof fields / sizeof *fields)

static uint64_t *field_of(struct profile_statistics *statistics, size_t i)
{
	return (uint64_t *)(void *)((char *)statistics + fields[i].at);
}

static void keep(struct profile_reports *reports, const struct profile_seen *seen)
{
	struct profile_seen *more;
	size_t i = 0;

	while (i < reports->count && reports->seen[i].pid != seen->pid)
		i++;
	if (i == reports->count) {
		more = reallocarray(reports->seen, i + 1, sizeof *more);
		if (more == NULL)
			return;
		reports->seen = more;
		reports->count++;
	}
	reports->seen[i] = *seen;
}

/* While it runs. */

static const struct weir_snapshot_field *snapshot_field(const char *name)
{
	size_t i = 0;

	while (strcmp(weir_snapshot_fields[i].name, name) != 0)
		i++;
	return &weir_snapshot_fields[i];
}

void profile_reports_see(struct profile_reports *reports, const struct weir_snapshot *snapshot)
{
	struct profile_seen seen = { .pid = snapshot->pid };

	for (size_t i = 0; i < FIELD_COUNT; i++)
		*field_of(&seen.statistics, i) =
			weir_snapshot_value(snapshot, snapshot_field(fields[i].name));
	seen.statistics.has_own_handler = snapshot->signal_owner == WEIR_SIGNAL_PROGRAM;
	keep(reports, &seen);
}

/* Reports. */

/* Quotes within strings are escaped, so that the first `"NAME":` is the figure of all. */
static bool find_number(const char *line, const char *name, uint64_t *number)
{
	char key[64];
	const char *at;

	snprintf(key, sizeof key, "\"%s\":", name);
	at = strstr(line, key);
	return at != NULL && sscanf(at + strlen(key), "%" SCNu64, number) == 1;
}

bool profile_reports_take(struct profile_reports *reports, const char *line)
{
	struct profile_seen seen = { .pid = 0 };

	if (!find_number(line, "pid", &seen.pid))
		return false;
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (!find_number(line, fields[i].name, field_of(&seen.statistics, i)))
			return false;
	seen.statistics.has_own_handler = strstr(line, "\"signal\":\"program\"") != NULL;
	keep(reports, &seen);
	return true;
}

static void read_lines(struct profile_reports *reports, FILE *from)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, from) > 0)
		profile_reports_take(reports, line);
	free(line);
}

/* Others may have put anything there. */
static FILE *open_report(int directory, const char *name)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat found;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode))
		return fdopen(fd, "r");
	close(fd);
	return NULL;
}

void profile_reports_read(struct profile_reports *reports, const char *directory)
{
	DIR *all = opendir(directory);
	struct dirent *entry;
	FILE *from;

	while (all != NULL && (entry = readdir(all)) != NULL) {
		from = open_report(dirfd(all), entry->d_name);
		if (from == NULL)
			continue;
		read_lines(reports, from);
		fclose(from);
	}
	if (all != NULL)
		closedir(all);
}

/* The sum. */

static void add(struct profile_statistics *sum, const struct profile_statistics *one)
{
	uint64_t limit = weir_max(sum->limit_bytes, one->limit_bytes);
	uint64_t memory = weir_max(sum->memory_bytes, one->memory_bytes);

	for (size_t i = 0; i < FIELD_COUNT; i++)
		*field_of(sum, i) +=
			*(const uint64_t *)(const void *)((const char *)one + fields[i].at);
	sum->processes++;
	sum->limit_bytes = limit;
	sum->memory_bytes = memory;
	sum->has_own_handler = sum->has_own_handler || one->has_own_handler;
}

struct profile_statistics profile_reports_sum(const struct profile_reports *reports)
{
	struct profile_statistics sum = { .processes = 0 };

	for (size_t i = 0; i < reports->count; i++)
		add(&sum, &reports->seen[i].statistics);
	return sum;
}

void profile_reports_end(struct profile_reports *reports)
{
	free(reports->seen);
}
