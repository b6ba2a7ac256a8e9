/* Settings as they are typed: NAME=VALUE, the name with or without WEIR_, in either case,
 * with - for _ where that is easier. And help for reading those of the environment. */
#ifndef WEIR_CLI_SETTING_H
#define WEIR_CLI_SETTING_H

#include "config.h"
#include "text.h"

#define SETTING_NAME_BYTES 64
#define SETTING_PROGRAM_BYTES 256

/* Appends the variable's name: limit is WEIR_LIMIT. */
void setting_put_name(struct weir_text *text, const char *name, size_t length);

/* Puts the variable's name, cut where it is too long for any, into a buffer of
 * SETTING_NAME_BYTES and returns the value; NULL when it is no NAME=VALUE. */
const char *setting_split(const char *typed, char *name);

/* Puts a program's name that WEIR_PROGRAMS of this command takes, so that the other settings
 * are read, too, into a buffer of SETTING_PROGRAM_BYTES, and returns it. */
const char *setting_accepted_program(char *name);

/* For whoever reads settings and has nobody to complain to. */
extern const struct weir_config_sink setting_silent;

#endif
