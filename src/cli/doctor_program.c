/* What weir doctor looks at before a program starts, and checks that processes share. */
#include "doctor.h"
#include "foreign.h"
#include "option.h"
#include "preload.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void examine_program(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	const struct program *program = &patient->program;
	bool fine = program->obstacle == PROGRAM_OBSTACLE_NONE;

	doctor_say(finding, fine ? DOCTOR_OK : DOCTOR_PROBLEM, "%s %s", program->path,
		   program_explain(program->obstacle));
	doctor_advise(finding, "%s", program_advise(program->obstacle));
}

/* LD_PRELOAD. */

struct entries {
	const char *weir; /* weir's, or NULL */
	size_t weir_length;
	const char *earlier; /* an allocator before it, or NULL */
	size_t earlier_length;
};

static bool take_entry(void *context, const char *entry, size_t length)
{
	struct entries *entries = context;

	if (preload_is_weir(entry, length)) {
		entries->weir = entry;
		entries->weir_length = length;
		return false;
	}
	if (preload_is_allocator(entry, length)) {
		entries->earlier = entry;
		entries->earlier_length = length;
	}
	return true;
}

static struct entries entries_of(const struct doctor_patient *patient)
{
	const char *list = doctor_variable(patient, "LD_PRELOAD");
	struct entries entries = { NULL, 0, NULL, 0 };

	if (list != NULL)
		preload_each(list, take_entry, &entries);
	return entries;
}

/* An entry without a slash, or with a variable ($LIB), is the dynamic linker's to find; of a
 * process the others lie below its own root. */
static bool is_there(const struct doctor_patient *patient, const struct entries *entries)
{
	char path[PATH_MAX];
	bool found;
	int fd;

	if (memchr(entries->weir, '/', entries->weir_length) == NULL ||
	    memchr(entries->weir, '$', entries->weir_length) != NULL ||
	    entries->weir_length >= sizeof path)
		return true;
	snprintf(path, sizeof path, "%.*s", (int)entries->weir_length, entries->weir);
	if (patient->name != NULL)
		return program_is_library(path);
	fd = foreign_open(patient->process.task, path);
	found = fd >= 0 && program_is_library_file(fd);
	if (fd >= 0)
		close(fd);
	return found;
}

void doctor_examine_preload(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	struct entries entries = entries_of(patient);
	int length = (int)entries.weir_length;

	if (entries.weir == NULL)
		return;
	if (is_there(patient, &entries)) {
		doctor_say(finding, DOCTOR_OK, "LD_PRELOAD names %.*s", length, entries.weir);
		return;
	}
	doctor_say(finding, DOCTOR_PROBLEM,
		   "LD_PRELOAD names %.*s, which is no library that can be read there", length,
		   entries.weir);
	doctor_advise(finding, "put the library there, into the container, too, and give all who "
			       "run the program the right to read it");
}

void doctor_examine_order(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	struct entries entries = entries_of(patient);

	if (entries.weir == NULL || entries.earlier == NULL)
		return;
	doctor_say(finding, DOCTOR_PROBLEM,
		   "LD_PRELOAD names %.*s before weir, so that it gets all requests",
		   (int)entries.earlier_length, entries.earlier);
	doctor_advise(finding, "put weir first; the other one then serves the small requests");
}

void doctor_examine_allocator(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	const char *found;

	if (patient->program.obstacle != PROGRAM_OBSTACLE_NONE)
		return;
	found = program_own_allocator(patient->program.path);
	if (found == NULL) {
		doctor_say(finding, DOCTOR_OK, "the program defines no malloc of its own");
		return;
	}
	doctor_say(
		finding, DOCTOR_PROBLEM,
		"the program brings its own allocator (it defines %s), which no library replaces",
		found);
	doctor_advise(finding, "use a build of it with the C library's malloc");
}

