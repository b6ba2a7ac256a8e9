/* Options of one value: flags, words, counts, times, signals. */
#include "option.h"

#include "units.h"

#include <signal.h>
#include <string.h>

bool weir_option_is_word(const char *value, const char *word)
{
	return word != NULL && weir_units_is_word(value, strlen(value), word);
}

bool weir_option_is_in_range(const struct weir_option *option, uint64_t value)
{
	return value >= option->min && value <= option->max;
}

void weir_option_describe_none(const struct weir_option *option, struct weir_text *text)
{
	if (option->none == NULL)
		return;
	weir_text_string(text, ", or ");
	weir_text_string(text, option->none);
}

static void describe_words(const char *const *words, struct weir_text *text)
{
	for (size_t i = 0; words[i] != NULL; i++) {
		if (i > 0)
			weir_text_string(text, ", ");
		weir_text_string(text, words[i]);
	}
}

/* The place of a value among words, or -1. */
static int find_word(const char *const *words, const char *value)
{
	for (int i = 0; words[i] != NULL; i++) {
		if (weir_option_is_word(value, words[i]))
			return i;
	}
	return -1;
}

/* Flags: a bool. */

static const char *const flag_words[] = {
	"0", "1", "off", "on", "no", "yes", "false", "true", NULL,
};

static const char *parse_flag(const struct weir_option *option, const char *value,
			      struct weir_config *config)
{
	bool *flag = weir_option_field(option, config);
	int place = find_word(flag_words, value);

	if (place < 0)
		return "not a yes or no";
	*flag = place % 2 == 1;
	return NULL;
}

static void format_flag(const struct weir_option *option, const struct weir_config *config,
			struct weir_text *text)
{
	const bool *flag = weir_option_const_field(option, config);

	weir_text_string(text, flag_words[*flag]);
}

static void describe_flag(const struct weir_option *option, struct weir_text *text)
{
	(void)option;
	describe_words(flag_words, text);
}

const struct weir_option_kind weir_option_flag = { parse_flag, format_flag, describe_flag };

/* Words: an enumeration, which the compiler keeps in an unsigned. */

static const char *parse_word(const struct weir_option *option, const char *value,
			      struct weir_config *config)
{
	unsigned *choice = weir_option_field(option, config);
	int place = find_word(option->words, value);

	if (place < 0)
		return "not one of its words";
	*choice = (unsigned)place;
	return NULL;
}

static void format_word(const struct weir_option *option, const struct weir_config *config,
			struct weir_text *text)
{
	const unsigned *choice = weir_option_const_field(option, config);

	weir_text_string(text, option->words[*choice]);
}

static void describe_word(const struct weir_option *option, struct weir_text *text)
{
	describe_words(option->words, text);
}

const struct weir_option_kind weir_option_word = { parse_word, format_word, describe_word };

/* Counts: a size_t. */

static const char *parse_count(const struct weir_option *option, const char *value,
			       struct weir_config *config)
{
	size_t *field_count = weir_option_field(option, config);
	uint64_t count;

	if (weir_option_is_word(value, option->none)) {
		*field_count = WEIR_NO_LIMIT;
		return NULL;
	}
	if (!weir_units_parse_count(value, strlen(value), &count))
		return "not a whole number";
	if (!weir_option_is_in_range(option, count))
		return WEIR_OPTION_OUT_OF_RANGE;
	*field_count = (size_t)count;
	return NULL;
}

static void format_count(const struct weir_option *option, const struct weir_config *config,
			 struct weir_text *text)
{
	const size_t *count = weir_option_const_field(option, config);

	if (*count == WEIR_NO_LIMIT)
		weir_text_string(text, option->none);
	else
		weir_text_decimal(text, *count);
}

static void describe_count(const struct weir_option *option, struct weir_text *text)
{
	weir_text_string(text, "a whole number from ");
	weir_text_decimal(text, option->min);
	weir_text_string(text, " to ");
	weir_text_decimal(text, option->max);
	weir_option_describe_none(option, text);
}

const struct weir_option_kind weir_option_count = { parse_count, format_count, describe_count };

/* Times: milliseconds in an uint64_t. */

static const char *parse_time(const struct weir_option *option, const char *value,
			      struct weir_config *config)
{
	uint64_t *field_ms = weir_option_field(option, config);
	uint64_t ms;

	if (weir_option_is_word(value, option->none)) {
		*field_ms = WEIR_DECAY_OFF;
		return NULL;
	}
	if (!weir_units_parse_time(value, strlen(value), &ms))
		return "not a time";
	if (!weir_option_is_in_range(option, ms))
		return WEIR_OPTION_OUT_OF_RANGE;
	*field_ms = ms;
	return NULL;
}

static void format_time(const struct weir_option *option, const struct weir_config *config,
			struct weir_text *text)
{
	const uint64_t *ms = weir_option_const_field(option, config);

	if (*ms == WEIR_DECAY_OFF)
		weir_text_string(text, option->none);
	else
		weir_units_format_time_option(text, *ms);
}

static void describe_time(const struct weir_option *option, struct weir_text *text)
{
	weir_text_string(text, "a time from ");
	weir_units_format_time_option(text, option->min);
	weir_text_string(text, " to ");
	weir_units_format_time_option(text, option->max);
	weir_text_string(text, " in ms, s, m or h");
	weir_option_describe_none(option, text);
}

const struct weir_option_kind weir_option_time = { parse_time, format_time, describe_time };

/* Signals: a number, 0 for none. */

static const char *parse_realtime(const char *offset, int *number)
{
	uint64_t n = 0;

	if (*offset == '+') {
		if (!weir_units_parse_count(offset + 1, strlen(offset + 1), &n))
			return "not a signal";
	} else if (*offset != '\0') {
		return "not a signal";
	}
	if (n > (uint64_t)(SIGRTMAX - SIGRTMIN))
		return WEIR_OPTION_OUT_OF_RANGE;
	*number = SIGRTMIN + (int)n;
	return NULL;
}

static const char *parse_signal(const struct weir_option *option, const char *value,
				struct weir_config *config)
{
	static const char realtime[] = "rtmin";
	int *number = weir_option_field(option, config);
	const char *name = value;

	if (weir_option_is_word(value, option->none)) {
		*number = 0;
		return NULL;
	}
	if (weir_units_is_word(name, 3, "sig"))
		name += 3;
	if (weir_units_is_word(name, strlen(realtime), realtime))
		return parse_realtime(name + strlen(realtime), number);
	if (weir_option_is_word(name, "usr1"))
		*number = SIGUSR1;
	else if (weir_option_is_word(name, "usr2"))
		*number = SIGUSR2;
	else
		return "not a signal";
	return NULL;
}

static void format_signal(const struct weir_option *option, const struct weir_config *config,
			  struct weir_text *text)
{
	int number = *(const int *)weir_option_const_field(option, config);

	if (number == 0) {
		weir_text_string(text, option->none);
	} else if (number == SIGUSR1) {
		weir_text_string(text, "USR1");
	} else if (number == SIGUSR2) {
		weir_text_string(text, "USR2");
	} else {
		weir_text_string(text, "RTMIN+");
		weir_text_decimal(text, (uint64_t)(number - SIGRTMIN));
	}
}

static void describe_signal(const struct weir_option *option, struct weir_text *text)
{
	weir_text_string(text, "USR1, USR2, RTMIN+0 to RTMIN+");
	weir_text_decimal(text, (uint64_t)(SIGRTMAX - SIGRTMIN));
	weir_option_describe_none(option, text);
}

const struct weir_option_kind weir_option_signal = { parse_signal, format_signal, describe_signal };
