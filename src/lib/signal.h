/* The signal that releases everything retained. Layer 6.
 *
 * Installed by the constructor, and only over the default action: a program that
 * ignores the signal or handles it itself keeps what it has, and one that
 * installs its own handler later wins. Of RTMIN+18 systemd's services do what the value
 * of sigqueue(3) says, 0x300 for a release: others are not weir's there. */
#ifndef WEIR_SIGNAL_H
#define WEIR_SIGNAL_H

#include <signal.h>

/* number is a signal's number, or 0 for none. Writes who has it to the statistics page. */
void weir_signal_install(int number);

/* Asks the kernel who handles the signal now, and writes it to the statistics page. */
void weir_signal_look(void);

/* What the program is shown in place of weir's handler: the default action, which is what the
 * program left there. */
void weir_signal_hide(struct sigaction *old);
void (*weir_signal_hidden(void (*old)(int number)))(int number);

/* The program has just installed a handler for this signal. Safe in signal handlers. */
void weir_signal_installed(int number);

#endif
