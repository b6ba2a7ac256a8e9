/* Where control sockets are. Layer 2: pure; shared with the command, which looks there. */
#ifndef WEIR_SOCKET_PATH_H
#define WEIR_SOCKET_PATH_H

#include "config.h"

#define WEIR_SOCKET_AUTO "auto"

/* The directories for WEIR_SOCKET=auto, in the order in which they are tried: appends the
 * name of place i; false behind the last. One that is not set appends nothing. `make` says
 * whether it is to be made, 0700 and nobody else's, where it is missing; of the others the
 * administrator decides. */
bool weir_socket_place(size_t i, const struct weir_config *config, unsigned uid,
		       struct weir_text *directory, bool *make);

/* PID-START.sock: process id and start time (field 22 of proc(5)'s stat, in ticks). */
void weir_socket_format_name(struct weir_text *name, uint64_t pid, uint64_t start);

/* Whether a file's name is of that form. */
bool weir_socket_is_name(const char *name, uint64_t *pid, uint64_t *start);

/* Field `number`, from the third on, of the text of /proc/PID/stat, and all behind it; an
 * empty text where it is not there. The program's name before them may be anything. */
const char *weir_socket_stat_field(const char *stat, unsigned number);

/* The start time out of that text; 0 when it is not there. */
uint64_t weir_socket_parse_start(const char *stat);

#endif
