#include "units.h"

#include <string.h>

#define FRACTION_DIGITS_MAX 6

struct number {
	uint64_t whole;
	uint64_t fraction;
	uint64_t fraction_scale; /* 1 when there is no fraction */
	size_t length;		 /* of the text it was read from; 0: no number */
};

struct suffix {
	const char *name;
	uint64_t factor;
};

static const struct suffix size_suffixes[] = {
	{ "", 1 },
	{ "b", 1 },
	{ "k", 1ULL << 10 },
	{ "kb", 1ULL << 10 },
	{ "kib", 1ULL << 10 },
	{ "m", 1ULL << 20 },
	{ "mb", 1ULL << 20 },
	{ "mib", 1ULL << 20 },
	{ "g", 1ULL << 30 },
	{ "gb", 1ULL << 30 },
	{ "gib", 1ULL << 30 },
	{ "t", 1ULL << 40 },
	{ "tb", 1ULL << 40 },
	{ "tib", 1ULL << 40 },
	{ NULL, 0 },
};

static const struct suffix share_suffixes[] = {
	{ "%", WEIR_SHARE_WHOLE / 100 },
	{ NULL, 0 },
};

static const struct suffix time_suffixes[] = {
	{ "ms", 1 }, { "", 1000 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 60 * 60 * 1000 },
	{ NULL, 0 },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool weir_units_is_word(const char *text, size_t length, const char *word)
{
	size_t i = 0;

	while (i < length && word[i] != '\0' && lower(text[i]) == word[i])
		i++;
	return i == length && word[i] == '\0';
}

/* Returns how many digits were read; 0 when there are none or they overflow. */
static size_t read_digits(const char *text, size_t length, uint64_t *value)
{
	size_t i;

	*value = 0;
	for (i = 0; i < length && is_digit(text[i]); i++) {
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(text[i] - '0'), value))
			return 0;
	}
	return i;
}

static struct number read_number(const char *text, size_t length)
{
	static const struct number none = { 0 };
	struct number number = { .fraction_scale = 1 };
	size_t digits;

	number.length = read_digits(text, length, &number.whole);
	if (number.length == 0 || number.length == length || text[number.length] != '.')
		return number;
	number.length++;
	digits = read_digits(text + number.length, length - number.length, &number.fraction);
	if (digits == 0 || digits > FRACTION_DIGITS_MAX)
		return none;
	for (size_t i = 0; i < digits; i++)
		number.fraction_scale *= 10;
	number.length += digits;
	return number;
}

static const struct suffix *find_suffix(const struct suffix *suffix, const char *text,
					size_t length)
{
	while (suffix->name != NULL && !weir_units_is_word(text, length, suffix->name))
		suffix++;
	return suffix->name == NULL ? NULL : suffix;
}

static bool parse(const struct suffix *suffixes, const char *text, size_t length, uint64_t *value)
{
	struct number number = read_number(text, length);
	const struct suffix *suffix;
	uint64_t result;
	uint64_t part;

	if (number.length == 0)
		return false;
	suffix = find_suffix(suffixes, text + number.length, length - number.length);
	if (suffix == NULL || (number.fraction_scale > 1 && suffix->factor == 1))
		return false;
	/* Below 10^6 * 2^40 < 2^60: cannot overflow. */
	part = number.fraction * suffix->factor / number.fraction_scale;
	if (__builtin_mul_overflow(number.whole, suffix->factor, &result) ||
	    __builtin_add_overflow(result, part, &result))
		return false;
	*value = result;
	return true;
}

bool weir_units_parse_size(const char *text, size_t length, uint64_t *bytes)
{
	return parse(size_suffixes, text, length, bytes);
}

bool weir_units_parse_share(const char *text, size_t length, unsigned *share)
{
	uint64_t value;

	if (!parse(share_suffixes, text, length, &value) || value > WEIR_SHARE_WHOLE)
		return false;
	*share = (unsigned)value;
	return true;
}

bool weir_units_parse_time(const char *text, size_t length, uint64_t *ms)
{
	return parse(time_suffixes, text, length, ms);
}

bool weir_units_parse_count(const char *text, size_t length, uint64_t *count)
{
	uint64_t value;

	if (length == 0 || read_digits(text, length, &value) != length)
		return false;
	*count = value;
	return true;
}

/* bytes / unit in tenths, rounded to the nearest. */
static uint64_t tenths(uint64_t bytes, uint64_t unit)
{
	return bytes / unit * 10 + (bytes % unit * 10 + unit / 2) / unit;
}

void weir_units_format_size(struct weir_text *text, uint64_t bytes)
{
	static const char *const names[] = { " KiB", " MiB", " GiB", " TiB" };
	size_t last = sizeof names / sizeof names[0] - 1;
	uint64_t unit = WEIR_KIB;
	size_t i = 0;

	if (bytes < WEIR_KIB) {
		weir_text_decimal(text, bytes);
		weir_text_string(text, " B");
		return;
	}
	/* Judged after rounding, so that 1 MiB less a byte is 1.0 MiB, not 1024.0 KiB. */
	while (i < last && tenths(bytes, unit) >= 10240) {
		unit <<= 10;
		i++;
	}
	weir_text_fixed(text, tenths(bytes, unit), 1);
	weir_text_string(text, names[i]);
}

/* The largest of the ascending factors that divides value exactly. */
static void format_exact(struct weir_text *text, uint64_t value, const struct suffix *suffix,
			 const char *smallest)
{
	const char *name = smallest;
	uint64_t factor = 1;

	for (; suffix->name != NULL; suffix++) {
		if (value != 0 && value % suffix->factor == 0) {
			name = suffix->name;
			factor = suffix->factor;
		}
	}
	weir_text_decimal(text, value / factor);
	weir_text_string(text, name);
}

void weir_units_format_size_option(struct weir_text *text, uint64_t bytes)
{
	static const struct suffix suffixes[] = {
		{ "K", 1ULL << 10 }, { "M", 1ULL << 20 }, { "G", 1ULL << 30 },
		{ "T", 1ULL << 40 }, { NULL, 0 },
	};

	format_exact(text, bytes, suffixes, "");
}

void weir_units_format_time_option(struct weir_text *text, uint64_t ms)
{
	static const struct suffix suffixes[] = {
		{ "s", 1000 },
		{ "m", 60 * 1000 },
		{ "h", 60 * 60 * 1000 },
		{ NULL, 0 },
	};

	format_exact(text, ms, suffixes, "ms");
}

void weir_units_format_share_option(struct weir_text *text, unsigned share)
{
	if (share % 100 == 0)
		weir_text_decimal(text, share / 100);
	else if (share % 10 == 0)
		weir_text_fixed(text, share / 10, 1);
	else
		weir_text_fixed(text, share, 2);
	weir_text_char(text, '%');
}
