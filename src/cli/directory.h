/* Directories that the command makes for a while. */
#ifndef WEIR_CLI_DIRECTORY_H
#define WEIR_CLI_DIRECTORY_H

/* Removes it and the files in it; silent where that does not work. */
void directory_remove(const char *path);

#endif
