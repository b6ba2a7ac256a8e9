/* Options that name things: the programs, paths, and where the report goes. */
#include "option.h"

#include "units.h"

#include <string.h>

/* Programs: a comma list of patterns. */

/* Iterative: on a mismatch the last * takes one more character of the name. */
static bool matches(const char *pattern, const char *end, const char *name)
{
	const char *star = NULL;
	const char *resume = NULL;

	while (*name != '\0') {
		if (pattern < end && *pattern == '*') {
			star = ++pattern;
			resume = name;
		} else if (pattern < end && (*pattern == '?' || *pattern == *name)) {
			pattern++;
			name++;
		} else if (star != NULL) {
			pattern = star;
			name = ++resume;
		} else {
			return false;
		}
	}
	while (pattern < end && *pattern == '*')
		pattern++;
	return pattern == end;
}

bool weir_option_names(const char *patterns, const char *name)
{
	for (;;) {
		const char *end = patterns + strcspn(patterns, ",");

		if (matches(patterns, end, name))
			return true;
		if (*end == '\0')
			return false;
		patterns = end + 1;
	}
}

static bool has_empty_entry(const char *list)
{
	return *list == '\0' || *list == ',' || strstr(list, ",,") != NULL ||
	       list[strlen(list) - 1] == ',';
}

static const char *parse_programs(const struct weir_option *option, const char *value,
				  struct weir_config *config)
{
	if (has_empty_entry(value))
		return "an empty name";
	if (strlen(value) >= sizeof config->programs_bytes)
		return "too long a list";
	config->programs = NULL;
	if (weir_option_is_word(value, option->none))
		return NULL;
	memcpy(config->programs_bytes, value, strlen(value) + 1);
	config->programs = config->programs_bytes;
	return NULL;
}

static void format_programs(const struct weir_option *option, const struct weir_config *config,
			    struct weir_text *text)
{
	weir_text_string(text, config->programs == NULL ? option->none : config->programs);
}

static void describe_programs(const struct weir_option *option, struct weir_text *text)
{
	weir_text_string(text, "program names with commas between, * and ? as in a shell");
	weir_option_describe_none(option, text);
}

const struct weir_option_kind weir_option_programs = { parse_programs, format_programs,
						       describe_programs };

/* Paths: a char array of `max` bytes, which holds an absolute path, one of the words, or
 * nothing for none. */

static const char *parse_path(const struct weir_option *option, const char *value,
			      struct weir_config *config)
{
	char *path = weir_option_field(option, config);

	if (weir_option_is_word(value, option->none)) {
		*path = '\0';
		return NULL;
	}
	for (size_t i = 0; option->words != NULL && option->words[i] != NULL; i++) {
		if (weir_option_is_word(value, option->words[i])) {
			memcpy(path, option->words[i], strlen(option->words[i]) + 1);
			return NULL;
		}
	}
	if (*value != '/')
		return "not an absolute path";
	if (strlen(value) >= option->max)
		return "too long a path";
	memcpy(path, value, strlen(value) + 1);
	return NULL;
}

static void format_path(const struct weir_option *option, const struct weir_config *config,
			struct weir_text *text)
{
	const char *path = weir_option_const_field(option, config);

	weir_text_string(text, *path == '\0' ? option->none : path);
}

static void describe_path(const struct weir_option *option, struct weir_text *text)
{
	weir_text_string(text, "an absolute path of up to ");
	weir_text_decimal(text, option->max - 1);
	weir_text_string(text, " bytes");
	for (size_t i = 0; option->words != NULL && option->words[i] != NULL; i++) {
		weir_text_string(text, ", ");
		weir_text_string(text, option->words[i]);
	}
	weir_option_describe_none(option, text);
}

const struct weir_option_kind weir_option_path = { parse_path, format_path, describe_path };

/* Report: whether and where. */

static void set_report(struct weir_config *config, bool at_exit, const char *path)
{
	config->report_at_exit = at_exit;
	config->report_path = NULL;
	if (path == NULL)
		return;
	memcpy(config->report_path_bytes, path, strlen(path) + 1);
	config->report_path = config->report_path_bytes;
}

static const char *parse_report(const struct weir_option *option, const char *value,
				struct weir_config *config)
{
	static const char with_path[] = "exit:";
	size_t length = strlen(with_path);
	const char *path;

	if (weir_units_is_word(value, length, with_path)) {
		path = value + length;
		if (*path == '\0')
			return "an empty path";
		if (strlen(path) >= sizeof config->report_path_bytes)
			return "too long a path";
		set_report(config, true, path);
	} else if (weir_option_is_word(value, "exit")) {
		set_report(config, true, NULL);
	} else if (weir_option_is_word(value, option->none)) {
		set_report(config, false, NULL);
	} else {
		return "not a kind of report";
	}
	return NULL;
}

static void format_report(const struct weir_option *option, const struct weir_config *config,
			  struct weir_text *text)
{
	weir_text_string(text, config->report_at_exit ? "exit" : option->none);
	if (config->report_path != NULL) {
		weir_text_char(text, ':');
		weir_text_string(text, config->report_path);
	}
}

static void describe_report(const struct weir_option *option, struct weir_text *text)
{
	weir_text_string(text, "exit, exit:PATH");
	weir_option_describe_none(option, text);
}

const struct weir_option_kind weir_option_report = { parse_report, format_report, describe_report };
