#include "channel.h"

#include "clean.h"
#include "connection.h"
#include "os.h"
#include "proc.h"
#include "request.h"
#include "setting.h"
#include "socket_path.h"
#include "units.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ASK_TRIES_MAX 2
#define SIGNAL_MS_MAX 5000
#define SIGNAL_LOOK_MS 2

static bool has_socket(const struct process *process)
{
	return process->snapshot.socket[0] == '/' &&
	       connection_is_served(process, process->snapshot.socket);
}

static bool has_signal(const struct process *process)
{
	return process->snapshot.signal_owner == WEIR_SIGNAL_WEIR &&
	       process_catches(process->pid, process->snapshot.signal);
}

enum channel channel_of(const struct process *process)
{
	if (has_socket(process))
		return CHANNEL_SOCKET;
	return has_signal(process) ? CHANNEL_SIGNAL : CHANNEL_NONE;
}

const char *channel_name(enum channel channel)
{
	static const char *const names[] = {
		[CHANNEL_NONE] = "none",
		[CHANNEL_SIGNAL] = "signal",
		[CHANNEL_SOCKET] = "socket",
	};

	return names[channel];
}

/* The socket. */

/* Bytes of the answer, or -errno; an end without one counts as a reset. */
static ssize_t ask_once(const struct process *process, const char *request, char *answer,
			size_t size)
{
	int fd = connection_open(process, process->snapshot.socket);
	ssize_t count;

	if (fd < 0)
		return -ECONNREFUSED;
	count = connection_exchange(fd, request, answer, size);
	close(fd);
	return count == 0 ? -ECONNRESET : count;
}

bool channel_ask(const struct process *process, const char *line, char *answer, size_t size)
{
	char request[WEIR_REQUEST_BYTES_MAX + 1];
	ssize_t count = -ECONNRESET;

	if ((size_t)snprintf(request, sizeof request, "%s\n", line) >= sizeof request)
		return false;
	for (unsigned i = 0; i < ASK_TRIES_MAX && count == -ECONNRESET; i++)
		count = ask_once(process, request, answer, size);
	if (count <= 0)
		return false;
	if (answer[count - 1] == '\n')
		answer[count - 1] = '\0';
	return true;
}

/* Releasing. */

__attribute__((format(printf, 2, 3))) static bool fail(struct channel_release *result,
						       const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(result->error, sizeof result->error, format, arguments);
	va_end(arguments);
	return false;
}

uint64_t channel_number(const char *answer, const char *name)
{
	size_t length = strlen(name);
	uint64_t number = 0;

	for (const char *at = strstr(answer, name); at; at = strstr(at + 1, name)) {
		if (at == answer || at[-1] != ' ' || at[length] != '=')
			continue;
		at += length + 1;
		weir_units_parse_count(at, strspn(at, "0123456789"), &number);
		break;
	}
	return number;
}

static bool release_by_socket(const struct process *process, const char *keep, const char *range,
			      struct channel_release *result)
{
	char line[WEIR_REQUEST_BYTES_MAX];
	char answer[1024];

	snprintf(line, sizeof line, "release%s%s%s%s", keep ? " keep=" : "", keep ? keep : "",
		 range ? " class=" : "", range ? range : "");
	if (!channel_ask(process, line, answer, sizeof answer))
		return fail(result, "no answer from its control socket");
	clean_text(answer, "");
	if (strncmp(answer, "ok ", 3) != 0)
		return fail(result, "%s", answer);
	result->released_bytes = channel_number(answer, "released_bytes");
	result->blocks = channel_number(answer, "blocks");
	result->ns = channel_number(answer, "ns");
	return true;
}

/* The descriptor means this process for good, also when its number is given to another one
 * meanwhile. -1 where the kernel has no such descriptors, or it is gone. */
static int open_process(const struct process *process)
{
	int fd = (int)syscall(SYS_pidfd_open, process->pid, 0);

	if (fd >= 0 && proc_start(process->pid) != process->start) {
		close(fd);
		return -1;
	}
	return fd;
}

static int send_to(int fd, const struct process *process)
{
	int number = process->snapshot.signal;
	bool is_trim = number == SIGRTMIN + WEIR_TRIM_SIGNAL_OFFSET;
	siginfo_t info;

	memset(&info, 0, sizeof info);
	info.si_signo = number;
	info.si_code = SI_QUEUE;
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_int = WEIR_TRIM_VALUE;
	return (int)syscall(SYS_pidfd_send_signal, fd, number, is_trim ? &info : NULL, 0);
}

static bool send_signal(const struct process *process, struct channel_release *result)
{
	int fd = open_process(process);
	int sent, error;

	if (fd < 0)
		return fail(result, "the process has ended, or the kernel has no pidfd_open");
	/* Asked last: a program may have taken the handler away since the page was read. */
	if (!has_signal(process)) {
		close(fd);
		return fail(result, "signal %d is not weir's any more", process->snapshot.signal);
	}
	sent = send_to(fd, process);
	error = errno;
	close(fd);
	return sent == 0 ||
	       fail(result, "signal %d: %s", process->snapshot.signal, strerror(error));
}

