#include "request.h"

#include "classes.h"
#include "option.h"
#include "units.h"

#include <string.h>

/* The rest of a line. */
struct words {
	const char *at;
	const char *end;
};

struct word {
	const char *text;
	size_t length; /* 0 behind the last */
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct word next_word(struct words *words)
{
	struct word word;

	while (words->at < words->end && is_space(*words->at))
		words->at++;
	word.text = words->at;
	while (words->at < words->end && !is_space(*words->at))
		words->at++;
	word.length = (size_t)(words->at - word.text);
	return word;
}

static bool is(struct word word, const char *name)
{
	return weir_units_is_word(word.text, word.length, name);
}

static bool copy(char *to, struct word word)
{
	memcpy(to, word.text, word.length);
	to[word.length] = '\0';
	return word.length > 0;
}

static bool refuse(struct weir_text *reason, const char *why)
{
	weir_text_string(reason, why);
	return false;
}

/* Each reads what follows its verb; the words behind that are too many. */

static bool parse_nothing(struct weir_request *request, struct words *words,
			  struct weir_text *reason)
{
	(void)request;
	(void)words;
	(void)reason;
	return true;
}

/* The value of `name=value`, or a text of NULL. */
static struct word value_of(struct word word, const char *name)
{
	size_t length = strlen(name);

	if (word.length <= length || word.text[length] != '=' ||
	    !weir_units_is_word(word.text, length, name))
		return (struct word){ NULL, 0 };
	return (struct word){ word.text + length + 1, word.length - length - 1 };
}

static bool parse_limits(struct weir_request *request, struct words *words,
			 struct weir_text *reason)
{
	struct word word, value;
	uint64_t keep_bytes;

	for (word = next_word(words); word.length > 0; word = next_word(words)) {
		request->is_partial = true;
		value = value_of(word, "keep");
		if (value.text && weir_units_parse_size(value.text, value.length, &keep_bytes)) {
			request->keep_bytes = weir_fit(keep_bytes);
			continue;
		}
		value = value_of(word, "class");
		if (value.text &&
		    weir_option_parse_range(value.text, value.length, WEIR_LARGEST_REQUEST,
					    &request->min_bytes, &request->max_bytes))
			continue;
		return refuse(reason, "accepted: release [keep=SIZE] [class=RANGE], SIZE as 64M, "
				      "RANGE as 64K-1M, 16M or * and at most 4G");
	}
	return true;
}

static bool parse_name(struct weir_request *request, struct words *words, struct weir_text *reason)
{
	return copy(request->name, next_word(words)) || refuse(reason, "accepted: get NAME");
}

static bool parse_name_and_value(struct weir_request *request, struct words *words,
				 struct weir_text *reason)
{
	return (copy(request->name, next_word(words)) && copy(request->value, next_word(words))) ||
	       refuse(reason, "accepted: set NAME VALUE");
}

static const struct {
	const char *name;
	enum weir_verb verb;
	bool (*parse)(struct weir_request *request, struct words *words, struct weir_text *reason);
} verbs[] = {
	{ "ping", WEIR_VERB_PING, parse_nothing },
	{ "stats", WEIR_VERB_STATS, parse_nothing },
	{ "metrics", WEIR_VERB_METRICS, parse_nothing },
	{ "release", WEIR_VERB_RELEASE, parse_limits },
	{ "get", WEIR_VERB_GET, parse_name },
	{ "set", WEIR_VERB_SET, parse_name_and_value },
};

#define VERB_COUNT (sizeof verbs / sizeof *verbs)

static bool refuse_verb(struct weir_text *reason)
{
	weir_text_string(reason, "no such request; accepted: ");
	for (size_t i = 0; i < VERB_COUNT; i++) {
		weir_text_string(reason, i > 0 ? ", " : "");
		weir_text_string(reason, verbs[i].name);
	}
	return false;
}

bool weir_request_parse(struct weir_request *request, const char *line, size_t length,
			struct weir_text *reason)
{
	struct words words = { line, line + length };
	struct word verb;

	memset(request, 0, sizeof *request);
	request->max_bytes = WEIR_NO_LIMIT;
	if (length >= WEIR_REQUEST_BYTES_MAX)
		return refuse(reason, "too long a line");
	if (memchr(line, '\0', length))
		return refuse(reason, "a zero byte");
	verb = next_word(&words);
	for (size_t i = 0; i < VERB_COUNT; i++) {
		if (!is(verb, verbs[i].name))
			continue;
		request->verb = verbs[i].verb;
		if (!verbs[i].parse(request, &words, reason))
			return false;
		return next_word(&words).length == 0 ||
		       refuse(reason, "more words than that takes");
	}
	return refuse_verb(reason);
}
