/* Help, made from the table of commands. */
#ifndef WEIR_CLI_HELP_H
#define WEIR_CLI_HELP_H

#include "command.h"

#include <stdio.h>

/* All commands, one line each. */
void help_print_all(FILE *to);

/* One command with its options. */
void help_print_command(FILE *to, const struct command *command);

/* One line on stderr with the nearest name there is. Returns COMMAND_USAGE. */
int help_complain_unknown(const char *name);

/* As help shows an option, `-j, --json` or `--socket[=PATH]`, into a buffer. */
#define HELP_LABEL_BYTES 128
void help_format_label(char *label, const struct command_option *option);

/* A part of the manual page as roff, between the marks at which it stands there: "commands"
 * or "variables". False when there is none of that name. */
bool help_print_roff(FILE *to, const char *part);

#endif
