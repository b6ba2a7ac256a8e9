/* The terminal that `weir top` has for itself: the alternate screen, keys without Enter.
 * Plain ECMA-48 sequences, no terminfo. There is one for the program.
 *
 * Signals are taken as events, between terminal_begin and terminal_end, so that nothing
 * happens in a handler, and the terminal is as it was when the program ends: by a key, an
 * interrupt, SIGTERM, SIGHUP, or exit(). Ctrl-Z and fg work. */
#ifndef WEIR_CLI_TERMINAL_H
#define WEIR_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether both stdin and stdout are terminals. */
bool terminal_is_there(void);

/* False with errno. */
bool terminal_begin(void);
void terminal_end(void);

/* Of stdout; where it does not say, they stay as they are. */
void terminal_size(unsigned *lines, unsigned *columns);

/* Shows lines, as many as the screen has, the last without a newline: as one write, so that
 * it does not flicker. */
void terminal_show(const char *lines);

/* Keys are the characters they are, or one of these, above all bytes. */
enum terminal_event {
	TERMINAL_NOTHING = 0, /* the time is up, or a key that has no meaning */
	TERMINAL_UP = 256,
	TERMINAL_DOWN,
	TERMINAL_PAGE_UP,
	TERMINAL_PAGE_DOWN,
	TERMINAL_HOME,
	TERMINAL_END,
	TERMINAL_CHANGED, /* the size did, or the program was stopped: draw anew */
	TERMINAL_QUIT,	  /* a signal that ends, or nobody is there any more */
};

/* The next event, waited for that long. */
int terminal_wait(uint64_t ms);

/* The event of the first key in what was read; `used` is how many bytes it took, 0 when it is
 * cut. Pure. */
int terminal_parse_key(const char *bytes, size_t count, size_t *used);

#endif
