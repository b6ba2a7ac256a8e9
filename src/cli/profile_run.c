#include "profile_run.h"

#include "directory.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Looks at memory: soon at first, for short programs, then a few times a second; and so seldom
 * that they take no more than a hundredth of one processor. */
#define FIRST_LOOK_MS 10
#define USUAL_LOOK_MS 250
#define REST_FACTOR 100

#define NS_PER_MS 1000000ULL

/* Of the processor. */
static uint64_t own_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000 * NS_PER_MS + (uint64_t)used.tv_nsec;
}

/* Directories. */

/* A program may give up its user, so that reports are written by anybody; the trace is this
 * command's own. */
static bool make_directories(struct profile_run *run)
{
	const char *parent = getenv("TMPDIR");

	if (parent == NULL || *parent != '/')
		parent = "/tmp";
	if (snprintf(run->directory, PATH_MAX - 64, "%s/weir-profile-XXXXXX", parent) >=
	    PATH_MAX - 64) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (mkdtemp(run->directory) == NULL || chmod(run->directory, 0711) != 0)
		return false;
	strcat(strcpy(run->reports_path, run->directory), "/reports");
	return mkdir(run->reports_path, 0700) == 0 && chmod(run->reports_path, 01777) == 0;
}

/* Samples. */

static void see(void *context, const struct process *process)
{
	struct profile_run *run = context;

	profile_reports_see(&run->reports, &process->snapshot);
}

/* Every other one goes when there is no more room. */
static void thin(struct profile_run *run)
{
	size_t kept = 0;

	for (size_t i = 0; i < run->sample_count; i += 2)
		run->samples[kept++] = run->samples[i];
	run->sample_count = kept;
}

static void look(struct profile_run *run)
{
	struct census_sample sample;

	census_take(run->recording.child.pid, &sample, see, run);
	if (sample.processes == 0)
		return;
	if (census_sum(&sample.memory) > census_sum(&run->peak.memory))
		run->peak = sample;
	if (run->sample_count == PROFILE_SAMPLES)
		thin(run);
	run->samples[run->sample_count++] = sample;
}

static int rest_ms(uint64_t last_ms, uint64_t cost_ns)
{
	uint64_t usual = weir_min(2 * last_ms, (uint64_t)USUAL_LOOK_MS);

	return (int)weir_min(weir_max(usual, cost_ns * REST_FACTOR / NS_PER_MS), (uint64_t)60000);
}

static void watch(struct profile_run *run)
{
	int ms = FIRST_LOOK_MS;
	uint64_t start_ns;

	while (!child_wait(&run->recording.child, ms)) {
		start_ns = own_ns();
		look(run);
		ms = rest_ms((uint64_t)ms, own_ns() - start_ns);
	}
}

/* The run. */

static bool set_report(struct profile_run *run)
{
	char value[PATH_MAX + 32];

	snprintf(value, sizeof value, "exit:%s/%%p", run->reports_path);
	return launch_add(run->launch, "WEIR_REPORT", value);
}

static bool begin(struct profile_run *run, const char *keep)
{
	if (!make_directories(run)) {
		command_complain(run->launch->command, "no directory can be made in %s: %s",
				 run->directory, strerror(errno));
		return false;
	}
	if (keep == NULL)
		strcat(strcpy(run->trace_path, run->directory), "/trace");
	else
		snprintf(run->trace_path, sizeof run->trace_path, "%s", keep);
	run->samples = calloc(PROFILE_SAMPLES, sizeof *run->samples);
	return run->samples != NULL && set_report(run);
}

bool profile_run(struct profile_run *run, struct launch *launch, char **argv, const char *keep,
		 const char *most)
{
	uint64_t start_ns = weir_os_now_ns();

	*run = (struct profile_run){ .launch = launch };
	if (!begin(run, keep) ||
	    !recording_start(&run->recording, launch, argv, run->trace_path, most)) {
		profile_run_end(run);
		return false;
	}
	watch(run);
	run->wall_ns = weir_os_now_ns() - start_ns;
	run->parts = recording_gather(&run->recording, run->trace_path);
	profile_reports_read(&run->reports, run->reports_path);
	return true;
}

void profile_run_end(struct profile_run *run)
{
	profile_reports_end(&run->reports);
	free(run->samples);
	if (run->reports_path[0] != '\0')
		directory_remove(run->reports_path);
	if (run->directory[0] != '\0')
		directory_remove(run->directory);
}
