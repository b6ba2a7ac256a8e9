/* A bar on stderr while something takes long; nothing where stderr is no terminal. */
#ifndef WEIR_CLI_PROGRESS_H
#define WEIR_CLI_PROGRESS_H

/* So many of `total` steps are done; the label says what is at work. The first call begins the
 * time by which the rest is estimated. */
void progress_show(unsigned done, unsigned total, const char *label);

/* Leaves the line empty, for whoever wants to write there. */
void progress_clear(void);

#endif
