#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct bytes {
	char *data; /* always terminated by a zero byte */
	size_t used;
	size_t size;
};

struct program {
	pid_t pid;
	int pid_fd;
	int input;  /* our end of its stdin; -1 when closed */
	int output; /* our end of its stdout; -1 at its end */
	int errors; /* the memory behind its stderr */
	uint64_t deadline_ms;
	struct bytes written; /* its stdout so far */
	struct bytes complaints;
	struct bytes line;
	size_t line_start; /* where the next line of `written` begins */
	bool ended;
	struct program_end end;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void *checked(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

static void bytes_append(struct bytes *bytes, const char *data, size_t count)
{
	if (bytes->used + count + 1 > bytes->size) {
		bytes->size = (bytes->used + count + 1) * 2;
		bytes->data = (char *)checked(realloc(bytes->data, bytes->size));
	}
	if (count > 0)
		memcpy(bytes->data + bytes->used, data, count);
	bytes->used += count;
	bytes->data[bytes->used] = '\0';
}

static void bytes_set(struct bytes *bytes, const char *data, size_t count)
{
	bytes->used = 0;
	bytes_append(bytes, data, count);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static bool names_same(const char *a, const char *b)
{
	size_t length = strcspn(a, "=");

	return strncmp(a, b, length) == 0 && (b[length] == '=' || b[length] == '\0');
}

static bool named_in(const char *variable, const char *const *list)
{
	for (; list != NULL && *list != NULL; list++)
		if (names_same(*list, variable))
			return true;
	return false;
}

static bool inherited(const char *variable, const char *const *changes)
{
	static const char *const owned[] = { "LD_PRELOAD=", "WEIR_", "LIBWEIR_" };

	for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++)
		if (strncmp(variable, owned[i], strlen(owned[i])) == 0)
			return false;
	return !named_in(variable, changes);
}

static size_t count_of(const char *const *list)
{
	size_t count = 0;

	while (list != NULL && list[count] != NULL)
		count++;
	return count;
}

/* A list that ends with NULL; the caller frees it, and its first entry when
 * `preload` is given. */
static char **make_environment(const struct program_setup *setup)
{
	size_t most = count_of((const char *const *)environ) + count_of(setup->env) + 2;
	char **list = (char **)checked(calloc(most, sizeof(char *)));
	size_t used = 0;

	if (setup->preload != NULL && asprintf(&list[used++], "LD_PRELOAD=%s", setup->preload) < 0)
		abort();
	for (char **e = environ; *e != NULL; e++)
		if (inherited(*e, setup->env))
			list[used++] = *e;
	for (const char *const *e = setup->env; e != NULL && *e != NULL; e++)
		if (strchr(*e, '=') != NULL)
			list[used++] = (char *)*e;
	return list;
}

struct child_ends {
	int input, output, errors;
};

static void fail_to_start(const char *what)
{
	dprintf(STDERR_FILENO, "harness: %s: errno %d\n", what, errno);
	_exit(127);
}

static void reset_signals(int ignored)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	if (ignored != 0)
		signal(ignored, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void join_cgroup(const char *procs)
{
	int fd = open(procs, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "0", 1) != 1)
		fail_to_start(procs);
	close(fd);
}

static void become(const struct program_setup *setup, struct child_ends ends, char **environment)
{
	struct rlimit space = { setup->address_limit_bytes, setup->address_limit_bytes };

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(ends.input, STDIN_FILENO) < 0 || dup2(ends.output, STDOUT_FILENO) < 0 ||
	    dup2(ends.errors, STDERR_FILENO) < 0)
		_exit(127);
	reset_signals(setup->ignored_signal);
	if (setup->cgroup_procs != NULL)
		join_cgroup(setup->cgroup_procs);
	if (setup->directory != NULL && chdir(setup->directory) != 0)
		fail_to_start(setup->directory);
	if (setup->address_limit_bytes != 0 && setrlimit(RLIMIT_AS, &space) != 0)
		fail_to_start("setrlimit");
	execvpe(setup->argv[0], (char *const *)setup->argv, environment);
	fail_to_start(setup->argv[0]);
}

static bool open_input(const struct program_setup *setup, int *ours, int *theirs)
{
	int ends[2];

	if (setup->input_path != NULL) {
		*ours = -1;
		*theirs = open(setup->input_path, O_RDONLY | O_CLOEXEC);
		return *theirs >= 0;
	}
	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	*theirs = ends[0];
	*ours = ends[1];
	return true;
}

static bool open_output(int *ours, int *theirs)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	*ours = ends[0];
	*theirs = ends[1];
	return fcntl(*ours, F_SETFL, O_NONBLOCK) == 0;
}

/* Appending, because the program and its children share the position. */
static int open_errors(void)
{
	int fd = memfd_create("stderr", MFD_CLOEXEC);

	if (fd >= 0)
		fcntl(fd, F_SETFL, O_APPEND);
	return fd;
}

