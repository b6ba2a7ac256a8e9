/* Starts /bin/true and waits for it: in turn without LD_PRELOAD, and with the
 * one this process was given. */
#include "../bench.h"

#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENVIRONMENT_MAX 512
#define STARTS 150

static void start_once(char **environment)
{
	static char program[] = "/bin/true";
	char *arguments[] = { program, NULL };
	pid_t child;
	int status;

	if (posix_spawn(&child, program, NULL, NULL, arguments, environment) != 0 ||
	    waitpid(child, &status, 0) != child || status != 0)
		bench_die(program);
}

static void copy_without_preload(char **copy)
{
	size_t count = 0;
	for (char **entry = environ; *entry != NULL && count < ENVIRONMENT_MAX - 1; entry++)
		if (strncmp(*entry, "LD_PRELOAD=", 11) != 0)
			copy[count++] = *entry;
	copy[count] = NULL;
}

static void run_start(const struct bench_options *options)
{
	static struct bench_meter plain, preloaded;
	char *plain_environment[ENVIRONMENT_MAX];
	unsigned starts = bench_scaled(options, STARTS, 1);

	copy_without_preload(plain_environment);
	start_once(plain_environment);
	start_once(environ);
	for (unsigned i = 0; i < starts; i++) {
		bench_meter_start(&plain);
		start_once(plain_environment);
		bench_meter_stop(&plain, 1);
		bench_meter_start(&preloaded);
		start_once(environ);
		bench_meter_stop(&preloaded, 1);
	}
	struct bench_row row = { .workload = "start", .variant = "preloaded" };
	bench_print(&row, &preloaded);
	row.variant = "plain";
	bench_print(&row, &plain);
}

const struct bench_workload bench_start = { "start", run_start, "start /bin/true and wait" };
