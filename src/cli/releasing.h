/* The release that `weir top` asks for. In a thread of its own, one at a time, because a
 * process that is stopped keeps whoever asks waiting, and keys and signals are served
 * meanwhile. */
#ifndef WEIR_CLI_RELEASING_H
#define WEIR_CLI_RELEASING_H

#include "top_view.h"

/* Begins to release what these processes retain, one after the other. False while another
 * one is under way, or when memory is short. */
bool releasing_start(const struct top_row *rows, size_t count);

bool releasing_is_on(void);

/* True once when it is over, with what it did as one line. */
bool releasing_take(char *news, size_t size);

#endif
