#include "trial.h"

#include "os.h"
#include "resident.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000U
#define LOOK_NS 5000000U      /* from one look at what is resident to the next, at most; */
#define LOOK_LEAST_NS 200000U /* at first, when it ends soon, less */
#define LOOK_SHARE 20	      /* looks take one part in so many of the time at most */
#define PATIENCE_NS NS_PER_S  /* until a program that was told to end is killed */

static sigset_t events, before;
static int taken;	  /* the signal that ends this command, or 0 */
static off_t input_begin; /* of stdin where it is a regular file, else -1 */

static off_t find_input(void)
{
	struct stat input;

	return fstat(STDIN_FILENO, &input) == 0 && S_ISREG(input.st_mode)
		       ? lseek(STDIN_FILENO, 0, SEEK_CUR)
		       : -1;
}

static bool is_ignored(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* A signal that was ignored, as nohup(1) has it, stays so. */
void trial_begin(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

	signal(SIGCHLD, SIG_DFL); /* where it was ignored there would be no status */
	sigemptyset(&events);
	sigaddset(&events, SIGCHLD);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		if (!is_ignored(signals[i]))
			sigaddset(&events, signals[i]);
	sigprocmask(SIG_BLOCK, &events, &before);
	input_begin = find_input();
}

void trial_end(void)
{
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (taken == 0)
		return;
	signal(taken, SIG_DFL);
	raise(taken);
}

/* The program. */

static bool redirect(int fd, const char *path, int flags)
{
	int opened = open(path, flags | O_CLOEXEC, 0666);
	bool done = opened >= 0 && dup2(opened, fd) == fd;

	if (opened >= 0)
		close(opened);
	return done;
}

/* Each run reads the same. */
static bool provide_input(void)
{
	if (input_begin >= 0)
		return lseek(STDIN_FILENO, input_begin, SEEK_SET) == input_begin;
	return redirect(STDIN_FILENO, "/dev/null", O_RDONLY);
}

/* In the child: what went wrong is written to the pipe, which a program that starts closes. */
static void become(const struct launch *launch, enum program_obstacle obstacle, char *const *argv,
		   const struct trial_files *files, int pipe)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC;
	int error;

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = 0;
	if (launch_enter(launch, obstacle) && provide_input() &&
	    redirect(STDOUT_FILENO, files->out, flags) &&
	    redirect(STDERR_FILENO, files->err, flags))
		execvp(argv[0], argv);
	error = errno == 0 ? EINVAL : errno;
	if (write(pipe, &error, sizeof error) < 0)
		_exit(LAUNCH_FAILED);
	_exit(LAUNCH_NOT_FOUND);
}

static pid_t start(struct trial *trial, const struct launch *launch, enum program_obstacle obstacle,
		   char *const *argv, const struct trial_files *files)
{
	int ends[2], error = 0;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	child = fork();
	if (child == 0)
		become(launch, obstacle, argv, files, ends[1]);
	close(ends[1]);
	if (child > 0 && read(ends[0], &error, sizeof error) == (ssize_t)sizeof error) {
		waitpid(child, NULL, 0);
		errno = error;
		child = -1;
	}
	trial->error = errno;
	close(ends[0]);
	return child;
}

/* Looks at what is resident. */

struct looks {
	uint64_t begin_ns;
	uint64_t last_ns;
	uint64_t next_ns;
	double byte_ns; /* bytes times the time that they were there */
	uint64_t peak_bytes;
	uint64_t final_bytes;
};

/* The time to the next look after one that took this long: a sixteenth of what the program has
 * run, so that the last look at a short one is near its end, too. */
static uint64_t pause_ns(uint64_t ran_ns, uint64_t took_ns)
{
	uint64_t pause = ran_ns / 16;

	pause = pause < LOOK_NS ? pause : LOOK_NS;
	pause = pause > LOOK_LEAST_NS ? pause : LOOK_LEAST_NS;
	return pause > took_ns * LOOK_SHARE ? pause : took_ns * LOOK_SHARE;
}

