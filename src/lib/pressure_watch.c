#include "pressure_watch.h"

#include "os.h"
#include "text.h"

#include <errno.h>
#include <string.h>

/* What systemd's protocol may want written; its own is below 30 bytes. */
#define ASKED_BYTES_MAX 256

/* Reads of a stream in one go: a peer that never ends must not keep the thread. */
#define STREAM_READS_MAX 8

#define FAILED (POLLERR | POLLHUP | POLLNVAL)

struct asked {
	const char *root;
	const char *path;
	const char *data;
};

/* Waits */

static void add_wait(struct weir_pressure_watch *watch, int fd, short events,
		     enum weir_pressure means, weir_pressure_hear *hear)
{
	watch->waits[watch->count++] = (struct weir_pressure_wait){ fd, events, means, hear };
}

/* A descriptor that failed would end every poll at once. */
static enum weir_pressure lose(struct weir_pressure_wait *wait)
{
	weir_os_close(wait->fd);
	wait->fd = -1;
	return WEIR_PRESSURE_NONE;
}

/* Pressure stall information */

/* Processes without CAP_SYS_RESOURCE may ask for windows of a multiple of 2 s only (since Linux
 * 6.5), everybody for up to 10 s: so 2 s serves all. With the capability the kernel looks ten
 * times a window, so that nobody is told later for it. Reading files over and over in a cgroup
 * that is full of them stalls for 1 to 3 % of the time, which is no reason to give anything
 * back; a working set that does not fit stalls for 10 % and more. */
static const struct {
	const char *text;
	enum weir_pressure means;
} triggers[] = {
	{ "some 150000 2000000", WEIR_PRESSURE_SOME },
	{ "full 400000 2000000", WEIR_PRESSURE_HIGH },
};

static enum weir_pressure hear_trigger(struct weir_pressure_watch *watch,
				       struct weir_pressure_wait *wait, short events)
{
	(void)watch;
	return (events & FAILED) ? lose(wait) : wait->means;
}

static bool add_trigger(struct weir_pressure_watch *watch, const char *path, const char *text,
			enum weir_pressure means)
{
	int fd = weir_os_open(path, true);

	if (fd < 0)
		return false;
	/* With the zero byte, over which /proc/pressure writes one of its own. */
	if (weir_os_write(fd, text, strlen(text) + 1) != 0) {
		weir_os_close(fd);
		return false;
	}
	add_wait(watch, fd, POLLPRI, means, hear_trigger);
	return true;
}

static bool begin_stalls(struct weir_pressure_watch *watch, const char *directory, const char *file)
{
	static char path[WEIR_CGROUP_PATH_BYTES];
	bool any = false;

	if (!weir_text_join(path, sizeof path, directory, file))
		return false;
	for (size_t i = 0; i < sizeof triggers / sizeof triggers[0]; i++)
		any |= add_trigger(watch, path, triggers[i].text, triggers[i].means);
	return any;
}

static bool begin_own_stalls(struct weir_pressure_watch *watch, const struct asked *asked)
{
	(void)asked;
	return watch->cgroup->pressure[0] != '\0' &&
	       begin_stalls(watch, watch->cgroup->pressure, "/memory.pressure");
}

/* The machine's, where the process is seen in no cgroup of version 2. In one whose own file
 * cannot be written, the machine's would tell of other containers. */
static bool begin_machine_stalls(struct weir_pressure_watch *watch, const struct asked *asked)
{
	return watch->cgroup->pressure[0] == '\0' &&
	       begin_stalls(watch, asked->root, "/proc/pressure/memory");
}

/* systemd's protocol */

static int base64_value(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = strchr(digits, c);

	return c == '\0' || at == NULL ? -1 : (int)(at - digits);
}

/* Returns the bytes, or -1 for what is no base64 or does not fit. */
static ssize_t decode_base64(const char *text, char *data, size_t size)
{
	size_t length = strcspn(text, "=");
	size_t used = 0;
	unsigned bits = 0, held = 0;
	int value;

	if (length % 4 == 1 || text[length + strspn(text + length, "=")] != '\0')
		return -1;
	for (size_t i = 0; i < length; i++) {
		value = base64_value(text[i]);
		if (value < 0 || used == size)
			return -1;
		held = held << 6 | (unsigned)value;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			data[used++] = (char)(held >> bits);
		}
	}
	return (ssize_t)used;
}

