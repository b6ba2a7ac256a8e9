/* What a program is run under to be compared: the C library's allocator, another one, or weir
 * with settings. A list of them is typed as NAME,NAME: glibc, jemalloc, mimalloc, tcmalloc, the
 * path of a library, weir, weir+BACKEND; behind weir its settings in brackets, as in
 * weir+jemalloc[limit=64M,decay=1s]. */
#ifndef WEIR_CLI_CONTENDER_H
#define WEIR_CLI_CONTENDER_H

#include "figures.h"
#include "launch.h"

#define CONTENDER_NAME_BYTES 256
#define CONTENDERS_MAX 64

struct contender {
	char name[CONTENDER_NAME_BYTES]; /* as it was typed */
	struct launch launch;
	struct figures_sample samples[FIGURES_RUNS_MAX];
	size_t sample_count;
	bool failed; /* it was said how, and it takes part no more */
};

struct contenders {
	const struct command *command; /* complaints are its */
	struct contender *each[CONTENDERS_MAX];
	size_t count;
};

/* Adds what a list says. An allocator that is known but not installed is said and left out;
 * false, after a complaint, for all else that cannot be taken. */
bool contenders_add(struct contenders *contenders, const char *list);

/* Adds all that are installed, and weir with several settings. */
bool contenders_add_usual(struct contenders *contenders);

/* Adds weir with settings as they are typed between brackets, under that name; NULL after a
 * complaint. */
struct contender *contenders_add_weir(struct contenders *contenders, const char *name,
				      const char *settings);

void contenders_free(struct contenders *contenders);

/* The end of the item that begins a list: its comma or the end of the list. Pure. */
const char *contender_item_end(const char *list);

/* The end of the setting that begins a list of settings: the comma before the next NAME=, for
 * class limits have commas of their own. Pure. */
const char *contender_setting_end(const char *settings);

#endif
