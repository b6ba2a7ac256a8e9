#include "socket_path.h"

#include "units.h"

#include <string.h>

enum { PLACE_ASKED, PLACE_RUN, PLACE_RUNTIME_DIR, PLACE_TMP, PLACE_COUNT };

bool weir_socket_place(size_t i, const struct weir_config *config, unsigned uid,
		       struct weir_text *directory, bool *make)
{
	*make = i >= PLACE_RUNTIME_DIR;
	switch (i) {
	case PLACE_ASKED:
		weir_text_string(directory, config->socket_dir);
		break;
	case PLACE_RUN:
		weir_text_string(directory, "/run/weir");
		break;
	case PLACE_RUNTIME_DIR:
		if (config->runtime_dir[0] != '/')
			break;
		weir_text_string(directory, config->runtime_dir);
		weir_text_string(directory, "/weir");
		break;
	case PLACE_TMP:
		weir_text_string(directory, "/tmp/weir-");
		weir_text_decimal(directory, uid);
		break;
	default:
		break;
	}
	return i < PLACE_COUNT;
}

void weir_socket_format_name(struct weir_text *name, uint64_t pid, uint64_t start)
{
	weir_text_decimal(name, pid);
	weir_text_char(name, '-');
	weir_text_decimal(name, start);
	weir_text_string(name, ".sock");
}

bool weir_socket_is_name(const char *name, uint64_t *pid, uint64_t *start)
{
	const char *dash = strchr(name, '-');
	const char *dot = strchr(name, '.');

	return dash && dot && dash < dot && strcmp(dot, ".sock") == 0 &&
	       weir_units_parse_count(name, (size_t)(dash - name), pid) &&
	       weir_units_parse_count(dash + 1, (size_t)(dot - dash - 1), start);
}

/* Behind the name, which ends at the last parenthesis. */
const char *weir_socket_stat_field(const char *stat, unsigned number)
{
	const char *at = strrchr(stat, ')');

	for (unsigned i = 2; at && i < number; i++)
		at = strchr(at + 1, ' ');
	return at ? at + 1 : "";
}

#define START_FIELD 22

uint64_t weir_socket_parse_start(const char *stat)
{
	const char *field = weir_socket_stat_field(stat, START_FIELD);
	uint64_t start = 0;

	weir_units_parse_count(field, strspn(field, "0123456789"), &start);
	return start;
}
