/* Texts of other processes, made fit for a terminal. */
#ifndef WEIR_CLI_CLEAN_H
#define WEIR_CLI_CLEAN_H

/* Replaces by `?` each byte of a control character but those of `kept`, and each that is not
 * of valid UTF-8. */
void clean_text(char *text, const char *kept);

#endif
