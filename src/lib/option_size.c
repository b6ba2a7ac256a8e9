/* Options in bytes: a size, a share of the memory limit, or the smaller of both. */
#include "option.h"

#include "units.h"

#include <string.h>

bool weir_option_parse_share(const char *text, size_t length, struct weir_share *share)
{
	share->cap_bytes = WEIR_NO_LIMIT;
	share->is_resolved = false;
	return weir_units_parse_share(text, length, &share->share);
}

/* min(512M, 12.5%) */
static bool parse_capped_share(const char *text, size_t length, struct weir_share *share)
{
	static const char begin[] = "min(";
	const char *cap;
	const char *end;
	const char *comma;
	const char *part;
	uint64_t bytes;

	if (!weir_units_is_word(text, strlen(begin), begin) || text[length - 1] != ')')
		return false;
	cap = text + strlen(begin);
	end = text + length - 1;
	comma = memchr(cap, ',', (size_t)(end - cap));
	if (comma == NULL)
		return false;
	part = comma + 1 + strspn(comma + 1, " ");
	if (!weir_units_parse_size(cap, (size_t)(comma - cap), &bytes) ||
	    !weir_units_parse_share(part, (size_t)(end - part), &share->share))
		return false;
	share->cap_bytes = weir_fit(bytes);
	return true;
}

size_t weir_option_share_bytes(const struct weir_share *share, uint64_t whole_bytes)
{
	uint64_t whole = whole_bytes / WEIR_SHARE_WHOLE;
	uint64_t rest = whole_bytes % WEIR_SHARE_WHOLE;
	uint64_t bytes = whole * share->share + rest * share->share / WEIR_SHARE_WHOLE;

	return weir_min(weir_fit(bytes), share->cap_bytes);
}

static void set_bytes(const struct weir_option *option, size_t bytes, struct weir_config *config)
{
	static const struct weir_share none = { .cap_bytes = WEIR_NO_LIMIT };
	size_t *size = weir_option_field(option, config);

	*size = bytes;
	*weir_option_share_field(option, config) = none;
}

static const char *store_bytes(const struct weir_option *option, uint64_t bytes,
			       struct weir_config *config)
{
	if (!weir_option_is_in_range(option, bytes))
		return WEIR_OPTION_OUT_OF_RANGE;
	set_bytes(option, weir_option_bytes(option, bytes), config);
	return NULL;
}

/* In the byte field a plain share keeps the value that it replaces, and a capped
 * one puts a quarter of its cap, for the case that the memory limit is unknown. */
static const char *store_share(const struct weir_option *option, const struct weir_share *share,
			       struct weir_config *config)
{
	size_t *size = weir_option_field(option, config);

	if (share->share == 0)
		return store_bytes(option, 0, config);
	if (share->cap_bytes != WEIR_NO_LIMIT) {
		if (!weir_option_is_in_range(option, share->cap_bytes))
			return WEIR_OPTION_OUT_OF_RANGE;
		*size = weir_option_bytes(option, share->cap_bytes / 4);
	}
	*weir_option_share_field(option, config) = *share;
	return NULL;
}

static const char *parse_size(const struct weir_option *option, const char *value,
			      struct weir_config *config)
{
	size_t length = strlen(value);
	struct weir_share share = { .share = 0 };
	uint64_t bytes;

	if (weir_option_is_word(value, option->none)) {
		set_bytes(option, WEIR_NO_LIMIT, config);
		return NULL;
	}
	if (parse_capped_share(value, length, &share) ||
	    weir_option_parse_share(value, length, &share))
		return store_share(option, &share, config);
	if (!weir_units_parse_size(value, length, &bytes))
		return "not a size";
	return store_bytes(option, bytes, config);
}

static void format_bytes(const struct weir_option *option, size_t bytes, struct weir_text *text)
{
	if (bytes == WEIR_NO_LIMIT && option->none != NULL)
		weir_text_string(text, option->none);
	else
		weir_units_format_size_option(text, bytes);
}

static void format_share(const struct weir_share *share, struct weir_text *text)
{
	if (share->cap_bytes == WEIR_NO_LIMIT) {
		weir_units_format_share_option(text, share->share);
		return;
	}
	weir_text_string(text, "min(");
	weir_units_format_size_option(text, share->cap_bytes);
	weir_text_string(text, ", ");
	weir_units_format_share_option(text, share->share);
	weir_text_char(text, ')');
}

static void format_size(const struct weir_option *option, const struct weir_config *config,
			struct weir_text *text)
{
	const struct weir_share *share = weir_option_const_share_field(option, config);
	const size_t *bytes = weir_option_const_field(option, config);

	if (share->share != 0 && !share->is_resolved)
		format_share(share, text);
	else
		format_bytes(option, *bytes, text);
}

static void describe_size(const struct weir_option *option, struct weir_text *text)
{
	weir_text_string(text, "a size from ");
	weir_units_format_size_option(text, option->min);
	weir_text_string(text, " to ");
	weir_units_format_size_option(text, option->max);
	weir_text_string(text, ", a share like 25%, the smaller of both like min(512M, 25%)");
	weir_option_describe_none(option, text);
}

const struct weir_option_kind weir_option_size = { parse_size, format_size, describe_size };