/* What is read is dropped; what came before the end counts. */
static enum weir_pressure hear_stream(struct weir_pressure_watch *watch,
				      struct weir_pressure_wait *wait, short events)
{
	enum weir_pressure heard = WEIR_PRESSURE_NONE;
	char data[512];
	ssize_t got = 1;

	(void)watch;
	for (unsigned i = 0; i < STREAM_READS_MAX && got > 0; i++) {
		got = weir_os_read(wait->fd, WEIR_OS_STREAM, data, sizeof data);
		if (got > 0)
			heard = wait->means;
	}
	if (got <= 0 && ((events & FAILED) || (got != -EAGAIN && got != -EINTR)))
		lose(wait);
	return heard;
}

/* A pipe is opened for writing, too, so that writers may come and go; so is a file, unless it
 * may only be read. */
static int open_asked(const struct asked *asked)
{
	int fd = weir_os_open(asked->path, true);

	if (fd < 0 && asked->data[0] == '\0')
		fd = weir_os_open(asked->path, false);
	return fd;
}

static bool begin_asked(struct weir_pressure_watch *watch, const struct asked *asked)
{
	char data[ASKED_BYTES_MAX];
	ssize_t count = decode_base64(asked->data, data, sizeof data);
	int fd = asked->path[0] == '\0' || count < 0 ? -1 : open_asked(asked);
	bool stream;

	if (fd < 0)
		return false;
	if (weir_os_write(fd, data, (size_t)count) != 0) {
		weir_os_close(fd);
		return false;
	}
	stream = weir_os_is_stream(fd);
	add_wait(watch, fd, stream ? POLLIN : POLLPRI, WEIR_PRESSURE_SOME,
		 stream ? hear_stream : hear_trigger);
	return true;
}

/* memory.events of version 2 */

/* `max` grows with each page that was had only after others had been reclaimed. */
static const struct {
	const char *name;
	enum weir_pressure means;
} counters[WEIR_PRESSURE_COUNTERS] = {
	{ "high ", WEIR_PRESSURE_SOME },
	{ "max ", WEIR_PRESSURE_HIGH },
	{ "oom ", WEIR_PRESSURE_HIGH },
	{ "oom_kill ", WEIR_PRESSURE_HIGH },
};

static uint64_t parse_digits(const char *text)
{
	uint64_t value = 0;

	while (*text >= '0' && *text <= '9')
		value = value * 10 + (uint64_t)(*text++ - '0');
	return value;
}

/* Takes one line in; says what it means that its counter grew. */
static enum weir_pressure take_counter(struct weir_pressure_watch *watch, const char *line)
{
	for (size_t i = 0; i < WEIR_PRESSURE_COUNTERS; i++) {
		size_t length = strlen(counters[i].name);
		uint64_t before = watch->counters[i];

		if (strncmp(line, counters[i].name, length) != 0)
			continue;
		watch->counters[i] = parse_digits(line + length);
		return watch->counters[i] > before ? counters[i].means : WEIR_PRESSURE_NONE;
	}
	return WEIR_PRESSURE_NONE;
}

static enum weir_pressure take_counters(struct weir_pressure_watch *watch, const char *text)
{
	enum weir_pressure heard = WEIR_PRESSURE_NONE;

	while (*text != '\0') {
		heard = weir_pressure_worse(heard, take_counter(watch, text));
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return heard;
}

/* Here POLLERR comes with POLLPRI when there is news; of a cgroup that is gone, too, and then
 * reading fails. */
static enum weir_pressure hear_counters(struct weir_pressure_watch *watch,
					struct weir_pressure_wait *wait, short events)
{
	char text[512];

