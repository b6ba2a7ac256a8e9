/* Sizes, shares and times as people write them. Layer 0: pure, no allocation,
 * no floating point, no locale; letters count in either case.
 *
 * A number is digits with an optional fraction of one to six digits: 64, 1.5.
 * Spaces, signs and exponents are errors, as is a result that does not fit.
 * A fraction that makes no whole byte (or ms) is rounded down; one without a
 * suffix that makes it larger ("1.5" bytes) is an error. Nothing is stored
 * on an error. */
#ifndef WEIR_UNITS_H
#define WEIR_UNITS_H

#include "base.h"
#include "text.h"

/* The whole of something, as weir_units_parse_share counts it. */
#define WEIR_SHARE_WHOLE 10000U

/* 4096, 4096B, 64K, 64KB, 64KiB, 1.5G, 2T: all powers of 1024. */
bool weir_units_parse_size(const char *text, size_t length, uint64_t *bytes);

/* 0% to 100%, in hundredths of a percent: 12.5% is 1250. */
bool weir_units_parse_share(const char *text, size_t length, unsigned *share);

/* 500ms, 10s, 1.5m, 2h; a bare number is seconds. */
bool weir_units_parse_time(const char *text, size_t length, uint64_t *ms);

/* Digits alone, up to 2^64 - 1. */
bool weir_units_parse_count(const char *text, size_t length, uint64_t *count);

/* True when the text is the word, in either case; the word is given in lower
 * case. Reads no further than the first difference, so the text may be a shorter
 * string: that is how to ask for a prefix. */
bool weir_units_is_word(const char *text, size_t length, const char *word);

/* For people, rounded: 0 B, 512 B, 64.0 KiB, 412.0 MiB, 1.5 GiB. */
void weir_units_format_size(struct weir_text *text, uint64_t bytes);

/* As option values: exact, short, and parsed back to the same: 64K, 1536M, 10s. */
void weir_units_format_size_option(struct weir_text *text, uint64_t bytes);
void weir_units_format_share_option(struct weir_text *text, unsigned share);
void weir_units_format_time_option(struct weir_text *text, uint64_t ms);

#endif
