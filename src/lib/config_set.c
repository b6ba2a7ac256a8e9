/* Changing settings while the program runs. */
#include "complaint.h"
#include "config_table.h"

#include <string.h>

static void copy_line(void *context, const char *line)
{
	struct weir_text *text = context;

	if (text->used == 0)
		weir_text_string(text, line);
}

static bool same_ranges(const struct weir_config *a, const struct weir_config *b)
{
	if (a->class_limit_count != b->class_limit_count)
		return false;
	for (unsigned i = 0; i < a->class_limit_count; i++)
		if (a->class_limits[i].min_bytes != b->class_limits[i].min_bytes ||
		    a->class_limits[i].max_bytes != b->class_limits[i].max_bytes)
			return false;
	return true;
}

static void list_live(struct weir_text *reason)
{
	const char *separator = "";

	for (size_t i = 0; i < WEIR_OPTION_COUNT; i++)
		if (weir_config_options[i].live) {
			weir_text_string(reason, separator);
			weir_text_string(reason, weir_config_options[i].name);
			separator = ", ";
		}
}

static bool is_live(size_t i, struct weir_text *reason)
{
	if (i < WEIR_OPTION_COUNT && weir_config_options[i].live)
		return true;
	weir_text_string(reason, i < WEIR_OPTION_COUNT ? weir_config_options[i].name
						       : "no variable of this name");
	weir_text_string(reason, i < WEIR_OPTION_COUNT
					 ? " cannot be changed while the program runs; these can: "
					 : "; these can be changed: ");
	list_live(reason);
	return false;
}

bool weir_config_set(struct weir_config *config, const char *name, const char *value,
		     uint64_t memory_limit_bytes, struct weir_text *reason)
{
	struct weir_config_sink sink = { copy_line, reason };
	struct weir_complaints complaints = weir_complaints_to(&sink);
	size_t i = weir_config_find_option(name, strlen(name));
	struct weir_config changed = *config;
	const char *problem;

	if (!is_live(i, reason))
		return false;
	problem = weir_config_options[i].kind->parse(&weir_config_options[i], value, &changed);
	if (problem != NULL) {
		weir_complaint_of_value(&complaints, &weir_config_options[i], value, problem,
					config);
		return false;
	}
	weir_config_resolve(&changed, memory_limit_bytes, &sink);
	if (reason->used > 0)
		return false;
	if (!same_ranges(&changed, config)) {
		weir_text_string(reason, "the ranges of WEIR_CLASS_LIMITS stay as they were at the "
					 "start, only their limits can change: ");
		weir_config_put_setting(reason, i, config);
		return false;
	}
	*config = changed;
	config->origins[i] = WEIR_ORIGIN_SET;
	return true;
}
