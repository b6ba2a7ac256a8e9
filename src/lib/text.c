#include "text.h"

#include <string.h>

void weir_text_init(struct weir_text *text, char *data, size_t size)
{
	text->data = data;
	text->size = size;
	text->used = 0;
	text->cut = false;
	data[0] = '\0';
}

void weir_text_bytes(struct weir_text *text, const char *bytes, size_t count)
{
	size_t room = text->size - 1 - text->used;

	if (count > room) {
		count = room;
		text->cut = true;
	}
	memcpy(text->data + text->used, bytes, count);
	text->used += count;
	text->data[text->used] = '\0';
}

void weir_text_char(struct weir_text *text, char c)
{
	weir_text_bytes(text, &c, 1);
}

void weir_text_string(struct weir_text *text, const char *string)
{
	weir_text_bytes(text, string, strlen(string));
}

static void put_number(struct weir_text *text, uint64_t value, unsigned base, unsigned min_digits)
{
	char digits[64];
	size_t at = sizeof digits;

	do {
		digits[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0 || sizeof digits - at < min_digits);
	weir_text_bytes(text, digits + at, sizeof digits - at);
}

bool weir_text_join(char *data, size_t size, const char *first, const char *second)
{
	struct weir_text text;

	weir_text_init(&text, data, size);
	weir_text_string(&text, first);
	weir_text_string(&text, second);
	return weir_text_fits(&text);
}

void weir_text_decimal(struct weir_text *text, uint64_t value)
{
	put_number(text, value, 10, 1);
}

void weir_text_hex(struct weir_text *text, uint64_t value)
{
	weir_text_string(text, "0x");
	put_number(text, value, 16, 1);
}

void weir_text_fixed(struct weir_text *text, uint64_t value, unsigned digits)
{
	uint64_t scale = 1;

	for (unsigned i = 0; i < digits; i++)
		scale *= 10;
	put_number(text, value / scale, 10, 1);
	if (digits > 0) {
		weir_text_char(text, '.');
		put_number(text, value % scale, 10, digits);
	}
}

void weir_text_pattern(struct weir_text *text, const char *pattern, uint64_t pid)
{
	for (; *pattern; pattern++) {
		if (pattern[0] == '%' && pattern[1] == 'p') {
			weir_text_decimal(text, pid);
			pattern++;
		} else {
			weir_text_char(text, *pattern);
		}
	}
}

#define NAME_BYTES_MAX 64

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

unsigned weir_text_distance(const char *a, size_t length, const char *b)
{
	unsigned row[NAME_BYTES_MAX + 1];

	length = weir_min(length, NAME_BYTES_MAX);
	for (unsigned i = 0; i <= length; i++)
		row[i] = i;
	for (unsigned j = 1; b[j - 1] != '\0'; j++) {
		unsigned diagonal = row[0];

		row[0] = j;
		for (size_t i = 1; i <= length; i++) {
			unsigned same = diagonal + (upper(a[i - 1]) != upper(b[j - 1]));
			unsigned other = (row[i] < row[i - 1] ? row[i] : row[i - 1]) + 1;

			diagonal = row[i];
			row[i] = same < other ? same : other;
		}
	}
	return row[length];
}
