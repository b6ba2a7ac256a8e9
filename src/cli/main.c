/* weir: finds the command of the first argument and calls it. */
#include "command.h"
#include "help.h"
#include "weir.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A full disk or a closed pipe behind stdout is a failure, said once. */
static int finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	perror("weir: stdout");
	return status == COMMAND_OK ? COMMAND_FAILED : status;
}

static bool is_one_of(const char *word, const char *first, const char *second)
{
	return strcmp(word, first) == 0 || strcmp(word, second) == 0;
}

/* Other sets of characters than UTF-8 are plug-ins of the C library, which a command that is
 * linked statically may find no others of than of another version. */
static void set_locale(void)
{
	if (setlocale(LC_CTYPE, "") != NULL && strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C");
}

int main(int argc, char **argv)
{
	const struct command *command;

	set_locale();
	if (argc < 2) {
		help_print_all(stderr);
		return COMMAND_USAGE;
	}
	if (is_one_of(argv[1], "--help", "-h")) {
		help_print_all(stdout);
		return finish(COMMAND_OK);
	}
	if (is_one_of(argv[1], "--version", "-V")) {
		puts("weir " WEIR_VERSION);
		return finish(COMMAND_OK);
	}
	command = command_find(argv[1]);
	if (command == NULL)
		return help_complain_unknown(argv[1]);
	return finish(command->run(command, argc - 1, argv + 1));
}