	if (!(events & POLLPRI) || weir_os_read(wait->fd, 0, text, sizeof text) <= 0)
		return lose(wait);
	return take_counters(watch, text);
}

static bool begin_counters(struct weir_pressure_watch *watch, const struct asked *asked)
{
	static char path[WEIR_CGROUP_PATH_BYTES];
	char text[512];
	int fd;

	(void)asked;
	if (watch->cgroup->version != 2 ||
	    !weir_text_join(path, sizeof path, watch->cgroup->directory, "/memory.events"))
		return false;
	fd = weir_os_open(path, false);
	if (fd < 0)
		return false;
	if (weir_os_read(fd, 0, text, sizeof text) <= 0) {
		weir_os_close(fd);
		return false;
	}
	take_counters(watch, text);
	add_wait(watch, fd, POLLPRI, WEIR_PRESSURE_HIGH, hear_counters);
	return true;
}

/* The eventfds of version 1 */

/* How many events came is of no interest. False when there are none. */
static bool take_events(struct weir_pressure_wait *wait)
{
	char count[sizeof(uint64_t) + 1];
	ssize_t got = weir_os_read(wait->fd, WEIR_OS_STREAM, count, sizeof count);

	if (got <= 0 && got != -EAGAIN && got != -EINTR)
		lose(wait);
	return got > 0;
}

/* An eventfd that the kernel counts up when `file` of the cgroup has what is described, or -1.
 * The file and the control file are needed for the asking only. */
static int ask_events(const struct weir_cgroup *cgroup, const char *file, const char *what)
{
	static char path[WEIR_CGROUP_PATH_BYTES];
	char line[96];
	struct weir_text text;
	int event = weir_os_event();
	int target = weir_text_join(path, sizeof path, cgroup->directory, file)
			     ? weir_os_open(path, false)
			     : -1;
	bool done;

	weir_text_init(&text, line, sizeof line);
	weir_text_decimal(&text, (uint64_t)event);
	weir_text_char(&text, ' ');
	weir_text_decimal(&text, (uint64_t)target);
	weir_text_char(&text, ' ');
	weir_text_string(&text, what);
	done = event >= 0 && target >= 0 &&
	       weir_text_join(path, sizeof path, cgroup->directory, "/cgroup.event_control") &&
	       weir_os_append_file(path, line, text.used) == 0;
	if (target >= 0)
		weir_os_close(target);
	if (!done && event >= 0)
		weir_os_close(event);
	return done ? event : -1;
}

static bool add_events(struct weir_pressure_watch *watch, const char *file, const char *what,
		       enum weir_pressure means, weir_pressure_hear *hear)
{
	int fd = ask_events(watch->cgroup, file, what);

	if (fd >= 0)
		add_wait(watch, fd, POLLIN, means, hear);
	return fd >= 0;
}

/* The level "low" is not among them: the kernel reclaims then, which in a cgroup that is full
 * of file pages it does hundreds of times a second. "hierarchy" (since 4.13): also when a
 * listener in a cgroup below has heard it. */
static const struct {
	const char *text;
	enum weir_pressure means;
} levels[] = {
	{ "medium,hierarchy", WEIR_PRESSURE_SOME },
	{ "critical,hierarchy", WEIR_PRESSURE_HIGH },
};

static enum weir_pressure hear_level(struct weir_pressure_watch *watch,
				     struct weir_pressure_wait *wait, short events)
{
	(void)watch;
	(void)events;
	return take_events(wait) ? wait->means : WEIR_PRESSURE_NONE;
}

static bool begin_levels(struct weir_pressure_watch *watch, const struct asked *asked)
{
	bool any = false;

	(void)asked;
	if (watch->cgroup->version != 1)
		return false;
	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
		any |= add_events(watch, "/memory.pressure_level", levels[i].text, levels[i].means,
				  hear_level);
	return any;
}

/* Shares of the limit, in 32ths. Where there is no swap these are the only ones in time: a
 * cgroup that fills up with 100 MiB a second is at 28 of 32 (of 128 MiB) 170 ms before the kernel
 * kills, the levels tell 5 ms before, and nothing has stalled. */
static const struct {
	unsigned share;
	enum weir_pressure means;
} thresholds[] = {
	{ 28, WEIR_PRESSURE_SOME },
	{ 31, WEIR_PRESSURE_HIGH },
};

static uint64_t threshold_bytes(const struct weir_cgroup *cgroup, size_t i)
{
	return (uint64_t)cgroup->limit_bytes / 32 * thresholds[i].share;
}

/* The kernel tells of both directions. */
static enum weir_pressure hear_usage(struct weir_pressure_watch *watch,
				     struct weir_pressure_wait *wait, short events)
{
	enum weir_pressure heard = WEIR_PRESSURE_NONE;
	uint64_t usage;

