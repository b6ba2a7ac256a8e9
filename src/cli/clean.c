#include "clean.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What a first byte says: how many follow, and which character is the least of that length. */
struct length {
	unsigned char mask;
	unsigned char lead;
	unsigned more;
	uint32_t least;
};

static const struct length lengths[] = {
	{ 0xe0, 0xc0, 1, 0x80 },
	{ 0xf0, 0xe0, 2, 0x800 },
	{ 0xf8, 0xf0, 3, 0x10000 },
};

#define LENGTH_COUNT (sizeof lengths / sizeof *lengths)

/* Characters that control a terminal, or turn the direction in which it shows the next ones. */
static bool is_shown(uint32_t c)
{
	return c >= 0xa0 && c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff) &&
	       !(c >= 0x200e && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) &&
	       !(c >= 0x2066 && c <= 0x2069);
}

/* The bytes of the character beyond ASCII that begins here, or 0 when it is none to show. */
static size_t character_bytes(const unsigned char *text)
{
	const struct length *length = lengths;
	uint32_t c;

	while (length < lengths + LENGTH_COUNT && (*text & length->mask) != length->lead)
		length++;
	if (length == lengths + LENGTH_COUNT)
		return 0;
	c = *text & (unsigned char)~length->mask;
	for (unsigned i = 1; i <= length->more; i++) {
		if ((text[i] & 0xc0) != 0x80) /* the end of the text is none either */
			return 0;
		c = c << 6 | (text[i] & 0x3f);
	}
	return c >= length->least && is_shown(c) ? length->more + 1 : 0;
}

void clean_text(char *text, const char *kept)
{
	size_t bytes;

	while (*text) {
		bytes = 1;
		if ((unsigned char)*text >= 0x80)
			bytes = character_bytes((const unsigned char *)text);
		else if ((*text < ' ' || *text == 0x7f) && !strchr(kept, *text))
			bytes = 0;
		if (bytes == 0)
			*text = '?';
		text += bytes == 0 ? 1 : bytes;
	}
}