/* What a process has that is about to end, 0, is not what it had at last. */
static void look(struct looks *looks, pid_t child)
{
	uint64_t begin_ns = weir_os_now_ns(), bytes = resident_bytes(child),
		 end_ns = weir_os_now_ns();

	if (bytes > 0)
		looks->final_bytes = bytes;
	if (bytes > looks->peak_bytes)
		looks->peak_bytes = bytes;
	looks->byte_ns += (double)looks->final_bytes * (double)(end_ns - looks->last_ns);
	looks->last_ns = end_ns;
	looks->next_ns = end_ns + pause_ns(end_ns - looks->begin_ns, end_ns - begin_ns);
}

/* Waiting. */

static int next_event(uint64_t until_ns)
{
	uint64_t now = weir_os_now_ns(), ns = until_ns > now ? until_ns - now : 0;
	struct timespec time = { (time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S) };

	return sigtimedwait(&events, NULL, &time);
}

/* Not yet waited for: its number is still that of its process group. */
static bool has_ended(pid_t child)
{
	siginfo_t end = { .si_pid = 0 };

	return waitid(P_PID, (id_t)child, &end, WEXITED | WNOHANG | WNOWAIT) != 0 ||
	       end.si_pid == child;
}

/* A program that was told to end is killed where that takes too long. */
static void end_program(pid_t child, int signal)
{
	uint64_t until_ns = weir_os_now_ns() + PATIENCE_NS;

	kill(-child, signal);
	while (weir_os_now_ns() < until_ns && !has_ended(child))
		next_event(until_ns);
}

static void await(pid_t child, struct looks *looks)
{
	while (!has_ended(child)) {
		int event = next_event(looks->next_ns);

		if (event < 0 && weir_os_now_ns() >= looks->next_ns)
			look(looks, child);
		if (event <= 0 || event == SIGCHLD)
			continue;
		taken = event;
		end_program(child, event);
		return;
	}
}

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* What the kernel knows of its largest process may have been between two looks. */
static double larger(uint64_t looked_bytes, long maxrss_kib)
{
	double most = (double)maxrss_kib * 1024, looked = (double)looked_bytes;

	return looked > most ? looked : most;
}

static void fill(struct figures_sample *sample, const struct looks *looks,
		 const struct rusage *usage, uint64_t wall_ns)
{
	double *values = sample->values;

	values[FIGURES_WALL] = (double)wall_ns / NS_PER_S;
	values[FIGURES_USER] = seconds(usage->ru_utime);
	values[FIGURES_SYSTEM] = seconds(usage->ru_stime);
	values[FIGURES_FAULTS] = (double)usage->ru_minflt;
	values[FIGURES_PEAK] = larger(looks->peak_bytes, usage->ru_maxrss);
	values[FIGURES_MEAN] = looks->byte_ns / (double)wall_ns;
	values[FIGURES_FINAL] = (double)looks->final_bytes;
}

void trial_run(struct trial *trial, const struct launch *launch, enum program_obstacle obstacle,
	       char *const *argv, const struct trial_files *files)
{
	uint64_t begin_ns = weir_os_now_ns(), end_ns;
	struct looks looks = { .begin_ns = begin_ns, .last_ns = begin_ns };
	struct rusage usage;
	pid_t child = start(trial, launch, obstacle, argv, files);

	trial->result = TRIAL_NOT_STARTED;
	if (child < 0)
		return;
	look(&looks, child);
	await(child, &looks);
	end_ns = weir_os_now_ns();
	looks.byte_ns += (double)looks.final_bytes * (double)(end_ns - looks.last_ns);
	kill(-child, SIGKILL);
	wait4(child, &trial->status, 0, &usage);
	fill(&trial->sample, &looks, &usage, end_ns - begin_ns);
	trial->result = taken != 0 ? TRIAL_INTERRUPTED : TRIAL_ENDED;
}