	(void)events;
	if (!take_events(wait) || !weir_cgroup_read_usage(watch->cgroup, &usage))
		return heard;
	for (size_t i = 0; i < sizeof thresholds / sizeof thresholds[0]; i++)
		if (usage >= threshold_bytes(watch->cgroup, i))
			heard = thresholds[i].means;
	return heard;
}

/* Each has an eventfd of its own: kernels before 5.6 crash when one that has two thresholds is
 * closed. */
static bool begin_usage(struct weir_pressure_watch *watch, const struct asked *asked)
{
	char number[24];
	struct weir_text text;
	bool any = false;

	(void)asked;
	if (watch->cgroup->version != 1 || watch->cgroup->limit_bytes == 0)
		return false;
	for (size_t i = 0; i < sizeof thresholds / sizeof thresholds[0]; i++) {
		weir_text_init(&text, number, sizeof number);
		weir_text_decimal(&text, threshold_bytes(watch->cgroup, i));
		any |= add_events(watch, "/memory.usage_in_bytes", number, thresholds[i].means,
				  hear_usage);
	}
	return any;
}

/* The table */

/* Of those that tell of the same, the first that can be had. */
enum subject { STALLS, COUNTERS, LEVELS, USAGE };

static const struct source {
	const char *name;
	enum subject subject;
	bool (*begin)(struct weir_pressure_watch *watch, const struct asked *asked);
} sources[] = {
	{ "MEMORY_PRESSURE_WATCH", STALLS, begin_asked },
	{ "memory.pressure", STALLS, begin_own_stalls },
	{ "/proc/pressure/memory", STALLS, begin_machine_stalls },
	{ "memory.events", COUNTERS, begin_counters },
	{ "memory.pressure_level", LEVELS, begin_levels },
	{ "memory.usage_in_bytes", USAGE, begin_usage },
};

static void begin_sources(struct weir_pressure_watch *watch, const struct asked *asked)
{
	unsigned had = 0; /* subjects, by bit */
	struct weir_text name;

	weir_text_init(&name, watch->name, sizeof watch->name);
	for (const struct source *source = sources;
	     source < sources + sizeof sources / sizeof sources[0]; source++) {
		if ((had & 1U << source->subject) || !source->begin(watch, asked))
			continue;
		had |= 1U << source->subject;
		weir_text_string(&name, name.used == 0 ? "" : ", ");
		weir_text_string(&name, source->name);
	}
}

void weir_pressure_watch_open(struct weir_pressure_watch *watch, const struct weir_cgroup *cgroup,
			      const char *root, const char *asked_path, const char *asked_data)
{
	struct asked asked = { root, asked_path ? asked_path : "", asked_data ? asked_data : "" };

	memset(watch, 0, sizeof *watch);
	watch->cgroup = cgroup;
	if (strcmp(asked.path, "/dev/null") != 0)
		begin_sources(watch, &asked);
}

unsigned weir_pressure_watch_expect(const struct weir_pressure_watch *watch, struct pollfd *waits)
{
	unsigned count = 0;

	for (unsigned i = 0; i < watch->count; i++)
		if (watch->waits[i].fd >= 0)
			waits[count++] = (struct pollfd){ .fd = watch->waits[i].fd,
							  .events = watch->waits[i].events };
	return count;
}

static enum weir_pressure hear_one(struct weir_pressure_watch *watch, const struct pollfd *found)
{
	for (unsigned i = 0; i < watch->count; i++) {
		struct weir_pressure_wait *wait = &watch->waits[i];

		if (wait->fd == found->fd)
			return wait->hear(watch, wait, found->revents);
	}
	return WEIR_PRESSURE_NONE;
}

enum weir_pressure weir_pressure_watch_hear(struct weir_pressure_watch *watch,
					    const struct pollfd *waits, unsigned count)
{
	enum weir_pressure heard = WEIR_PRESSURE_NONE;

	for (unsigned i = 0; i < count; i++)
		if (waits[i].fd >= 0 && waits[i].revents != 0)
			heard = weir_pressure_worse(heard, hear_one(watch, &waits[i]));
	return heard;
}

const char *weir_pressure_watch_name(const struct weir_pressure_watch *watch)
{
	return watch->name[0] != '\0' ? watch->name : "nothing";
}

void weir_pressure_watch_close(struct weir_pressure_watch *watch)
{
	for (unsigned i = 0; i < watch->count; i++)
		if (watch->waits[i].fd >= 0)
			weir_os_close(watch->waits[i].fd);
	watch->count = 0;
}
