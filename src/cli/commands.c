/* The table of commands, in the order in which help shows them. */
#include "command.h"

const struct command *const commands[] = {
	&command_run,	  &command_ps,	    &command_status,
	&command_top,	  &command_release, &command_set,
	&command_config,  &command_metrics, &command_check,
	&command_doctor,  &command_profile, &command_record,
	&command_replay,  &command_compare, &command_tune,
	&command_install, &command_help,    NULL,
};