static void examine_own_preload(const struct doctor_patient *patient,
				struct doctor_finding *finding)
{
	doctor_examine_preload(patient, finding);
	if (finding->result == DOCTOR_SKIPPED)
		doctor_say(finding, DOCTOR_NOTE,
			   "LD_PRELOAD does not name weir here; `weir run -- %s` does it",
			   patient->name);
}

/* Settings. */

static void examine_settings(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	if (patient->complaint[0] == '\0') {
		doctor_say(finding, DOCTOR_OK, "every WEIR_ variable is accepted");
		return;
	}
	doctor_say(finding, DOCTOR_PROBLEM, "%s", patient->complaint);
	doctor_advise(finding, "correct the variable");
}

static void examine_switch(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	const struct weir_config *config = &patient->config;
	const char *name = program_base_name(patient->program.path);

	if (!config->disable) {
		doctor_say(finding, DOCTOR_OK, "weir is on for programs named %s", name);
	} else if (config->programs != NULL && !weir_option_names(config->programs, name)) {
		doctor_say(finding, DOCTOR_PROBLEM, "WEIR_PROGRAMS=%s leaves %s out",
			   config->programs, name);
		doctor_advise(finding, "add %s to WEIR_PROGRAMS", name);
	} else {
		doctor_say(finding, DOCTOR_PROBLEM, "WEIR_DISABLE turns weir off");
		doctor_advise(finding, "unset WEIR_DISABLE");
	}
}

static void examine_limit(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	if (patient->config.limit_bytes > 0 || patient->config.disable)
		return;
	doctor_say(finding, DOCTOR_PROBLEM, "WEIR_LIMIT is 0: no free block is kept");
	doctor_advise(finding, "set WEIR_LIMIT, or another WEIR_PRESET than off");
}

/* Programs that use SIGUSR1 themselves. */
static const struct {
	const char *names;
	const char *use;
} users[] = {
	{ "node,nodejs", "opens its debugger" },
	{ "java,jsvc", "uses it between its threads" },
	{ "nginx", "reopens its logs" },
	{ "postgres", "uses it between its processes" },
	{ "puma,ruby", "restarts, where it runs puma" },
	{ "beam.smp,erl", "writes a crash dump" },
	{ "bun,WebKit*,epiphany", "suspends its threads" },
	{ "apache2,httpd", "restarts" },
	{ "dd,xz", "prints how far it is" },
	{ "octave*,R,Rscript", "saves its work and ends" },
};

static const char *own_use(const char *name)
{
	for (size_t i = 0; i < sizeof users / sizeof *users; i++)
		if (weir_option_names(users[i].names, name))
			return users[i].use;
	return NULL;
}

static void examine_signal(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	const struct weir_config *config = &patient->config;
	const char *name = program_base_name(patient->program.path);
	const char *use = own_use(name);
	bool socket = config->socket[0] != '\0';

	if (use != NULL && config->signal == SIGUSR1) {
		doctor_say(finding, socket ? DOCTOR_NOTE : DOCTOR_PROBLEM,
			   "on SIGUSR1 %s %s, so that the signal does not release", name, use);
		doctor_advise(finding, "WEIR_SIGNAL=RTMIN+18, or a socket: WEIR_SOCKET=auto");
	} else if (config->signal == 0 && !socket) {
		doctor_say(finding, DOCTOR_NOTE,
			   "WEIR_SIGNAL and WEIR_SOCKET are off: nobody can ask for a release");
	} else {
		doctor_say(finding, DOCTOR_OK, "a release can be asked for");
	}
}

const struct doctor_check doctor_command_checks[] = {
	{ "program", examine_program },
	{ "library", examine_own_preload },
	{ "order", doctor_examine_order },
	{ "allocator", doctor_examine_allocator },
	{ "settings", examine_settings },
	{ "switch", examine_switch },
	{ "limit", examine_limit },
	{ "signal", examine_signal },
	{ NULL, NULL },
};
