#include "server.h"

#include "control.h"
#include "duty.h"
#include "request.h"
#include "settings.h"
#include "socket.h"
#include "socket_path.h"

#include <string.h>

#define PEERS_MAX 8
#define PEER_MS_MAX 5000

/* How often it looks whether its path was removed, and tries again where there was no
 * place. */
#define LOOK_MS 1000

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

static int phase;		    /* atomic; the thread's, and at the end weir_server_leave's */
static struct weir_socket listener; /* the thread's; its path const while serving */
static struct peer peers[PEERS_MAX];
static unsigned expected; /* descriptors that the last wait was for */
static uint64_t next_look_ms;
static char answer_bytes[WEIR_CONTROL_ANSWER_BYTES];

static void show_path(const char *path)
{
	weir_stats_begin_texts();
	memcpy(weir_stats_page.socket, path, strlen(path) + 1);
	weir_stats_end_texts();
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
		weir_os_sleep_ms(REFUSED_MS);
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

static void drop_all(void)
{
	for (struct peer *peer = peers; peer < peers + PEERS_MAX; peer++)
		if (peer->fd >= 0)
			drop(peer);
}

/* The socket */

static bool advance(int from, int to)
{
	return weir_cas_acq_rel(&phase, &from, to);
}

static bool is_serving(void)
{
	return weir_load_acquire(&phase) == PHASE_SERVING;
}

/* Its path was removed, or the process ends: then the file is weir_server_leave's. */
static void stop(void)
{
	show_path("");
	drop_all();
	weir_socket_close(listener.fd);
}

static void start(void)
{
	if (!advance(PHASE_IDLE, PHASE_BINDING))
		return;
	if (!weir_socket_listen(&listener, weir_settings())) {
		advance(PHASE_BINDING, PHASE_IDLE);
		weir_settings_say("no place for the control socket, ", "trying again");
	} else if (advance(PHASE_BINDING, PHASE_SERVING)) {
		show_path(listener.path);
	} else {
		weir_socket_remove(&listener);
		weir_socket_close(listener.fd);
	}
}

static void look(uint64_t now_ms)
{
	if (now_ms < next_look_ms)
		return;
	next_look_ms = now_ms + LOOK_MS;
	if (is_serving() && !weir_socket_has_file(&listener) && advance(PHASE_SERVING, PHASE_IDLE))
		stop();
	start();
}

/* The duty */

static bool is_wanted(const struct weir_config *config)
{
	return config->socket[0] != '\0';
}

static void begin(void)
{
	for (struct peer *peer = peers; peer < peers + PEERS_MAX; peer++)
		peer->fd = -1;
	next_look_ms = 0;
	look(weir_os_now_ms());
}

/* Negative descriptors are passed over. */
static unsigned expect(struct pollfd *waits, unsigned most, uint64_t now_ms, uint64_t *until_ms)
{
	(void)now_ms;
	*until_ms = weir_min(*until_ms, next_look_ms);
	expected = is_serving() && most > PEERS_MAX ? PEERS_MAX + 1 : 0;
	if (expected == 0)
		return 0;
	for (unsigned i = 0; i < PEERS_MAX; i++) {
		waits[i] = (struct pollfd){ .fd = peers[i].fd, .events = POLLIN };
		if (peers[i].fd >= 0)
			*until_ms = weir_min(*until_ms, peers[i].deadline_ms);
	}
	waits[PEERS_MAX] = (struct pollfd){ .fd = listener.fd, .events = POLLIN };
	return expected;
}

static void act(const struct pollfd *waits, uint64_t now_ms)
{
	for (unsigned i = 0; i < PEERS_MAX && expected > 0; i++)
		if (waits[i].revents != 0)
			hear(&peers[i]);
	if (expected > 0 && waits[PEERS_MAX].revents != 0)
		accept_one(now_ms);
	drop_late(now_ms);
	look(now_ms);
}

static void end(void)
{
	if (is_serving())
		stop();
}

/* Its descriptors are not here. */
static void begin_anew(void)
{
	weir_store_relaxed(&phase, PHASE_IDLE);
	show_path("");
}

const struct weir_duty weir_server_duty = {
	.is_wanted = is_wanted,
	.starts_at_once = true,
	.needs_descriptors = true,
	.begin = begin,
	.expect = expect,
	.act = act,
	.end = end,
	.begin_anew = begin_anew,
};

void weir_server_leave(void)
{
	int last = weir_load_acquire(&phase);
	unsigned waited_ms = 0;

	while ((last == PHASE_BINDING && waited_ms++ < LEAVE_MS_MAX) ||
	       !weir_cas_acq_rel(&phase, &last, PHASE_LEFT)) {
		weir_os_sleep_ms(1);
		last = weir_load_acquire(&phase);
	}
	if (last == PHASE_SERVING)
		weir_socket_remove(&listener);
}
