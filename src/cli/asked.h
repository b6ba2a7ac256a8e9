/* Figures out of a control socket, for processes whose memory may not be read. */
#ifndef WEIR_CLI_ASKED_H
#define WEIR_CLI_ASKED_H

#include "process.h"

/* Looks for the socket of the process where its environment and the usual places say, asks
 * it for its statistics and fills in the snapshot. False when none answers. */
bool asked_read(struct process *process);

#endif
