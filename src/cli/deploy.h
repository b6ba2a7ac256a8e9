/* Environment variables as those who deploy programs write them. Pure. */
#ifndef WEIR_CLI_DEPLOY_H
#define WEIR_CLI_DEPLOY_H

#include <stdbool.h>
#include <stdio.h>

struct deploy_variable {
	const char *name;
	const char *value;
};

/* Whether there is a format of that name; all are separated by commas in deploy_formats. */
bool deploy_is_format(const char *name);
extern const char deploy_formats[];

/* Writes the variables in one format, or in each with its name above it where that is "all". */
void deploy_print(FILE *to, const char *format, const struct deploy_variable *variables,
		  size_t count);

#endif
