/* The table of options and that of presets. Layer 2, for config*.c and
 * complaint.c alone.
 *
 * config_table.c also prints what config.h says of options: the banner and the
 * documents. A new option is its line in the enumeration and its entry. */
#ifndef WEIR_CONFIG_TABLE_H
#define WEIR_CONFIG_TABLE_H

#include "config.h"
#include "option.h"

#define WEIR_NAME_PREFIX "WEIR_"

enum {
	WEIR_OPTION_DISABLE,
	WEIR_OPTION_PRESET,
	WEIR_OPTION_MIN,
	WEIR_OPTION_MAX,
	WEIR_OPTION_LIMIT,
	WEIR_OPTION_CLASS_LIMITS,
	WEIR_OPTION_CLASS_BLOCKS,
	WEIR_OPTION_FOOTPRINT,
	WEIR_OPTION_MAX_ALLOC,
	WEIR_OPTION_LIVE_LIMIT,
	WEIR_OPTION_DECAY,
	WEIR_OPTION_SIGNAL,
	WEIR_OPTION_SOCKET,
	WEIR_OPTION_SOCKET_DIR,
	WEIR_OPTION_BACKGROUND,
	WEIR_OPTION_PRESSURE,
	WEIR_OPTION_HUGEPAGES,
	WEIR_OPTION_HARDEN,
	WEIR_OPTION_PROGRAMS,
	WEIR_OPTION_ONLY,
	WEIR_OPTION_REPORT,
	WEIR_OPTION_RECORD,
	WEIR_OPTION_RECORD_LIMIT,
	WEIR_OPTION_VERBOSE,
	WEIR_OPTION_STRICT,
	WEIR_OPTION_COUNT
};

/* What a preset changes; NULL leaves the option's own default. */
struct weir_preset_texts {
	const char *limit;
	const char *max;
	const char *class_blocks;
	const char *decay;
};

extern WEIR_HIDDEN const struct weir_option weir_config_options[WEIR_OPTION_COUNT];
extern WEIR_HIDDEN const struct weir_preset_texts weir_config_presets[]; /* by enum weir_preset */

/* Appends NAME=VALUE of option i, in one line whatever the environment held. */
void weir_config_put_setting(struct weir_text *text, size_t i, const struct weir_config *config);

/* The option of that name, or WEIR_OPTION_COUNT. */
size_t weir_config_find_option(const char *name, size_t length);

#endif
