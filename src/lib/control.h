/* Answers requests of the control protocol (docs/PROTOCOL.md). Layer 6.
 *
 * Knows no descriptors: a line comes in as bytes, the answer goes out as text. For one
 * thread, once the engine is ready. */
#ifndef WEIR_CONTROL_H
#define WEIR_CONTROL_H

#include "metrics.h"

/* Enough for every answer: no other is as long. */
#define WEIR_CONTROL_ANSWER_BYTES WEIR_METRICS_BYTES

/* Each answer ends with a newline. One that begins with `error: ` changed nothing. */
void weir_control_answer(const char *line, size_t length, struct weir_text *answer);

#endif
