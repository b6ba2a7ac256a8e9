/* One environment variable: where its value goes and how it is read. Layer 2,
 * between the settings (config*.c, complaint.c) and the kinds (option*.c) alone.
 *
 * A kind reads a value into the structure, writes the structure's value back as
 * an option value, and says what it accepts. A value that is not accepted
 * leaves the structure as it was. */
#ifndef WEIR_OPTION_H
#define WEIR_OPTION_H

#include "config.h"

struct weir_option;

struct weir_option_kind {
	/* NULL when the value was stored; else what is wrong with it, in a few words. */
	const char *(*parse)(const struct weir_option *option, const char *value,
			     struct weir_config *config);
	void (*format)(const struct weir_option *option, const struct weir_config *config,
		       struct weir_text *text);
	void (*describe)(const struct weir_option *option, struct weir_text *text);
};

struct weir_option {
	const char *name;
	const char *default_text; /* in force before the preset and the environment */
	const char *help;
	const struct weir_option_kind *kind;
	size_t at;	 /* offset in struct weir_config of what it sets */
	size_t share_at; /* sizes: offset of the struct weir_share beside it */
	uint64_t min;	 /* sizes in bytes, counts, times in ms: the range */
	uint64_t max;
	size_t most;	  /* sizes: what larger ones count as */
	const char *none; /* the word for "no limit", or NULL where there must be one */
	const char *const
		*words; /* words: up to a NULL; the place is the value. Paths: these too */
	bool live;	/* can be changed while the program runs */
};

extern const struct weir_option_kind weir_option_flag;
extern const struct weir_option_kind weir_option_word;
extern const struct weir_option_kind weir_option_size;
extern const struct weir_option_kind weir_option_count;
extern const struct weir_option_kind weir_option_time;
extern const struct weir_option_kind weir_option_signal;
extern const struct weir_option_kind weir_option_class_limits;
extern const struct weir_option_kind weir_option_programs;
extern const struct weir_option_kind weir_option_report;
extern const struct weir_option_kind weir_option_path;

/* What every kind with a range says of a value outside it. */
#define WEIR_OPTION_OUT_OF_RANGE "out of range"

/* Appends the value that the structure holds, as an option value. */
static inline void weir_option_format(struct weir_text *text, const struct weir_option *option,
				      const struct weir_config *config)
{
	option->kind->format(option, config, text);
}

static inline void *weir_option_field(const struct weir_option *option, struct weir_config *config)
{
	return (char *)config + option->at;
}

static inline const void *weir_option_const_field(const struct weir_option *option,
						  const struct weir_config *config)
{
	return (const char *)config + option->at;
}

/* What is stored of a size: a process of 32 bits cannot have all that is accepted, because its
 * environment is also that of others. */
static inline size_t weir_option_bytes(const struct weir_option *option, uint64_t bytes)
{
	return (size_t)weir_max(option->min, weir_min(bytes, (uint64_t)option->most));
}

/* Sizes alone have a share. */
static inline struct weir_share *weir_option_share_field(const struct weir_option *option,
							 struct weir_config *config)
{
	return (struct weir_share *)(void *)((char *)config + option->share_at);
}

static inline const struct weir_share *
weir_option_const_share_field(const struct weir_option *option, const struct weir_config *config)
{
	return (const struct weir_share *)(const void *)((const char *)config + option->share_at);
}

/* Bytes of a share of `whole_bytes`, rounded down, at most its cap. */
size_t weir_option_share_bytes(const struct weir_share *share, uint64_t whole_bytes);

/* Reads 12.5%, without a cap. False when the text is no share. */
bool weir_option_parse_share(const char *text, size_t length, struct weir_share *share);

/* Reads 64K-1M, 16M or *: sizes up to largest_bytes; * is 0 to WEIR_NO_LIMIT. */
bool weir_option_parse_range(const char *text, size_t length, uint64_t largest_bytes,
			     size_t *min_bytes, size_t *max_bytes);

/* Whether a comma list of patterns with * and ? has one that matches the name. */
bool weir_option_names(const char *patterns, const char *name);

/* For the kinds: whether a value is that word, in any case; a word of NULL is none. */
bool weir_option_is_word(const char *value, const char *word);
bool weir_option_is_in_range(const struct weir_option *option, uint64_t value);
/* Appends ", or none", with the option's own word, where it has one. */
void weir_option_describe_none(const struct weir_option *option, struct weir_text *text);

#endif
