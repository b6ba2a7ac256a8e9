#include "contender.h"

#include "preload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCEPTED \
	"accepted: glibc, jemalloc, mimalloc, tcmalloc, the path of a library, weir, " \
	"weir+BACKEND, and behind weir its settings: weir[limit=64M,decay=1s]"

/* What a list says. */

const char *contender_item_end(const char *list)
{
	bool in_brackets = false;

	for (; *list != '\0' && (*list != ',' || in_brackets); list++) {
		if (*list == '[')
			in_brackets = true;
		else if (*list == ']')
			in_brackets = false;
	}
	return list;
}

const char *contender_setting_end(const char *settings)
{
	const char *end = settings + strcspn(settings, ",");

	while (*end == ',') {
		const char *next = end + 1 + strcspn(end + 1, ",");

		if (memchr(end, '=', (size_t)(next - end)) != NULL)
			break;
		end = next;
	}
	return end;
}

/* An item in its parts, which it is cut into. */
struct item {
	char *base;
	char *backend;	/* behind weir, or NULL */
	char *settings; /* or NULL */
};

static bool split(char *text, struct item *item)
{
	char *bracket = strchr(text, '[');
	size_t length = strlen(text);

	*item = (struct item){ .base = text };
	if (bracket != NULL) {
		if (text[length - 1] != ']')
			return false;
		text[length - 1] = '\0';
		*bracket = '\0';
		item->settings = bracket + 1;
	}
	if (strncmp(text, "weir+", strlen("weir+")) == 0) {
		item->backend = text + strlen("weir+");
		text[strlen("weir")] = '\0';
	}
	return item->settings == NULL || strcmp(item->base, "weir") == 0;
}

/* What it says of a launch. */

static bool add_settings(struct launch *launch, const char *settings)
{
	while (*settings != '\0') {
		const char *end = contender_setting_end(settings);
		char *typed = strndup(settings, (size_t)(end - settings));
		bool done = typed != NULL && launch_add_typed(launch, "a setting", typed);

		free(typed);
		if (!done)
			return false;
		settings = *end == ',' ? end + 1 : end;
	}
	return true;
}

enum found { FOUND, NOT_INSTALLED, NOT_ACCEPTED };

static enum found find_allocator(const struct contenders *contenders, struct contender *contender,
				 const char *name)
{
	char reason[PRELOAD_REASON_BYTES];

	if (preload_find_backend(name, contender->launch.backend, reason))
		return FOUND;
	if (preload_is_known(name)) {
		command_complain(contenders->command, "%s is left out: %s", contender->name,
				 reason);
		return NOT_INSTALLED;
	}
	if (strchr(name, '/') != NULL)
		command_complain(contenders->command, "%s", reason);
	else
		command_complain(contenders->command, "%s: no such allocator; %s", name, ACCEPTED);
	return NOT_ACCEPTED;
}

static enum found fill(const struct contenders *contenders, struct contender *contender,
		       const struct item *item)
{
	struct launch *launch = &contender->launch;
	const char *allocator = item->base;

	if (strcmp(item->base, "glibc") == 0)
		return FOUND;
	if (strcmp(item->base, "weir") == 0) {
		if (item->settings != NULL && !add_settings(launch, item->settings))
			return NOT_ACCEPTED;
		if (!launch_prepare(launch))
			return NOT_ACCEPTED;
		allocator = item->backend;
	}
	return allocator == NULL ? FOUND : find_allocator(contenders, contender, allocator);
}

/* Adding. */

static struct contender *new_contender(const struct contenders *contenders, const char *name)
{
	struct contender *contender = calloc(1, sizeof *contender);

	if (contender == NULL || contenders->count == CONTENDERS_MAX) {
		command_complain(contenders->command, contender == NULL
							      ? "out of memory"
							      : "more contenders than it takes");
		free(contender);
		return NULL;
	}
	snprintf(contender->name, sizeof contender->name, "%s", name);
	contender->launch = (struct launch){ .command = contenders->command, .sole = true };
	return contender;
}

static enum found add_item(struct contenders *contenders, char *text)
{
	struct contender *contender = new_contender(contenders, text);
	enum found found = NOT_ACCEPTED;
	struct item item;

	if (contender == NULL)
		return NOT_ACCEPTED;
	if (split(text, &item))
		found = fill(contenders, contender, &item);
	else
		command_complain(contenders->command, "%s: no such allocator; %s", contender->name,
				 ACCEPTED);
	if (found == FOUND)
		contenders->each[contenders->count++] = contender;
	else
		free(contender);
	return found;
}

bool contenders_add(struct contenders *contenders, const char *list)
{
	enum found found = FOUND;

	while (found != NOT_ACCEPTED) {
		const char *end = contender_item_end(list);
		char *text = strndup(list, (size_t)(end - list));

		found = text == NULL ? NOT_ACCEPTED : add_item(contenders, text);
		free(text);
		if (*end == '\0')
			break;
		list = end + 1;
	}
	return found != NOT_ACCEPTED;
}

bool contenders_add_usual(struct contenders *contenders)
{
	return contenders_add(contenders,
			      "glibc,jemalloc,mimalloc,tcmalloc,weir,weir[preset=minimal],"
			      "weir[preset=moderate],weir[preset=aggressive],weir+jemalloc");
}

struct contender *contenders_add_weir(struct contenders *contenders, const char *name,
				      const char *settings)
{
	struct contender *contender = new_contender(contenders, name);

	if (contender == NULL)
		return NULL;
	if (!add_settings(&contender->launch, settings) || !launch_prepare(&contender->launch)) {
		free(contender);
		return NULL;
	}
	contenders->each[contenders->count++] = contender;
	return contender;
}

void contenders_free(struct contenders *contenders)
{
	for (size_t i = 0; i < contenders->count; i++)
		free(contenders->each[i]);
	contenders->count = 0;
}
