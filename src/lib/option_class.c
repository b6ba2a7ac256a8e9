/* Class limits: RANGE:LIMIT,... where RANGE is SIZE-SIZE, SIZE or *. */
#include "option.h"

#include "units.h"

#include <string.h>

bool weir_option_parse_range(const char *text, size_t length, uint64_t largest_bytes,
			     size_t *min_bytes, size_t *max_bytes)
{
	const char *dash = memchr(text, '-', length);
	size_t first = dash == NULL ? length : (size_t)(dash - text);
	uint64_t from, to;

	if (length == 1 && *text == '*') {
		*min_bytes = 0;
		*max_bytes = WEIR_NO_LIMIT;
		return true;
	}
	if (!weir_units_parse_size(text, first, &from))
		return false;
	to = from;
	if (dash != NULL && !weir_units_parse_size(dash + 1, length - first - 1, &to))
		return false;
	*min_bytes = weir_fit(from);
	*max_bytes = weir_fit(to);
	return from <= to && to <= largest_bytes;
}

static bool parse_class_limit(const struct weir_option *option, const char *text, size_t length,
			      struct weir_class_limit *limit)
{
	const char *colon = memchr(text, ':', length);
	size_t range = colon == NULL ? length : (size_t)(colon - text);
	uint64_t bytes;
	size_t rest;

	if (colon == NULL)
		return false;
	rest = length - range - 1;
	if (!weir_option_parse_range(text, range, option->max, &limit->min_bytes,
				     &limit->max_bytes))
		return false;
	limit->limit_bytes = WEIR_NO_LIMIT;
	if (weir_option_parse_share(colon + 1, rest, &limit->limit_share)) {
		if (limit->limit_share.share == 0)
			limit->limit_bytes = 0;
		return true;
	}
	limit->limit_share.share = 0;
	if (!weir_units_parse_size(colon + 1, rest, &bytes) || bytes == UINT64_MAX)
		return false;
	limit->limit_bytes = weir_fit(bytes);
	return true;
}

static const char *parse_class_limits(const struct weir_option *option, const char *value,
				      struct weir_config *config)
{
	struct weir_class_limit limits[WEIR_CLASS_LIMITS_MAX];
	const char *entry = value;
	unsigned count = 0;
	size_t length;

	if (weir_option_is_word(value, option->none)) {
		config->class_limit_count = 0;
		return NULL;
	}
	for (;; entry += length + 1) {
		length = strcspn(entry, ",");
		if (count == WEIR_CLASS_LIMITS_MAX)
			return "too many ranges";
		if (!parse_class_limit(option, entry, length, &limits[count]))
			return "not a list of limits";
		count++;
		if (entry[length] == '\0')
			break;
	}
	memcpy(config->class_limits, limits, count * sizeof limits[0]);
	config->class_limit_count = count;
	return NULL;
}

static void format_class_limit(const struct weir_class_limit *limit, struct weir_text *text)
{
	if (limit->max_bytes == WEIR_NO_LIMIT) {
		weir_text_char(text, '*');
	} else {
		weir_units_format_size_option(text, limit->min_bytes);
		if (limit->max_bytes != limit->min_bytes) {
			weir_text_char(text, '-');
			weir_units_format_size_option(text, limit->max_bytes);
		}
	}
	weir_text_char(text, ':');
	if (limit->limit_share.share != 0 && !limit->limit_share.is_resolved)
		weir_units_format_share_option(text, limit->limit_share.share);
	else if (limit->limit_bytes == WEIR_NO_LIMIT)
		weir_text_string(text, "none");
	else
		weir_units_format_size_option(text, limit->limit_bytes);
}

static void format_class_limits(const struct weir_option *option, const struct weir_config *config,
				struct weir_text *text)
{
	if (config->class_limit_count == 0)
		weir_text_string(text, option->none);
	for (unsigned i = 0; i < config->class_limit_count; i++) {
		if (i > 0)
			weir_text_char(text, ',');
		format_class_limit(&config->class_limits[i], text);
	}
}

static void describe_class_limits(const struct weir_option *option, struct weir_text *text)
{
	weir_text_string(text, "up to ");
	weir_text_decimal(text, WEIR_CLASS_LIMITS_MAX);
	weir_text_string(text, " of RANGE:LIMIT with commas between, RANGE as 64K-1M, 16M or * "
			       "and at most ");
	weir_units_format_size_option(text, option->max);
	weir_text_string(text, ", LIMIT a size or a share");
	weir_option_describe_none(option, text);
}

const struct weir_option_kind weir_option_class_limits = { parse_class_limits, format_class_limits,
							   describe_class_limits };
