/* What weir doctor looks at in a process. */
#include "channel.h"
#include "doctor.h"
#include "proc.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Why the library is not there. */

static void examine_library(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	if (doctor_is_loaded(patient))
		doctor_say(finding, DOCTOR_OK, "weir %s is loaded",
			   patient->process.snapshot.version);
	else
		doctor_say(finding, DOCTOR_PROBLEM, "%s", process_explain(patient->read));
}

static void examine_program(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	enum program_obstacle obstacle = patient->program.obstacle;

	if (doctor_is_loaded(patient))
		return;
	doctor_say(finding, obstacle == PROGRAM_OBSTACLE_NONE ? DOCTOR_OK : DOCTOR_PROBLEM,
		   "the program %s", program_explain(obstacle));
	doctor_advise(finding, "%s", program_advise(obstacle));
}

/* Pairs of a type and a value, each as wide as an address there. */
static bool runs_secured(pid_t task, bool is_wide)
{
	union {
		uint64_t wide[128];
		uint32_t narrow[256];
	} auxv = { { 0 } };
	ssize_t got = proc_read(task, "auxv", (char *)&auxv, sizeof auxv);
	size_t width = is_wide ? sizeof auxv.wide[0] : sizeof auxv.narrow[0];

	for (size_t i = 0; got > 0 && i + 1 < (size_t)got / width; i += 2)
		if ((is_wide ? auxv.wide[i] : auxv.narrow[i]) == AT_SECURE)
			return (is_wide ? auxv.wide[i + 1] : auxv.narrow[i + 1]) != 0;
	return false;
}

/* Of the other word size where the program's obstacle says so. */
static bool is_wide(const struct doctor_patient *patient)
{
	return (patient->program.obstacle == PROGRAM_OTHER_WORD_SIZE) == (WEIR_ADDRESS_BITS == 32);
}

static void examine_rights(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	if (doctor_is_loaded(patient) || !runs_secured(patient->process.task, is_wide(patient)))
		return;
	doctor_say(finding, DOCTOR_PROBLEM,
		   "it was started with rights that its file lends (set-user-id, set-group-id, "
		   "capabilities): LD_PRELOAD is ignored there");
	doctor_advise(finding, "start it as a user who needs to be lent nothing");
}

static void say_not_named(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	const char *only = doctor_variable(patient, "WEIR_ONLY");
	bool has_list = doctor_variable(patient, "LD_PRELOAD") != NULL;

	if (only != NULL && strcmp(only, "1") == 0) {
		doctor_say(
			finding, DOCTOR_PROBLEM,
			"it was started by a program under WEIR_ONLY, which keeps weir to itself");
		doctor_advise(finding, "leave --only or WEIR_ONLY away");
		return;
	}
	doctor_say(finding, DOCTOR_PROBLEM,
		   has_list ? "LD_PRELOAD of its environment does not name "
			      "weir"
			    : "LD_PRELOAD is not in its environment: who "
			      "started it did not set it or dropped it");
	doctor_advise(finding, "service managers, sudo and containers pass only what they are told "
			       "to: name LD_PRELOAD there, or let them start `weir run -- CMD`");
}

static void examine_preload(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	if (doctor_is_loaded(patient))
		return;
	if (patient->environment == NULL) {
		doctor_say(finding, DOCTOR_NOTE, "its environment cannot be read");
		return;
	}
	doctor_examine_preload(patient, finding);
	if (finding->result == DOCTOR_SKIPPED)
		say_not_named(patient, finding);
	if (finding->result == DOCTOR_OK) {
		finding->result = DOCTOR_NOTE;
		doctor_advise(finding, "the dynamic linker says on stderr, at the start, why it "
				       "does not take a library");
	}
}

/* Why it is there and does little. */

static void say_off(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	const char *programs = doctor_variable(patient, "WEIR_PROGRAMS");
	const char *disable = doctor_variable(patient, "WEIR_DISABLE");

	doctor_say(finding, DOCTOR_PROBLEM, "weir is off there: %s%s",
		   disable != NULL || programs == NULL ? "WEIR_DISABLE" : "WEIR_PROGRAMS=",
		   disable != NULL || programs == NULL ? "" : programs);
	doctor_advise(finding,
		      "start it again with WEIR_DISABLE unset, and with its name, %s, in "
		      "WEIR_PROGRAMS where that is set",
		      patient->process.snapshot.program);
}

static void say_idle(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	char min[64];

	doctor_say(
		finding, DOCTOR_NOTE,
		"no large request came yet: none of WEIR_MIN=%s and more, nor one above WEIR_MAX",
		doctor_setting(patient, "WEIR_MIN", min, sizeof min));
}

static void say_ready(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	doctor_say(finding, DOCTOR_OK, "large requests served: %" PRIu64,
		   patient->process.snapshot.requests);
}

static void say_unavailable(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	(void)patient;
	doctor_say(finding, DOCTOR_PROBLEM,
		   "no addresses could be reserved: everything passes through");
	doctor_advise(finding, "raise its limit of addresses (ulimit -v), or vm.overcommit_memory "
			       "and vm.overcommit_ratio");
}

static void examine_state(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	static void (*const say[])(const struct doctor_patient *patient,
				   struct doctor_finding *finding) = {
		[WEIR_STATE_OFF] = say_off,
		[WEIR_STATE_IDLE] = say_idle,
		[WEIR_STATE_READY] = say_ready,
		[WEIR_STATE_UNAVAILABLE] = say_unavailable,
	};
	unsigned state = patient->process.snapshot.state;

	if (doctor_is_loaded(patient) && state < sizeof say / sizeof *say)
		say[state](patient, finding);
}

static void examine_order(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	if (doctor_is_loaded(patient))
		doctor_examine_order(patient, finding);
}

/* Whoever was served has no allocator of its own in the way. */
static void examine_allocator(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	if (!doctor_is_ready(patient) || patient->process.snapshot.requests == 0)
		doctor_examine_allocator(patient, finding);
}

static void examine_signal(const struct doctor_patient *patient, struct doctor_finding *finding)
{
	enum channel channel;
	bool owned;

	if (!doctor_is_loaded(patient) || patient->process.snapshot.state == WEIR_STATE_OFF)
		return;
	channel = channel_of(&patient->process);
	owned = patient->process.snapshot.signal_owner == WEIR_SIGNAL_PROGRAM;
	if (channel != CHANNEL_NONE) {
		doctor_say(finding, DOCTOR_OK, "a release can be asked for by its %s",
			   channel_name(channel));
		return;
	}
	doctor_say(finding, DOCTOR_PROBLEM,
		   "%s, and there is no socket: no release can be asked for",
		   owned ? "the program handles or ignores WEIR_SIGNAL itself"
			 : "weir does not have its signal");
	doctor_advise(finding, "start it with WEIR_SIGNAL=RTMIN+18 or WEIR_SOCKET=auto");
}

const struct doctor_check doctor_process_checks[] = {
	{ "library", examine_library },
	{ "program", examine_program },
	{ "rights", examine_rights },
	{ "preload", examine_preload },
	{ "order", examine_order },
	{ "state", examine_state },
	{ "allocator", examine_allocator },
	{ "signal", examine_signal },
	{ NULL, NULL },
};
