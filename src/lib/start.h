/* Start of weir in a program. Layer 7. */
#ifndef WEIR_START_H
#define WEIR_START_H

/* Reads the settings and puts them in force, once: called by the constructor, and by whoever
 * makes a pool in another library's, which may run before. */
void weir_start(void);

#endif
