/* The control socket: a duty of the helper thread (helper.h), WEIR_SOCKET. Layer 6.
 *
 * One peer at a time asks one line and is answered (control.h, docs/PROTOCOL.md); others
 * wait, at most eight, for five seconds each. */
#ifndef WEIR_SERVER_H
#define WEIR_SERVER_H

/* At the end of the program: removes the socket's file. */
void weir_server_leave(void);

#endif
