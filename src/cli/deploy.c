#include "deploy.h"

#include <string.h>

const char deploy_formats[] = "containerfile, pod, systemd, all";

static void put_containerfile(FILE *to, const struct deploy_variable *variable, bool first)
{
	fprintf(to, "%s%s=\"%s\"", first ? "ENV " : " \\\n    ", variable->name, variable->value);
}

static void put_pod(FILE *to, const struct deploy_variable *variable, bool first)
{
	fprintf(to, "%s- { name: %s, value: \"%s\" }", first ? "env:\n" : "\n", variable->name,
		variable->value);
}

/* A % begins a specifier there. */
static void put_systemd(FILE *to, const struct deploy_variable *variable, bool first)
{
	fprintf(to, "%sEnvironment=\"%s=", first ? "[Service]\n" : "\n", variable->name);
	for (const char *at = variable->value; *at != '\0'; at++)
		fputs(*at == '%' ? "%%" : (char[]){ *at, '\0' }, to);
	fputc('"', to);
}

static const struct format {
	const char *name;
	const char *title;
	void (*put)(FILE *to, const struct deploy_variable *variable, bool first);
} formats[] = {
	{ "containerfile", "Containerfile", put_containerfile },
	{ "pod", "pod manifest, of a container", put_pod },
	{ "systemd", "systemd unit", put_systemd },
};

#define FORMAT_COUNT (sizeof formats / sizeof *formats)

bool deploy_is_format(const char *name)
{
	size_t i = 0;

	while (i < FORMAT_COUNT && strcmp(formats[i].name, name) != 0)
		i++;
	return i < FORMAT_COUNT || strcmp(name, "all") == 0;
}

void deploy_print(FILE *to, const char *format, const struct deploy_variable *variables,
		  size_t count)
{
	bool all = strcmp(format, "all") == 0;

	for (size_t f = 0; f < FORMAT_COUNT; f++) {
		if (!all && strcmp(formats[f].name, format) != 0)
			continue;
		if (all)
			fprintf(to, "%s# %s\n", f == 0 ? "" : "\n", formats[f].title);
		for (size_t i = 0; i < count; i++)
			formats[f].put(to, &variables[i], i == 0);
		fputc('\n', to);
	}
}
