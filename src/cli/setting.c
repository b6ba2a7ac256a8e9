#include "setting.h"

#include "units.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void setting_put_name(struct weir_text *text, const char *name, size_t length)
{
	static const char prefix[] = "WEIR_";

	if (length < strlen(prefix) || !weir_units_is_word(name, strlen(prefix), "weir_"))
		weir_text_string(text, prefix);
	for (size_t i = 0; i < length; i++)
		weir_text_char(text, name[i] == '-' ? '_' : (char)toupper((unsigned char)name[i]));
}

const char *setting_split(const char *typed, char *name)
{
	const char *equals = strchr(typed, '=');
	struct weir_text text;

	if (equals == NULL || equals == typed)
		return NULL;
	weir_text_init(&text, name, SETTING_NAME_BYTES);
	setting_put_name(&text, typed, (size_t)(equals - typed));
	return equals + 1;
}

/* A pattern matches itself. */
const char *setting_accepted_program(char *name)
{
	const char *patterns = getenv("WEIR_PROGRAMS");
	struct weir_text text;

	weir_text_init(&text, name, SETTING_PROGRAM_BYTES);
	if (patterns != NULL)
		weir_text_bytes(&text, patterns, strcspn(patterns, ","));
	return name;
}

static void ignore(void *context, const char *line)
{
	(void)context;
	(void)line;
}

const struct weir_config_sink setting_silent = { ignore, NULL };
