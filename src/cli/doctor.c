/* weir doctor: says why nothing is pooled. */
#include "doctor.h"
#include "cgroup.h"
#include "clean.h"
#include "command.h"
#include "print.h"
#include "proc.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENVIRONMENT_BYTES_MAX ((size_t)4 << 20)

static const char *const result_names[] = {
	[DOCTOR_SKIPPED] = "",
	[DOCTOR_OK] = "ok",
	[DOCTOR_NOTE] = "note",
	[DOCTOR_PROBLEM] = "problem",
};

/* Findings. */

static void put(char *text, size_t size, const char *format, va_list arguments)
{
	vsnprintf(text, size, format, arguments);
	clean_text(text, "");
}

void doctor_say(struct doctor_finding *finding, enum doctor_result result, const char *format, ...)
{
	va_list arguments;

	finding->result = result;
	va_start(arguments, format);
	put(finding->text, sizeof finding->text, format, arguments);
	va_end(arguments);
}

void doctor_advise(struct doctor_finding *finding, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	put(finding->advice, sizeof finding->advice, format, arguments);
	va_end(arguments);
}

/* Environments. */

const char *doctor_variable(const struct doctor_patient *patient, const char *name)
{
	const char *at = patient->environment;
	const char *end = at == NULL ? NULL : at + patient->environment_bytes;
	size_t length = strlen(name);

	for (; at < end; at += strlen(at) + 1)
		if (strncmp(at, name, length) == 0 && at[length] == '=')
			return at + length + 1;
	return NULL;
}

/* The strings of /proc/PID/environ, the last of them ended as well. */
static void read_environment(struct doctor_patient *patient, pid_t pid)
{
	char *bytes = malloc(ENVIRONMENT_BYTES_MAX);
	ssize_t got = bytes == NULL ? -1 : proc_read(pid, "environ", bytes, ENVIRONMENT_BYTES_MAX);

	if (got < 0) {
		free(bytes);
		return;
	}
	patient->environment = bytes;
	patient->environment_bytes = (size_t)got;
}

/* Output. */

struct sheet {
	bool json;
	unsigned problems;
	unsigned shown;
};

static void print_field(const char *name, const char *text)
{
	printf("\"%s\":", name);
	print_json_string(stdout, text);
}

static void print_json(const struct sheet *sheet, const char *check,
		       const struct doctor_finding *finding)
{
	fputs(sheet->shown == 0 ? "{" : ",{", stdout);
	print_field("check", check);
	putchar(',');
	print_field("result", result_names[finding->result]);
	putchar(',');
	print_field("finding", finding->text);
	if (finding->advice[0] != '\0') {
		putchar(',');
		print_field("advice", finding->advice);
	}
	putchar('}');
}

static void print_for_people(const char *check, const struct doctor_finding *finding)
{
	bool problem = finding->result == DOCTOR_PROBLEM;

	printf("%s%-8s%s %-10s %s\n", problem ? print_bold() : "", result_names[finding->result],
	       problem ? print_plain() : "", check, finding->text);
	if (finding->advice[0] != '\0')
		printf("%-8s %-10s -> %s\n", "", "", finding->advice);
}

static void show(struct sheet *sheet, const char *check, const struct doctor_finding *finding)
{
	if (finding->result == DOCTOR_SKIPPED)
		return;
	if (sheet->json)
		print_json(sheet, check, finding);
	else
		print_for_people(check, finding);
	sheet->shown++;
	sheet->problems += finding->result == DOCTOR_PROBLEM;
}

static void examine(const struct doctor_patient *patient, const struct doctor_check *checks,
		    struct sheet *sheet)
{
	for (; checks->name != NULL; checks++) {
		struct doctor_finding finding = { .result = DOCTOR_SKIPPED };

		checks->examine(patient, &finding);
		if (finding.result == DOCTOR_OK)
			finding.advice[0] = '\0';
		show(sheet, checks->name, &finding);
	}
}

static void begin_sheet(const struct sheet *sheet)
{
	if (sheet->json)
		fputs("{\"checks\":[", stdout);
}

static int end_sheet(const struct sheet *sheet)
{
	if (sheet->json)
		printf("],\"problems\":%u}\n", sheet->problems);
	return sheet->problems == 0 ? COMMAND_OK : COMMAND_FAILED;
}

/* Patients. */

static void keep_first(void *context, const char *line)
{
	struct doctor_patient *patient = context;

	if (patient->complaint[0] == '\0')
		snprintf(patient->complaint, sizeof patient->complaint, "%s", line);
}

static int examine_command(const char *name, struct sheet *sheet)
{
	static struct doctor_patient patient;
	struct weir_config_sink sink = { keep_first, &patient };

	patient.name = name;
	program_find(name, &patient.program);
	read_environment(&patient, getpid());
	weir_config_load(&patient.config, NULL, program_base_name(patient.program.path), &sink);
	weir_config_resolve(&patient.config, weir_memory_limit_bytes(""), &sink);
	begin_sheet(sheet);
	examine(&patient, doctor_command_checks, sheet);
	return end_sheet(sheet);
}

static int examine_process(const struct command *command, const char *argument, struct sheet *sheet)
{
	static struct doctor_patient patient;
	pid_t pid;

	if (!process_parse_pid(argument, &pid))
		return command_usage(command, "%s: not a process id; a program goes behind --",
				     argument);
	patient.read = process_read(pid, &patient.process);
	if (patient.read != PROCESS_OK && patient.read != PROCESS_NOT_UNDER_WEIR) {
		command_complain(command, "%s: %s", argument, process_explain(patient.read));
		return process_status(patient.read);
	}
	snprintf(patient.program.path, sizeof patient.program.path, "/proc/%d/exe",
		 (int)patient.process.task);
	patient.program.obstacle = program_format_obstacle(patient.program.path);
	read_environment(&patient, patient.process.task);
	begin_sheet(sheet);
	examine(&patient, doctor_process_checks, sheet);
	examine(&patient, doctor_figure_checks, sheet);
	return end_sheet(sheet);
}

static bool take(void *context, const char *name, const char *value)
{
	struct sheet *sheet = context;

	(void)name;
	(void)value;
	sheet->json = true;
	return true;
}

/* The place of `--`, behind which a program stands; as large as argc where there is none. To
 * be asked before getopt moves the arguments. */
static int find_dashes(int argc, char **argv)
{
	int at = 1;

	while (at < argc && strcmp(argv[at], "--") != 0)
		at++;
	return at;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct sheet sheet = { false, 0, 0 };
	int dashes = find_dashes(argc, argv);
	int first = command_parse(command, argc, argv, false, take, &sheet);

	if (first < 0)
		return COMMAND_USAGE;
	if (first == argc)
		return command_usage(command, "which process, or -- which program?");
	if (dashes < argc && first <= dashes)
		return command_usage(command, "a process or, behind --, a program, not both");
	if (dashes < argc)
		return examine_command(argv[first], &sheet);
	if (argc - first > 1)
		return command_usage(command, "one process at a time");
	return examine_process(command, argv[first], &sheet);
}

static const struct command_option options[] = {
	{ "json", 'j', NULL, "one JSON object with all checks" },
	{ NULL, 0, NULL, NULL },
};

const struct command command_doctor = {
	.name = "doctor",
	.arguments = "PID | -- CMD [ARG...]",
	.summary = "say why nothing is pooled, and what to do about it",
	.details =
		"Looks at a process, or at a program that is to be started from here. Each check "
		"is ok, a note, or a problem with what to do about it. The exit status is 1 when "
		"there is a problem.",
	.options = options,
	.run = run,
};
