/* Start and end of weir in a program. Layer 7.
 *
 * Of two libraries with weir in one program, the first one that the dynamic linker finds does
 * the work; the other one's functions call the first one's (api.c).
 *
 * The constructor reads the settings, opens the gate for large requests and
 * installs the signal; it starts no thread and reserves nothing. What the
 * program allocated before it ran is the backend's. The helper thread comes
 * later (helper.h). */
#include "start.h"
#include "config.h"
#include "engine.h"
#include "helper.h"
#include "library.h"
#include "record.h"
#include "report.h"
#include "self.h"
#include "settings.h"
#include "signal.h"
#include "thread_end.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define EXIT_BAD_SETTING 2

static struct weir_config config;

static void say_settings(void)
{
	struct weir_line line;

	weir_line_begin(&line);
	weir_config_format_banner(&line.text, &config);
	weir_line_send(&line);
}

static void begin_anew(void)
{
	weir_record_begin_anew();
	weir_engine_begin_anew();
}

static void start(void)
{
	if (!weir_config_load(&config, NULL, program_invocation_short_name, NULL))
		_exit(EXIT_BAD_SETTING);
	weir_self_introduce(program_invocation_short_name);
	if (config.only)
		weir_config_leave_environment();
	weir_engine_enable(&config, weir_helper_watch);
	weir_thread_end_prepare();
	weir_record_prepare(&config, program_invocation_short_name);
	if (config.disable)
		return;
	if (config.harden && !weir_library_harden())
		weir_settings_say("WEIR_HARDEN: ",
				  "the table of the next allocator stays writable");
	weir_signal_install(config.signal);
	pthread_atfork(NULL, NULL, begin_anew);
	if (weir_config_wants_helper(&config))
		weir_helper_prepare(&config);
	if ((config.verbose || config.strict) && !weir_engine_resolve_config())
		_exit(EXIT_BAD_SETTING);
	if (config.verbose)
		say_settings();
}

enum { NOT_BEGUN, BEGUN, DONE };

/* A thread that comes meanwhile waits, which it can while another one's constructor runs. */
__attribute__((constructor)) void weir_start(void)
{
	static int progress; /* atomic */
	int not_begun = NOT_BEGUN;

	if (weir_load_acquire(&progress) == DONE)
		return;
	if (weir_cas_acq_rel(&progress, &not_begun, BEGUN)) {
		if (weir_stats_are_shown())
			start();
		else
			config.disable = true;
		weir_store_release(&progress, DONE);
	}
	while (weir_load_acquire(&progress) != DONE)
		weir_os_yield();
}

static void say_unwritten(const char *path, int error)
{
	struct weir_line line;

	weir_line_begin(&line);
	weir_text_string(&line.text, "the report could not be written to ");
	weir_text_string(&line.text, path);
	weir_text_string(&line.text, ": error ");
	weir_text_decimal(&line.text, (uint64_t)-error);
	weir_line_send(&line);
}

/* One line a process, appended: the processes of a program may share the file. */
__attribute__((destructor)) static void report(void)
{
	static char json[WEIR_SNAPSHOT_JSON_BYTES];
	static struct weir_snapshot snapshot;
	char path_bytes[4096];
	struct weir_text text, path;
	int error;

	if (config.disable)
		return;
	weir_helper_leave();
	weir_record_end();
	if (!config.report_at_exit)
		return;
	weir_engine_resolve_config();
	weir_text_init(&text, json, sizeof json);
	weir_self_snapshot(&snapshot);
	weir_snapshot_format_json(&text, &snapshot);
	weir_text_char(&text, '\n');
	if (!config.report_path) {
		weir_report_text(&text);
		return;
	}
	weir_text_init(&path, path_bytes, sizeof path_bytes);
	weir_text_pattern(&path, config.report_path, (uint64_t)weir_os_pid());
	error = weir_text_fits(&path) ? weir_os_append_file(path.data, text.data, text.used)
				      : -ENAMETOOLONG;
	if (error)
		say_unwritten(config.report_path, error);
}
