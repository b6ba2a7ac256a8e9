#include "server.h"

#include "control.h"
#include "large.h"
#include "report.h"
#include "request.h"
#include "socket.h"
#include "socket_path.h"

#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#define PEERS_MAX 8
#define PEER_MS_MAX 5000

/* How often the thread looks whether its path was removed and whether the program's threads
 * have ended, and tries again where there was no place. */
#define LOOK_MS 1000

/* Four times what answers take. The program's thread-local data lies on the stack as well. */
#define STACK_BYTES (64 * WEIR_KIB)

/* Whether there is a file to remove at exit. */
enum { PHASE_IDLE, PHASE_BINDING, PHASE_SERVING, PHASE_LEFT };

/* How long the end of a program waits for a thread that is binding. */
#define LEAVE_MS_MAX 100

struct peer {
	int fd;		  /* -1 for none */
	uint64_t arrival; /* the first peer's is 1 */
	uint64_t deadline_ms;
	size_t used;
	char line[WEIR_REQUEST_BYTES_MAX + 1];
};

static const struct weir_config *config; /* const after weir_server_prepare; NULL for none */
static pid_t process;			 /* this one; a child of vfork is another */
static int started;			 /* atomic: in this process */
static size_t stack_bytes;		 /* const after weir_server_prepare */
static sigset_t program_mask;		 /* of the thread that started it */
static int phase;		    /* atomic; the thread's, and at the end weir_server_leave's */
static struct weir_socket listener; /* the thread's; its path const while serving */
static struct peer peers[PEERS_MAX];
static char answer_bytes[WEIR_CONTROL_ANSWER_BYTES];

static void show_path(const char *path)
{
	weir_stats_begin_texts();
	memcpy(weir_stats_page.socket, path, strlen(path) + 1);
	weir_stats_end_texts();
}

static void say(const char *what)
{
	struct weir_line line;

	if (!config->verbose)
		return;
	weir_line_begin(&line);
	weir_text_string(&line.text, what);
	weir_line_send(&line);
}

/* Peers */

static void drop(struct peer *peer)
{
	weir_socket_close(peer->fd);
	peer->fd = -1;
}

static void answer(struct peer *peer, size_t length)
{
	struct weir_text text;

	weir_text_init(&text, answer_bytes, sizeof answer_bytes);
	weir_control_answer(peer->line, length, &text);
	weir_socket_send(peer->fd, text.data, text.used);
	drop(peer);
}

/* One line, or what came before the peer's end or the line's bound. */
static void hear(struct peer *peer)
{
	ssize_t count = weir_socket_receive(peer->fd, peer->line + peer->used,
					    sizeof peer->line - peer->used);
	const char *newline;

	if (count == -1)
		return;
	if (count > 0)
		peer->used += (size_t)count;
	newline = memchr(peer->line, '\n', peer->used);
	if (newline)
		answer(peer, (size_t)(newline - peer->line));
	else if (count == -2 || peer->used == 0)
		drop(peer);
	else if (count == 0 || peer->used == sizeof peer->line)
		answer(peer, peer->used);
}

/* A place, if need be of who has waited longest. */
static struct peer *make_place(void)
{
	struct peer *oldest = &peers[0];

	for (struct peer *peer = peers; peer < peers + PEERS_MAX; peer++) {
		if (peer->fd < 0)
			return peer;
		if (peer->arrival < oldest->arrival)
			oldest = peer;
	}
	drop(oldest);
	return oldest;
}

/* Without a descriptor to have, whoever waits must not keep the thread busy. */
#define REFUSED_MS 100

static void accept_one(uint64_t now_ms)
{
	static uint64_t arrivals;
	int fd = weir_socket_accept(&listener);
	struct peer *peer;

	if (fd == -2)
		poll(NULL, 0, REFUSED_MS);
	if (fd < 0)
		return;
	peer = make_place();
	peer->fd = fd;
	peer->arrival = ++arrivals;
	peer->deadline_ms = now_ms + PEER_MS_MAX;
	peer->used = 0;
	hear(peer);
}

