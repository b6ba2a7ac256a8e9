#include "replay_figures.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	size_t at;
} fields[] = {
	{ "wall_ns", offsetof(struct replay_figures, wall_ns) },
	{ "user_ns", offsetof(struct replay_figures, user_ns) },
	{ "system_ns", offsetof(struct replay_figures, system_ns) },
	{ "minor_faults", offsetof(struct replay_figures, minor_faults) },
	{ "major_faults", offsetof(struct replay_figures, major_faults) },
	{ "peak_bytes", offsetof(struct replay_figures, peak_bytes) },
	{ "final_bytes", offsetof(struct replay_figures, final_bytes) },
	{ "live_bytes", offsetof(struct replay_figures, live_bytes) },
	{ "failed", offsetof(struct replay_figures, failed) },
};

void replay_figures_print(const struct replay_figures *figures, FILE *to)
{
	uint64_t value;

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		memcpy(&value, (const char *)figures + fields[i].at, sizeof value);
		fprintf(to, ",\"%s\":%" PRIu64, fields[i].name, value);
	}
}

static bool read_field(const char *json, const char *name, uint64_t *value)
{
	char key[64];
	const char *found;

	snprintf(key, sizeof key, ",\"%s\":", name);
	found = strstr(json, key);
	if (found == NULL)
		return false;
	*value = strtoull(found + strlen(key), NULL, 10);
	return true;
}

bool replay_figures_read(struct replay_figures *figures, const char *json)
{
	uint64_t value;

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		if (!read_field(json, fields[i].name, &value))
			return false;
		memcpy((char *)figures + fields[i].at, &value, sizeof value);
	}
	return true;
}
