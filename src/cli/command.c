#include "command.h"

#include "help.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of one command, --help among them. */
#define OPTIONS_MAX 16

/* What getopt_long returns for --help; the others return their place in the table, above
 * every letter. */
enum { HELP_PLACE = 256, FIRST_PLACE };

struct getopt_tables {
	struct option options[OPTIONS_MAX + 2];
	char letters[3 + 3 * (OPTIONS_MAX + 1)];
};

const struct command *command_find(const char *name)
{
	size_t i = 0;

	while (commands[i] != NULL && strcmp(commands[i]->name, name) != 0)
		i++;
	return commands[i];
}

/* Options. */

static int argument_kind(const struct command_option *option)
{
	if (option->argument == NULL)
		return no_argument;
	return option->argument[0] == '[' ? optional_argument : required_argument;
}

static char *put_letter(char *letters, char letter, int kind)
{
	*letters++ = letter;
	for (int i = 0; i < kind; i++) /* one colon: required, two: optional */
		*letters++ = ':';
	return letters;
}

static void fill(struct getopt_tables *tables, const struct command_option *options,
		 bool until_operand)
{
	char *letters = tables->letters;
	size_t i = 0;

	memset(tables, 0, sizeof *tables);
	if (until_operand)
		*letters++ = '+';
	*letters++ = ':'; /* a missing argument is told from an unknown option */
	for (; options != NULL && options[i].name != NULL && i < OPTIONS_MAX; i++) {
		int kind = argument_kind(&options[i]);

		tables->options[i] =
			(struct option){ options[i].name, kind, NULL, FIRST_PLACE + (int)i };
		if (options[i].letter != 0)
			letters = put_letter(letters, options[i].letter, kind);
	}
	tables->options[i] = (struct option){ "help", no_argument, NULL, HELP_PLACE };
	put_letter(letters, 'h', no_argument);
}

static const struct command_option *found_option(const struct command_option *options, int found)
{
	if (found >= FIRST_PLACE)
		return &options[found - FIRST_PLACE];
	while (options->letter != found)
		options++;
	return options;
}

/* getopt leaves the word behind it for a long option, and the letter for a short one. */
static int complain_of_option(const struct command *command, char **argv, const char *problem)
{
	if (optopt > 0 && optopt < HELP_PLACE)
		command_usage(command, "-%c: %s", optopt, problem);
	else
		command_usage(command, "%s: %s", argv[optind - 1], problem);
	return -1;
}

static void show_help(const struct command *command)
{
	help_print_command(stdout, command);
	exit(fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED);
}

int command_parse(const struct command *command, int argc, char **argv, bool until_operand,
		  command_take *take, void *context)
{
	struct getopt_tables tables;
	int found;

	fill(&tables, command->options, until_operand);
	optind = 0; /* start anew */
	opterr = 0;
	while ((found = getopt_long(argc, argv, tables.letters, tables.options, NULL)) != -1) {
		if (found == '?')
			return complain_of_option(command, argv,
						  "not an option, or not one that takes this");
		if (found == ':')
			return complain_of_option(command, argv, "its argument is missing");
		if (found == HELP_PLACE || found == 'h')
			show_help(command);
		else if (!take(context, found_option(command->options, found)->name, optarg))
			return -1;
	}
	return optind;
}

const struct command_taker *command_find_taker(const struct command_taker *takers, const char *name)
{
	for (; takers->name != NULL; takers++)
		if (strcmp(takers->name, name) == 0)
			return takers;
	return NULL;
}

bool command_take_by(const struct command_taker *takers, void *context, const char *name,
		     const char *value)
{
	const struct command_taker *taker = command_find_taker(takers, name);

	return taker != NULL && taker->take(context, value);
}

/* Complaints. */

static void complain(const struct command *command, const char *format, va_list arguments)
{
	fflush(stdout);
	fprintf(stderr, "weir %s: ", command->name);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
}

void command_complain(const struct command *command, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	complain(command, format, arguments);
	va_end(arguments);
}

int command_usage(const struct command *command, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	complain(command, format, arguments);
	va_end(arguments);
	fprintf(stderr, "`weir help %s` says what it takes.\n", command->name);
	return COMMAND_USAGE;
}
