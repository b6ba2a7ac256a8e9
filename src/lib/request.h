/* One line of the control protocol (docs/PROTOCOL.md). Layer 2: pure.
 *
 * The parser knows no descriptors and takes any bytes: what is too long, what has a zero
 * byte and what is no request is refused with a reason for people. */
#ifndef WEIR_REQUEST_H
#define WEIR_REQUEST_H

#include "config.h"

/* A line with its newline; longer ones are refused. */
#define WEIR_REQUEST_BYTES_MAX 1024

enum weir_verb {
	WEIR_VERB_PING,
	WEIR_VERB_STATS,
	WEIR_VERB_METRICS,
	WEIR_VERB_RELEASE,
	WEIR_VERB_GET,
	WEIR_VERB_SET,
};

struct weir_request {
	enum weir_verb verb;
	/* release: of the sizes min to max, until no more than keep is retained. */
	bool is_partial; /* one of the three was given */
	size_t keep_bytes;
	size_t min_bytes;
	size_t max_bytes;
	/* get, set */
	char name[WEIR_REQUEST_BYTES_MAX];
	char value[WEIR_REQUEST_BYTES_MAX];
};

/* Reads a line without its newline; a carriage return at its end is ignored, as are
 * spaces and tabs around words. False with the reason. */
bool weir_request_parse(struct weir_request *request, const char *line, size_t length,
			struct weir_text *reason);

#endif
