/* What is said of a bad setting, one line each. Layer 2, for config.c alone.
 *
 * A line has a bounded length and no control characters, whatever the
 * environment holds. */
#ifndef WEIR_COMPLAINT_H
#define WEIR_COMPLAINT_H

#include "config.h"
#include "option.h"

#define WEIR_COMPLAINT_BYTES 512

/* Where they go, and whether there were any. */
struct weir_complaints {
	const struct weir_config_sink *sink;
	bool any;
};

struct weir_complaint {
	struct weir_text text;
	char data[WEIR_COMPLAINT_BYTES];
};

/* A sink of NULL is stderr. */
struct weir_complaints weir_complaints_to(const struct weir_config_sink *sink);

/* Starts one; fill complaint->text, then send it, or drop it. */
void weir_complaint_begin(struct weir_complaint *complaint);
void weir_complaint_send(struct weir_complaints *complaints,
			 const struct weir_complaint *complaint);

/* A value that its option does not accept: what is wrong, what would do, what is used. */
void weir_complaint_of_value(struct weir_complaints *complaints, const struct weir_option *option,
			     const char *value, const char *problem,
			     const struct weir_config *config);

/* A name that no option has, with the nearest that one has. */
void weir_complaint_of_name(struct weir_complaints *complaints, const char *name, size_t length);

#endif
