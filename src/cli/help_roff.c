/* The parts of weir(1) that come from tables: its commands and its variables. */
#include "help.h"

#include "config.h"

#include <ctype.h>
#include <string.h>

/* A hyphen is a minus sign where it is typed, and a dot or a quote that begins a line would
 * be a request. `words` between backticks are bold. */
static void put_words(FILE *to, const char *text, size_t length)
{
	bool bold = false;

	if (length > 0 && (text[0] == '.' || text[0] == '\''))
		fputs("\\&", to);
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '`') {
			bold = !bold;
			fputs(bold ? "\\fB" : "\\fR", to);
		} else if (text[i] == '\\') {
			fputs("\\e", to);
		} else if (text[i] == '-') {
			fputs("\\-", to);
		} else {
			fputc(text[i] == '\n' ? ' ' : text[i], to);
		}
	}
}

static void put_line(FILE *to, const char *text, size_t length)
{
	put_words(to, text, length);
	fputc('\n', to);
}

/* Upper-case words are what the reader replaces: italic. */
static void put_pattern(FILE *to, const char *text)
{
	bool italic = false;

	for (; *text != '\0'; text++) {
		bool is_name = isupper((unsigned char)*text) != 0;

		if (is_name != italic) {
			fputs(is_name ? "\\fI" : "\\fR", to);
			italic = is_name;
		}
		if (*text == '-')
			fputc('\\', to);
		fputc(*text, to);
	}
	fputs(italic ? "\\fR" : "", to);
}

static void put_option(FILE *to, const struct command_option *option)
{
	char label[HELP_LABEL_BYTES];
	size_t name;

	if (option->help == NULL)
		return;
	help_format_label(label, option);
	name = (size_t)(strstr(label, option->name) - label) + strlen(option->name);
	fputs(".TP\n\\fB", to);
	put_words(to, label, name);
	fputs("\\fR", to);
	put_pattern(to, label + name);
	fputc('\n', to);
	put_line(to, option->help, strlen(option->help));
}

static void put_details(FILE *to, const char *text)
{
	while (text != NULL && *text != '\0') {
		const char *gap = strstr(text, "\n\n");
		size_t length = gap == NULL ? strlen(text) : (size_t)(gap - text);

		fputs(".PP\n", to);
		put_line(to, text, length);
		text += length;
		text += strspn(text, "\n");
	}
}

static void put_command(FILE *to, const struct command *command)
{
	fprintf(to, ".SS \"weir %s\"\n\\fBweir %s\\fR [\\fIOPTION\\fR...] ", command->name,
		command->name);
	put_pattern(to, command->arguments == NULL ? "" : command->arguments);
	fputs("\n.PP\n", to);
	fputc(toupper((unsigned char)command->summary[0]), to);
	put_words(to, command->summary + 1, strlen(command->summary) - 1);
	fputs(".\n", to);
	put_details(to, command->details);
	for (const struct command_option *option = command->options;
	     option != NULL && option->name != NULL; option++)
		put_option(to, option);
}

static void put_commands(FILE *to)
{
	for (size_t i = 0; commands[i] != NULL; i++)
		put_command(to, commands[i]);
}

static void put_variables(FILE *to)
{
	for (size_t i = 0; i < weir_config_option_count(); i++) {
		struct weir_option_help option = weir_config_option_help(i);

		fprintf(to, ".TP\n\\fB%s\\fR (", option.name);
		put_words(to, option.default_text, strlen(option.default_text));
		fputs(")\n", to);
		put_line(to, option.help, strlen(option.help));
	}
}

static const struct {
	const char *name;
	void (*put)(FILE *to);
} parts[] = {
	{ "commands", put_commands },
	{ "variables", put_variables },
};

bool help_print_roff(FILE *to, const char *part)
{
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (strcmp(parts[i].name, part) != 0)
			continue;
		fprintf(to, ".\\\" %s:begin\n", part);
		parts[i].put(to);
		fprintf(to, ".\\\" %s:end\n", part);
		return true;
	}
	return false;
}
