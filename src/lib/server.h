/* The thread that serves the control socket. Layer 6.
 *
 * Started by the first large request of a process that was told to have a socket, with all
 * signals blocked, a small stack and a table of descriptors of its own: what the program
 * closes, reuses or hands to its children is not the socket's, and the other way round. A
 * second thread only waits for it (stay in server.c). A forked child starts its own.
 *
 * What it does for peers is bounded: so many at once, one line of bounded length each within
 * a time-out, one answer, and the oldest goes when one more comes. */
#ifndef WEIR_SERVER_H
#define WEIR_SERVER_H

#include "config.h"

/* From the constructor. Starts nothing. */
void weir_server_prepare(const struct weir_config *config);

/* Starts the thread, if there is to be one and none was started in this process. */
void weir_server_start(void);

/* Removes the socket's file: at exit. */
void weir_server_leave(void);

#endif