/* A release is counted last of its figures; those of the next look are all of it. */
static bool wait_for_release(const struct process *process, const struct weir_released *before,
			     struct weir_released *after)
{
	uint64_t give_up_ms = weir_os_now_ms() + SIGNAL_MS_MAX;

	while (weir_os_now_ms() < give_up_ms) {
		if (!process_read_released(process, WEIR_TRIGGER_signal, after))
			return false;
		if (after->releases != before->releases)
			return process_read_released(process, WEIR_TRIGGER_signal, after);
		poll(NULL, 0, SIGNAL_LOOK_MS);
	}
	return false;
}

static bool release_by_signal(const struct process *process, struct channel_release *result)
{
	struct weir_released before, after;

	if (!process_read_released(process, WEIR_TRIGGER_signal, &before))
		return fail(result, "the process has ended");
	if (!send_signal(process, result))
		return false;
	if (!wait_for_release(process, &before, &after))
		return fail(result,
			    "signal %d was sent, but nothing released in %d s: the process has "
			    "ended, is stopped, blocks the signal, or has just taken it for "
			    "itself",
			    process->snapshot.signal, SIGNAL_MS_MAX / 1000);
	result->released_bytes = (after.units - before.units) * WEIR_STATS_UNIT_BYTES;
	result->blocks = after.blocks - before.blocks;
	result->ns = after.ns - before.ns;
	return true;
}

static const char *why_no_channel(const struct process *process)
{
	switch (process->snapshot.signal_owner) {
	case WEIR_SIGNAL_PROGRAM:
		return "no control socket (WEIR_SOCKET=auto), and the program has the signal itself";
	case WEIR_SIGNAL_OFF:
		return "no control socket (WEIR_SOCKET=auto), and WEIR_SIGNAL is off";
	default:
		return "no control socket (WEIR_SOCKET=auto), and nobody catches the signal";
	}
}

static bool release_by(const struct process *process, const char *keep, const char *range,
		       struct channel_release *result)
{
	if (result->channel == CHANNEL_SOCKET)
		return release_by_socket(process, keep, range, result);
	if (keep || range) {
		result->channel = CHANNEL_NONE;
		return fail(result, "no control socket (WEIR_SOCKET=auto), which a part needs");
	}
	if (result->channel == CHANNEL_SIGNAL)
		return release_by_signal(process, result);
	return fail(result, "%s", why_no_channel(process));
}

bool channel_release(const struct process *process, const char *keep, const char *range,
		     struct channel_release *result)
{
	bool done;

	memset(result, 0, sizeof *result);
	result->channel = channel_of(process);
	result->resident_before_bytes = process_resident_bytes(process);
	done = release_by(process, keep, range, result);
	result->resident_after_bytes = process_resident_bytes(process);
	return done;
}

/* Files that are left. */

/* A socket is made a moment before it listens. */
#define STALE_SECONDS_MIN 10

/* Another user's sockets are that user's or root's to remove. */
static bool is_own(const struct stat *found)
{
	return geteuid() == 0 || found->st_uid == geteuid();
}

static bool is_old_socket(int directory, const char *name)
{
	struct stat found;

	return fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) == 0 && is_own(&found) &&
	       S_ISSOCK(found.st_mode) && found.st_ctime + STALE_SECONDS_MIN < time(NULL);
}

/* A directory that weir makes for a user is that user's alone; another one of that name was
 * put there to mislead. */
static bool is_private(int directory)
{
	struct stat found;

	return fstat(directory, &found) == 0 && found.st_uid == geteuid() &&
	       (found.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

static DIR *open_directory(const char *path, bool must_be_private)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *directory = NULL;

	if (fd >= 0 && (!must_be_private || is_private(fd)))
		directory = fdopendir(fd);
	if (fd >= 0 && !directory)
		close(fd);
	return directory;
}

static void clean_directory(const char *path, bool must_be_private)
{
	DIR *directory = open_directory(path, must_be_private);
	struct dirent *entry;
	uint64_t pid, start;
	int fd;

	if (!directory)
		return;
	fd = dirfd(directory);
	while ((entry = readdir(directory)))
		if (weir_socket_is_name(entry->d_name, &pid, &start) &&
		    is_old_socket(fd, entry->d_name) && connection_is_stale(fd, entry->d_name))
			unlinkat(fd, entry->d_name, 0);
	closedir(directory);
}

void channel_clean_stale(void)
{
	char bytes[2 * WEIR_SOCKET_PATH_BYTES], name[SETTING_PROGRAM_BYTES];
	struct weir_config config;
	struct weir_text path;
	bool make, more = true;

	weir_config_load(&config, NULL, setting_accepted_program(name), &setting_silent);
	for (size_t i = 0; more; i++) {
		weir_text_init(&path, bytes, sizeof bytes);
		more = weir_socket_place(i, &config, geteuid(), &path, &make);
		if (more && path.used > 0)
			clean_directory(path.data, make);
	}
}
