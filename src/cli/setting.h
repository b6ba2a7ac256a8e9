/* Settings as they are typed: NAME=VALUE, the name with or without WEIR_, in either case,
 * with - for _ where that is easier. */
#ifndef WEIR_CLI_SETTING_H
#define WEIR_CLI_SETTING_H

#include "text.h"

#define SETTING_NAME_BYTES 64

/* Appends the variable's name: limit is WEIR_LIMIT. */
void setting_put_name(struct weir_text *text, const char *name, size_t length);

/* Puts the variable's name, cut where it is too long for any, into a buffer of
 * SETTING_NAME_BYTES and returns the value; NULL when it is no NAME=VALUE. */
const char *setting_split(const char *typed, char *name);

#endif