static bool spawn(struct program *program, const struct program_setup *setup,
		  struct child_ends ends)
{
	char **environment = make_environment(setup);

	program->pid = fork();
	if (program->pid == 0)
		become(setup, ends, environment);
	if (program->pid > 0) {
		setpgid(program->pid, program->pid);
		program->pid_fd = (int)syscall(SYS_pidfd_open, program->pid, 0);
	}
	if (setup->preload != NULL)
		free(environment[0]);
	free(environment);
	return program->pid > 0 && program->pid_fd >= 0;
}

struct program *program_start(const struct program_setup *setup)
{
	struct program *program = (struct program *)checked(calloc(1, sizeof(*program)));
	struct child_ends ends = { -1, -1, -1 };
	bool started;

	signal(SIGPIPE, SIG_IGN);
	program->pid = program->pid_fd = program->input = program->output = -1;
	program->errors = ends.errors = open_errors();
	program->deadline_ms = now_ms() + setup->timeout_ms;
	bytes_set(&program->written, "", 0);
	started = program->errors >= 0 && open_input(setup, &program->input, &ends.input) &&
		  open_output(&program->output, &ends.output) && spawn(program, setup, ends);
	close_fd(&ends.input);
	close_fd(&ends.output);
	if (started)
		return program;
	program_close(program);
	return NULL;
}

pid_t program_pid(const struct program *program)
{
	return program->pid;
}

bool program_write(struct program *program, const char *data, size_t count)
{
	while (count > 0) {
		ssize_t done = write(program->input, data, count);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		data += done;
		count -= (size_t)done;
	}
	return true;
}

void program_close_input(struct program *program)
{
	close_fd(&program->input);
}

/* Takes what is there of its stdout, without waiting. */
static void drain(struct program *program)
{
	char chunk[65536];
	ssize_t count;

	while (program->output >= 0 && (count = read(program->output, chunk, sizeof(chunk))) != 0) {
		if (count > 0)
			bytes_append(&program->written, chunk, (size_t)count);
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR)
			break;
	}
	close_fd(&program->output);
}

static void kill_late(struct program *program)
{
	program->end.timed_out = true;
	kill(-program->pid, SIGKILL);
}

/* Waits until there is output to read or the program has ended, and takes the
 * output: false when it has ended, or its time has. */
static bool await(struct program *program)
{
	struct pollfd polled[2] = { { program->pid_fd, POLLIN, 0 },
				    { program->output, POLLIN, 0 } };
	uint64_t now = now_ms();
	int left_ms = now < program->deadline_ms ? (int)(program->deadline_ms - now) : 0;
	int ready = poll(polled, 2, left_ms);

	if (ready < 0 && errno == EINTR)
		return true;
	if (ready == 0)
		kill_late(program);
	drain(program);
	return ready > 0 && polled[0].revents == 0;
}

const char *program_read_line(struct program *program)
{
	for (bool more = true;;) {
		const char *start = program->written.data + program->line_start;
		const char *end = strchr(start, '\n');

		if (end != NULL) {
			bytes_set(&program->line, start, (size_t)(end - start));
			program->line_start += (size_t)(end - start) + 1;
			return program->line.data;
		}
		if (!more)
			return NULL;
		more = await(program) && program->output >= 0;
	}
}

int program_signal(const struct program *program, int signal)
{
	return syscall(SYS_pidfd_send_signal, program->pid_fd, signal, NULL, 0) == 0 ? 0 : -errno;
}

int program_signal_thread(const struct program *program, pid_t thread, int signal)
{
	return syscall(SYS_tgkill, program->pid, thread, signal) == 0 ? 0 : -errno;
}

struct program_end program_wait(struct program *program)
{
	int status;

	if (program->ended)
		return program->end;
	close_fd(&program->input);
	while (await(program))
		;
	while (waitpid(program->pid, &status, 0) < 0 && errno == EINTR)
		;
	drain(program);
	program->ended = true;
	program->end.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	program->end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	return program->end;
}

const char *program_stdout(struct program *program, size_t *count)
{
	drain(program);
	*count = program->written.used;
	return program->written.data;
}

const char *program_stderr(struct program *program, size_t *count)
{
	char chunk[4096];
	ssize_t got;

	bytes_set(&program->complaints, "", 0);
	while ((got = pread(program->errors, chunk, sizeof(chunk),
			    (off_t)program->complaints.used)) > 0)
		bytes_append(&program->complaints, chunk, (size_t)got);
	*count = program->complaints.used;
	return program->complaints.data;
}

void program_close(struct program *program)
{
	if (program == NULL)
		return;
	if (program->pid > 0 && !program->ended) {
		kill(-program->pid, SIGKILL);
		program_wait(program);
	}
	close_fd(&program->pid_fd);
	close_fd(&program->input);
	close_fd(&program->output);
	close_fd(&program->errors);
	free(program->written.data);
	free(program->complaints.data);
	free(program->line.data);
	free(program);
}
