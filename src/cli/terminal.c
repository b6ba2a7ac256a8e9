#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l" /* alternate screen, no cursor */
#define LEAVE "\033[?25h\033[?1049l"
#define HOME "\033[H"
#define CLEAR_LINE "\033[K"

#define ESCAPE '\033'

/* For the rest of a key's sequence; a person does not type that fast. */
#define REST_MS 25

static struct {
	bool is_on;
	struct termios before;
	sigset_t mask_before;
	int signals; /* descriptor, -1 before the first terminal_begin */
	char keys[64];
	size_t key_bytes;
} terminal = { .signals = -1 };

/* Errors are of no use here: a terminal that is gone says so by the next read. */
static void write_all(const char *bytes, size_t count)
{
	ssize_t written;

	while (count > 0) {
		written = write(STDOUT_FILENO, bytes, count);
		if (written < 0 && errno != EINTR)
			return;
		if (written > 0) {
			bytes += written;
			count -= (size_t)written;
		}
	}
}

static void say(const char *sequence)
{
	write_all(sequence, strlen(sequence));
}

bool terminal_is_there(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

void terminal_size(unsigned *lines, unsigned *columns)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
		return;
	*lines = size.ws_row;
	*columns = size.ws_col;
}

/* On and off. */

static bool take_signals(void)
{
	static const int taken[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
		sigaddset(&set, taken[i]);
	terminal.signals = signalfd(terminal.signals, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return terminal.signals >= 0 && sigprocmask(SIG_BLOCK, &set, &terminal.mask_before) == 0;
}

/* Ctrl-C and Ctrl-Z stay signals, newlines begin a line. */
static bool take_keys(void)
{
	struct termios mode;

	if (tcgetattr(STDIN_FILENO, &terminal.before) != 0)
		return false;
	mode = terminal.before;
	mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	mode.c_oflag |= OPOST | ONLCR;
	mode.c_cc[VMIN] = 1;
	mode.c_cc[VTIME] = 0;
	return tcsetattr(STDIN_FILENO, TCSADRAIN, &mode) == 0;
}

bool terminal_begin(void)
{
	static bool ends_at_exit;

	if (!take_keys())
		return false;
	if (!take_signals()) {
		tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal.before);
		return false;
	}
	terminal.is_on = true;
	if (!ends_at_exit)
		ends_at_exit = atexit(terminal_end) == 0;
	say(ENTER);
	return true;
}

void terminal_end(void)
{
	if (!terminal.is_on)
		return;
	terminal.is_on = false;
	say(LEAVE);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal.before);
	sigprocmask(SIG_SETMASK, &terminal.mask_before, NULL);
}

/* The lines are cleared before they are written: behind the last column, the cursor still
 * stands on it. */
void terminal_show(const char *lines)
{
	char *screen = malloc(sizeof HOME CLEAR_LINE + strlen(lines) * sizeof CLEAR_LINE);
	char *end;

	if (screen == NULL)
		return;
	end = stpcpy(screen, HOME CLEAR_LINE);
	for (; *lines; lines++) {
		*end++ = *lines;
		if (*lines == '\n')
			end = stpcpy(end, CLEAR_LINE);
	}
	write_all(screen, (size_t)(end - screen));
	free(screen);
}

/* Events. */

static void stop(void)
{
	terminal_end();
	raise(SIGSTOP);
	// cppcheck-suppress unreachableCode ; raise returns once it is continued
	terminal_begin();
}

static int next_signal(void)
{
	struct signalfd_siginfo signal;

	if (read(terminal.signals, &signal, sizeof signal) != sizeof signal)
		return TERMINAL_NOTHING;
	if (signal.ssi_signo == SIGTSTP)
		stop();
	if (signal.ssi_signo == SIGTSTP || signal.ssi_signo == SIGWINCH)
		return TERMINAL_CHANGED;
	return TERMINAL_QUIT;
}

static int meaning_of(const char *sequence, size_t length)
{
	static const struct {
		const char *sequence; /* behind the escape; cursor keys have two forms */
		int event;
	} keys[] = {
		{ "[A", TERMINAL_UP },	 { "OA", TERMINAL_UP },	      { "[B", TERMINAL_DOWN },
		{ "OB", TERMINAL_DOWN }, { "[5~", TERMINAL_PAGE_UP }, { "[6~", TERMINAL_PAGE_DOWN },
		{ "[H", TERMINAL_HOME }, { "OH", TERMINAL_HOME },     { "[1~", TERMINAL_HOME },
		{ "[F", TERMINAL_END },	 { "OF", TERMINAL_END },      { "[4~", TERMINAL_END },
	};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strlen(keys[i].sequence) == length &&
		    memcmp(keys[i].sequence, sequence, length) == 0)
			return keys[i].event;
	return TERMINAL_NOTHING;
}

/* ECMA-48: a control sequence ends with the first byte from @ on; the others have one. */
static size_t sequence_length(const char *bytes, size_t count)
{
	size_t i = 1;

	if (count == 0)
		return 0;
	if (bytes[0] != '[')
		return count < 2 && bytes[0] == 'O' ? 0 : 1 + (bytes[0] == 'O');
	while (i < count && bytes[i] >= 0x20 && bytes[i] < 0x40)
		i++;
	return i < count ? i + 1 : 0;
}

int terminal_parse_key(const char *bytes, size_t count, size_t *used)
{
	size_t length;

	*used = count == 0 ? 0 : 1;
	if (count == 0)
		return TERMINAL_NOTHING;
	if (bytes[0] != ESCAPE)
		return (unsigned char)bytes[0];
	length = sequence_length(bytes + 1, count - 1);
	*used = length == 0 ? 0 : 1 + length;
	return meaning_of(bytes + 1, length);
}

/* False when nobody will type any more. */
static bool read_keys(void)
{
	ssize_t count = read(STDIN_FILENO, terminal.keys + terminal.key_bytes,
			     sizeof terminal.keys - terminal.key_bytes);

	if (count <= 0)
		return count < 0 && (errno == EINTR || errno == EAGAIN);
	terminal.key_bytes += (size_t)count;
	return true;
}

static bool keys_wait(void)
{
	struct pollfd keys = { .fd = STDIN_FILENO, .events = POLLIN };

	return terminal.key_bytes < sizeof terminal.keys && poll(&keys, 1, REST_MS) > 0;
}

/* A sequence of which no more comes is dropped: the Escape key, or a line with noise. */
static int next_key(void)
{
	size_t used;
	int event = terminal_parse_key(terminal.keys, terminal.key_bytes, &used);

	while (used == 0 && keys_wait()) {
		if (!read_keys())
			return TERMINAL_QUIT;
		event = terminal_parse_key(terminal.keys, terminal.key_bytes, &used);
	}
	if (used == 0)
		used = terminal.key_bytes;
	terminal.key_bytes -= used;
	memmove(terminal.keys, terminal.keys + used, terminal.key_bytes);
	return event;
}

int terminal_wait(uint64_t ms)
{
	struct pollfd sources[] = { { .fd = terminal.signals, .events = POLLIN },
				    { .fd = STDIN_FILENO, .events = POLLIN } };
	int limit = ms > INT32_MAX ? INT32_MAX : (int)ms;

	if (terminal.key_bytes > 0)
		return next_key();
	if (poll(sources, 2, limit) <= 0)
		return TERMINAL_NOTHING;
	if (sources[0].revents != 0)
		return next_signal();
	return read_keys() ? next_key() : TERMINAL_QUIT;
}
