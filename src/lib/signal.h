/* The signal that releases everything retained. Layer 6.
 *
 * Installed by the constructor, and only over the default action: a program that
 * ignores the signal or handles it itself keeps what it has, and one that
 * installs its own handler later wins. */
#ifndef WEIR_SIGNAL_H
#define WEIR_SIGNAL_H

/* number is a signal's number, or 0 for none. */
void weir_signal_install(int number);

/* Who handles that signal now: "weir", "program" (which may ignore it) or "off". */
const char *weir_signal_owner(int number);

#endif