static void drop_late(uint64_t now_ms)
{
	for (struct peer *peer = peers; peer < peers + PEERS_MAX; peer++)
		if (peer->fd >= 0 && now_ms >= peer->deadline_ms)
			drop(peer);
}

static int wait_ms(uint64_t now_ms)
{
	uint64_t until_ms = now_ms + LOOK_MS;

	for (const struct peer *peer = peers; peer < peers + PEERS_MAX; peer++)
		if (peer->fd >= 0)
			until_ms = weir_min(until_ms, peer->deadline_ms);
	return until_ms > now_ms ? (int)(until_ms - now_ms) : 0;
}

/* Waits for what comes next and answers it. Negative descriptors are passed over. */
static void serve_next(void)
{
	struct pollfd waits[PEERS_MAX + 1];

	for (unsigned i = 0; i < PEERS_MAX; i++)
		waits[i] = (struct pollfd){ .fd = peers[i].fd, .events = POLLIN };
	waits[PEERS_MAX] = (struct pollfd){ .fd = listener.fd, .events = POLLIN };
	if (poll(waits, PEERS_MAX + 1, wait_ms(weir_os_now_ms())) > 0) {
		for (unsigned i = 0; i < PEERS_MAX; i++)
			if (waits[i].revents != 0)
				hear(&peers[i]);
		if (waits[PEERS_MAX].revents != 0)
			accept_one(weir_os_now_ms());
	}
	drop_late(weir_os_now_ms());
}

/* The threads */

static void drop_all(void)
{
	for (struct peer *peer = peers; peer < peers + PEERS_MAX; peer++)
		if (peer->fd >= 0)
			drop(peer);
}

/* Whether nobody but weir's threads is left beside main, which ended by pthread_exit. */
static bool is_alone(void)
{
	char stat[1024];

	weir_os_read_file("/proc/self/stat", 0, stat, sizeof stat);
	return *weir_socket_stat_field(stat, 3) == 'Z' &&
	       strncmp(weir_socket_stat_field(stat, 20), "3 ", 2) == 0;
}

static bool advance(int from, int to)
{
	return weir_cas_acq_rel(&phase, &from, to);
}

static void serve(void)
{
	uint64_t look_ms = 0, now_ms;

	show_path(listener.path);
	for (;;) {
		now_ms = weir_os_now_ms();
		if (now_ms >= look_ms) {
			if (!weir_socket_has_file(&listener) || is_alone())
				break;
			look_ms = now_ms + LOOK_MS;
		}
		serve_next();
	}
	show_path("");
	drop_all();
}

static void listen_and_serve(void)
{
	if (!weir_socket_listen(&listener, config)) {
		advance(PHASE_BINDING, PHASE_IDLE);
		say("no place for the control socket, trying again");
		poll(NULL, 0, LOOK_MS);
		return;
	}
	if (advance(PHASE_BINDING, PHASE_SERVING))
		serve();
	else
		weir_socket_remove(&listener);
	weir_socket_close(listener.fd);
}

/* A socket that is still in its place at the end is weir_server_leave's to remove. */
static void serve_for_ever(void)
{
	while (!is_alone() &&
	       (advance(PHASE_IDLE, PHASE_BINDING) || advance(PHASE_SERVING, PHASE_BINDING)))
		listen_and_serve();
}

static void *run(void *unused)
{
	prctl(PR_SET_NAME, "weir");
	for (struct peer *peer = peers; peer < peers + PEERS_MAX; peer++)
		peer->fd = -1;
	if (weir_os_own_descriptors(config->verbose))
		serve_for_ever();
	else
		say("no control socket: the kernel refuses a thread descriptors of its own");
	return unused;
}

static bool start_serving(pthread_t *thread)
{
	pthread_attr_t attributes;
	bool done;

	if (pthread_attr_init(&attributes) != 0)
		return false;
	done = pthread_attr_setstacksize(&attributes, stack_bytes) == 0 &&
	       pthread_create(thread, &attributes, run, NULL) == 0;
	pthread_attr_destroy(&attributes);
	return done;
}

