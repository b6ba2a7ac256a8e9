/* Ways to ask a process for something: its control socket, else its signal. */
#ifndef WEIR_CLI_CHANNEL_H
#define WEIR_CLI_CHANNEL_H

#include "process.h"

enum channel { CHANNEL_NONE, CHANNEL_SIGNAL, CHANNEL_SOCKET };

/* The best that there is: a socket whose listener is that very process (SO_PEERCRED); or a
 * signal that weir has, by the statistics page, and that the process catches (SigCgt). */
enum channel channel_of(const struct process *process);
const char *channel_name(enum channel channel); /* none, signal, socket */

/* Sends one line and reads the answer until its end, at most `size` - 1 bytes, into a
 * zero-terminated text without its last newline. False when nobody answers in time;
 * tried once more when the connection was reset. */
bool channel_ask(const struct process *process, const char *line, char *answer, size_t size);

/* The number of ` name=N` in an answer that begins with ok; 0 when it is not there. */
uint64_t channel_number(const char *answer, const char *name);

/* Asks it to release: the result of one process. */
struct channel_release {
	enum channel channel;
	uint64_t released_bytes;
	uint64_t blocks;
	uint64_t ns;
	uint64_t resident_before_bytes;
	uint64_t resident_after_bytes;
	char error[256]; /* why not, or empty */
};
/* `keep` and `range` are option texts or NULL; they need the socket. */
bool channel_release(const struct process *process, const char *keep, const char *range,
		     struct channel_release *result);

/* Removes files of auto sockets that nobody serves any more from the directories where this
 * user's are. Silent. */
void channel_clean_stale(void);

#endif
