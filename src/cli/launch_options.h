/* The options of all commands that start a program under weir. */
#ifndef WEIR_CLI_LAUNCH_OPTIONS_H
#define WEIR_CLI_LAUNCH_OPTIONS_H

#include "launch.h"

/* To stand in a command's list. */
#define LAUNCH_OPTIONS \
	{ "limit", 'l', "SIZE", "most bytes retained, as WEIR_LIMIT: `256M`, `25%`" }, \
		{ "preset", 'p', "off|minimal|moderate|default|aggressive", \
		  "starting values of the settings, as WEIR_PRESET" }, \
		{ "backend", 'b', "jemalloc|mimalloc|tcmalloc|PATH", \
		  "preload this allocator behind weir, for the small requests" }, \
		{ "set", 0, "NAME=VALUE", \
		  "any other setting; the name goes without WEIR_ and in lower case, too. May be " \
		  "repeated" }, \
	{ \
		"only", 0, NULL, "keep weir out of the programs that CMD starts, as WEIR_ONLY" \
	}

/* Whether the name is one of these. */
bool launch_has_option(const char *name);

/* Takes one of these. False after a complaint. */
bool launch_take_option(struct launch *launch, const char *name, const char *value);

#endif