/* The C library ends a process with its last thread, which runs what exit(3) runs: it must
 * have the program's descriptors, or what the program has not yet written is lost, and a
 * stack and a signal mask like the program's. So it is not the thread that serves. */
static void *stay(void *unused)
{
	pthread_t server;

	prctl(PR_SET_NAME, "weir-stay");
	if (start_serving(&server))
		pthread_join(server, NULL);
	else
		weir_store_release(&started, 0);
	pthread_sigmask(SIG_SETMASK, &program_mask, NULL);
	return unused;
}

/* A thread's policy is its creator's; a release must not run before all else because a program
 * of the real-time kind asked for memory. */
static bool set_policy(pthread_attr_t *attributes)
{
	struct sched_param none = { .sched_priority = 0 };

	return sched_getscheduler(0) == SCHED_OTHER ||
	       (pthread_attr_setinheritsched(attributes, PTHREAD_EXPLICIT_SCHED) == 0 &&
		pthread_attr_setschedpolicy(attributes, SCHED_OTHER) == 0 &&
		pthread_attr_setschedparam(attributes, &none) == 0);
}

static bool start_staying(void)
{
	pthread_attr_t attributes;
	pthread_t thread;
	bool done;

	if (pthread_attr_init(&attributes) != 0)
		return false;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	done = set_policy(&attributes) && pthread_create(&thread, &attributes, stay, NULL) == 0;
	pthread_attr_destroy(&attributes);
	return done;
}

/* Not in a child of vfork, whose memory is its parent's. What fails is tried again when the
 * engine calls the next time. */
void weir_server_start(void)
{
	sigset_t all;
	int expected = 0;

	if (!config || process != weir_os_pid() || !weir_cas_acq_rel(&started, &expected, 1))
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &program_mask);
	if (!start_staying())
		weir_store_release(&started, 0);
	pthread_sigmask(SIG_SETMASK, &program_mask, NULL);
}

/* In a forked child: the thread was the parent's, and so are its descriptors. It may have been
 * writing to the page. */
static void begin_anew(void)
{
	process = weir_os_pid();
	if (weir_load_relaxed(&started) == 0)
		return;
	weir_store_relaxed(&phase, PHASE_IDLE);
	weir_store_relaxed(&weir_stats_page.settings_sequence, 0U);
	weir_large_begin_anew();
	show_path("");
	weir_store_relaxed(&started, 0);
}

static int add_local_data(struct dl_phdr_info *object, size_t size, void *sum)
{
	(void)size;
	for (unsigned i = 0; i < object->dlpi_phnum; i++)
		if (object->dlpi_phdr[i].p_type == PT_TLS)
			*(size_t *)sum +=
				object->dlpi_phdr[i].p_memsz + object->dlpi_phdr[i].p_align;
	return 0;
}

/* What later objects have of it is not on stacks, but for a little that the C library sets
 * aside. */
void weir_server_prepare(const struct weir_config *asked)
{
	if (asked->socket[0] == '\0')
		return;
	config = asked;
	process = weir_os_pid();
	stack_bytes = STACK_BYTES;
	dl_iterate_phdr(add_local_data, &stack_bytes);
	stack_bytes = weir_align_up(stack_bytes, STACK_BYTES);
	pthread_atfork(NULL, NULL, begin_anew);
}

/* A process that was cloned without fork's handlers has its parent's phase: not its own. */
void weir_server_leave(void)
{
	int last = weir_load_acquire(&phase);
	int waited_ms = 0;

	if (process != weir_os_pid())
		return;
	while ((last == PHASE_BINDING && waited_ms < LEAVE_MS_MAX) ||
	       !weir_cas_acq_rel(&phase, &last, PHASE_LEFT)) {
		waited_ms += poll(NULL, 0, 1) == 0;
		last = weir_load_acquire(&phase);
	}
	if (last == PHASE_SERVING)
		weir_socket_remove(&listener);
}
