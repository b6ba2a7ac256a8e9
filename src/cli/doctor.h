/* Why nothing is pooled: checks of a program that is to be started, or of a process. */
#ifndef WEIR_CLI_DOCTOR_H
#define WEIR_CLI_DOCTOR_H

#include "config.h"
#include "process.h"
#include "program.h"

enum doctor_result {
	DOCTOR_SKIPPED, /* the check does not apply, and is not shown */
	DOCTOR_OK,
	DOCTOR_NOTE,
	DOCTOR_PROBLEM,
};

struct doctor_finding {
	enum doctor_result result;
	char text[512];
	char advice[512]; /* what to do about a problem, or empty */
};

/* Who is examined. */
struct doctor_patient {
	const char *name;	/* the command's, as it was typed; NULL for a process */
	struct program program; /* of a process its executable, as /proc/PID/exe */
	char *environment;	/* strings, one behind the other; NULL when not readable */
	size_t environment_bytes;
	/* A command: what the library would read. */
	struct weir_config config;
	char complaint[512]; /* of the first bad setting, or empty */
	/* A process. */
	enum process_result read;
	struct process process; /* its pid and task always, the rest when `read` is PROCESS_OK */
};

struct doctor_check {
	const char *name;
	void (*examine)(const struct doctor_patient *patient, struct doctor_finding *finding);
};

/* Up to one without a name. */
extern const struct doctor_check doctor_command_checks[];
extern const struct doctor_check doctor_process_checks[];
extern const struct doctor_check doctor_figure_checks[]; /* of a process, too */

/* Much of it comes from processes: what a terminal would act upon is not passed on. */
void doctor_say(struct doctor_finding *finding, enum doctor_result result, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void doctor_advise(struct doctor_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A variable of the patient's environment, or NULL. */
const char *doctor_variable(const struct doctor_patient *patient, const char *name);

/* Of a process: whether weir is there, and whether it has served a request. */
bool doctor_is_loaded(const struct doctor_patient *patient);
bool doctor_is_ready(const struct doctor_patient *patient);

/* The value of a setting of the process, or "" where it shows none, into a buffer. */
const char *doctor_setting(const struct doctor_patient *patient, const char *name, char *value,
			   size_t size);

/* Checks that both have. */
void doctor_examine_preload(const struct doctor_patient *patient, struct doctor_finding *finding);
void doctor_examine_order(const struct doctor_patient *patient, struct doctor_finding *finding);
void doctor_examine_allocator(const struct doctor_patient *patient, struct doctor_finding *finding);

#endif
