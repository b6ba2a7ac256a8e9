/* The subcommands of `weir`: one table entry and one file each.
 *
 * Help, the man page's list of commands and bash's completion come from the table
 * (commands.c), as does the parsing of options (getopt_long). */
#ifndef WEIR_CLI_COMMAND_H
#define WEIR_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* Exit statuses; `run` has those of env(1) beside them. */
enum command_status {
	COMMAND_OK = 0,
	COMMAND_FAILED = 1,
	COMMAND_USAGE = 2,
	COMMAND_NOT_UNDER_WEIR = 3,
	COMMAND_NO_ACCESS = 4, /* no permission, or no channel to the process */
	COMMAND_PARTLY = 5,    /* of several processes some failed */
};

struct command_option {
	const char *name;     /* without the dashes; NULL ends a list */
	char letter;	      /* 0 for none */
	const char *argument; /* as help shows it: SIZE; [PATH] may be left out; or NULL for none */
	const char *help;     /* NULL hides the option */
};

struct command {
	const char *name;
	const char *arguments; /* as the synopsis shows them: "PID NAME=VALUE" */
	const char *summary;   /* one line */
	const char *details;   /* for `weir help NAME` and the man page, or NULL; an empty
				* line parts paragraphs, and `words` stand for themselves */
	const struct command_option *options;
	/* argv[0] is the subcommand's name. */
	int (*run)(const struct command *command, int argc, char **argv);
};

extern const struct command command_check, command_compare, command_config, command_doctor,
	command_help, command_install, command_metrics, command_profile, command_ps, command_record,
	command_release, command_replay, command_run, command_set, command_status, command_top,
	command_tune;

/* All of them, in the order in which help shows them; NULL at the end. */
extern const struct command *const commands[];
const struct command *command_find(const char *name);

/* Calls `take` for each option found, by its name, with its argument or NULL; options end at
 * `--` or, where `until_operand`, at the first operand. Returns the index of the first
 * operand (getopt moves them behind the options), or -1 after a message for a usage error
 * (also when `take` returns false, which has said why). */
typedef bool command_take(void *context, const char *name, const char *value);
int command_parse(const struct command *command, int argc, char **argv, bool until_operand,
		  command_take *take, void *context);

/* What takes the options of one name; a NULL ends a list. */
struct command_taker {
	const char *name;
	bool (*take)(void *context, const char *value);
};

/* The one of that name, or NULL. */
const struct command_taker *command_find_taker(const struct command_taker *takers,
					       const char *name);

/* Has the one of that name, which is there, take the option: what a command_take does whose
 * context is the takers'. */
bool command_take_by(const struct command_taker *takers, void *context, const char *name,
		     const char *value);

/* One line on stderr, `weir NAME: ...`, and a pointer to its help. Returns COMMAND_USAGE. */
int command_usage(const struct command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* `weir NAME: ...` on stderr. */
void command_complain(const struct command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
