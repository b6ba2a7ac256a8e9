/* weir help: what the table of commands says. */
#include "help.h"

#include "text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LINE_COLUMNS 78
#define LABEL_COLUMNS 26

/* Text. */

/* Fills lines with the words of a paragraph from `column` on; the first line has already
 * been filled up to there. */
static void print_paragraph(FILE *to, const char *text, size_t length, size_t column)
{
	const char *end = text + length;
	size_t at = column;

	while (text < end) {
		size_t word = strcspn(text, " \n");

		if (word > (size_t)(end - text))
			word = (size_t)(end - text);
		if (at > column && at + 1 + word > LINE_COLUMNS) {
			fprintf(to, "\n%*s", (int)column, "");
			at = column;
		} else if (at > column) {
			fputc(' ', to);
			at++;
		}
		fwrite(text, 1, word, to);
		at += word;
		text += word;
		text += strspn(text, " \n");
	}
	fputc('\n', to);
}

static void print_paragraphs(FILE *to, const char *text)
{
	while (*text != '\0') {
		const char *gap = strstr(text, "\n\n");
		size_t length = gap == NULL ? strlen(text) : (size_t)(gap - text);

		fputc('\n', to);
		print_paragraph(to, text, length, 0);
		text += length;
		text += strspn(text, "\n");
	}
}

static void print_entry(FILE *to, const char *label, const char *help)
{
	fprintf(to, "  %-*s", LABEL_COLUMNS - 2, label);
	if (strlen(label) > LABEL_COLUMNS - 4)
		fprintf(to, "\n%*s", LABEL_COLUMNS, "");
	print_paragraph(to, help, strlen(help), LABEL_COLUMNS);
}

/* Commands and options. */

static void put_argument(struct weir_text *text, const struct command_option *option)
{
	if (option->argument == NULL)
		return;
	if (option->argument[0] == '[') {
		weir_text_string(text, "[=");
		weir_text_string(text, option->argument + 1);
	} else {
		weir_text_char(text, ' ');
		weir_text_string(text, option->argument);
	}
}

void help_format_label(char *label, const struct command_option *option)
{
	struct weir_text text;

	weir_text_init(&text, label, HELP_LABEL_BYTES);
	if (option->letter != 0) {
		weir_text_char(&text, '-');
		weir_text_char(&text, option->letter);
		weir_text_string(&text, ", ");
	}
	weir_text_string(&text, "--");
	weir_text_string(&text, option->name);
	put_argument(&text, option);
}

static void print_options(FILE *to, const struct command_option *options)
{
	char label[HELP_LABEL_BYTES];

	for (; options != NULL && options->name != NULL; options++) {
		if (options->help == NULL)
			continue;
		help_format_label(label, options);
		print_entry(to, label, options->help);
	}
	print_entry(to, "-h, --help", "this text");
}

void help_print_command(FILE *to, const struct command *command)
{
	fprintf(to, "Usage: weir %s [OPTION...]%s%s\n\n", command->name,
		command->arguments == NULL || command->arguments[0] == '\0' ? "" : " ",
		command->arguments == NULL ? "" : command->arguments);
	print_paragraph(to, command->summary, strlen(command->summary), 0);
	if (command->details != NULL)
		print_paragraphs(to, command->details);
	fputc('\n', to);
	print_options(to, command->options);
}

void help_print_all(FILE *to)
{
	fputs("Usage: weir COMMAND [OPTION...] [ARGUMENT...]\n\n"
	      "Sees and steers what weir keeps of the large memory blocks of programs.\n\n",
	      to);
	for (size_t i = 0; commands[i] != NULL; i++)
		print_entry(to, commands[i]->name, commands[i]->summary);
	fputs("\n`weir help COMMAND` says more of one, weir(1) of all.\n", to);
}

/* Unknown names. */

static const char *nearest_name(const char *name)
{
	unsigned nearest = UINT32_MAX;
	const char *found = NULL;

	for (size_t i = 0; commands[i] != NULL; i++) {
		unsigned d = weir_text_distance(name, strlen(name), commands[i]->name);

		if (d < nearest) {
			nearest = d;
			found = commands[i]->name;
		}
	}
	return found;
}

int help_complain_unknown(const char *name)
{
	fprintf(stderr,
		"weir: there is no command `%s`; the nearest is `%s`, `weir help` shows all\n",
		name, nearest_name(name));
	return COMMAND_USAGE;
}

/* The command. */

struct wanted {
	const char *roff_part;
	bool words;
};

static bool take(void *context, const char *name, const char *value)
{
	struct wanted *wanted = context;

	if (strcmp(name, "man") == 0)
		wanted->roff_part = value;
	else
		wanted->words = true;
	return true;
}

/* For completion: first what follows the options, then each option with its argument; or
 * the names of all commands. */
static void print_words(const struct command *command)
{
	const struct command_option *option;

	if (command == NULL) {
		for (size_t i = 0; commands[i] != NULL; i++)
			puts(commands[i]->name);
		return;
	}
	puts(command->arguments == NULL ? "" : command->arguments);
	for (option = command->options; option != NULL && option->name != NULL; option++) {
		if (option->help != NULL)
			printf("--%s %s\n", option->name,
			       option->argument == NULL ? "" : option->argument);
	}
	puts("--help ");
}

static int print_help(const struct command *self, const struct wanted *wanted, const char *name)
{
	const struct command *command = name == NULL ? NULL : command_find(name);

	if (name != NULL && command == NULL)
		return help_complain_unknown(name);
	if (wanted->roff_part != NULL)
		return help_print_roff(stdout, wanted->roff_part)
			       ? COMMAND_OK
			       : command_usage(self, "the manual page has no part `%s`",
					       wanted->roff_part);
	if (wanted->words)
		print_words(command);
	else if (command != NULL)
		help_print_command(stdout, command);
	else
		help_print_all(stdout);
	return COMMAND_OK;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct wanted wanted = { NULL, false };
	int first = command_parse(command, argc, argv, false, take, &wanted);

	if (first < 0)
		return COMMAND_USAGE;
	if (argc - first > 1)
		return command_usage(command, "one command at a time");
	return print_help(command, &wanted, argv[first]);
}

static const struct command_option options[] = {
	{ "man", 0, "commands|variables", NULL },
	{ "words", 0, NULL, NULL },
	{ NULL, 0, NULL, NULL },
};

const struct command command_help = {
	.name = "help",
	.arguments = "[COMMAND]",
	.summary = "say what the commands do",
	.options = options,
	.run = run,
};
