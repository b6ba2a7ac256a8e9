/* Builds text in a buffer of the caller. Layer 0: pure, no allocation, safe in
 * a signal handler. A text that does not fit is cut at the end and stays
 * terminated by a zero byte; `weir_text_fits` tells. */
#ifndef WEIR_TEXT_H
#define WEIR_TEXT_H

#include "base.h"

struct weir_text {
	char *data;
	size_t size; /* of data, in bytes; at least 1 */
	size_t used; /* without the zero byte */
	bool cut;
};

void weir_text_init(struct weir_text *text, char *data, size_t size);
void weir_text_char(struct weir_text *text, char c);
void weir_text_string(struct weir_text *text, const char *string);
void weir_text_bytes(struct weir_text *text, const char *bytes, size_t count);
/* Both, one after the other; false where they do not fit. */
bool weir_text_join(char *data, size_t size, const char *first, const char *second);
void weir_text_decimal(struct weir_text *text, uint64_t value);
/* 0x and lower-case digits, no leading zeros. */
void weir_text_hex(struct weir_text *text, uint64_t value);
/* Levenshtein's distance of two names; only the first 64 bytes of `a` count, and letters count
 * in either case. */
unsigned weir_text_distance(const char *a, size_t length, const char *b);

/* The pattern, with %p replaced by a process id. */
void weir_text_pattern(struct weir_text *text, const char *pattern, uint64_t pid);
/* value / 10^digits with exactly `digits` places behind the point: (15, 1) is 1.5. */
void weir_text_fixed(struct weir_text *text, uint64_t value, unsigned digits);

static inline bool weir_text_fits(const struct weir_text *text)
{
	return !text->cut;
}

#endif
