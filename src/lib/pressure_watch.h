/* Who tells that memory runs short. Layer 6.
 *
 * Opens what the kernel or the service manager has for it: what systemd's protocol names
 * (MEMORY_PRESSURE_WATCH) or else pressure stall information; beside it, because stalls come too
 * late where there is no swap, memory.events of version 2, or the eventfds of version 1. What
 * cannot be had, as where cgroups are mounted read-only, is left out without a word.
 *
 * For the one thread that has a table of descriptors of its own: no number here is ever the
 * program's; it has all signals blocked (SIGPIPE). It waits by poll(2); nothing here ever waits.
 * What is heard is a reason to look at what is used, and no more: file pages count as use in all of
 * these. */
#ifndef WEIR_PRESSURE_WATCH_H
#define WEIR_PRESSURE_WATCH_H

#include "cgroup.h"
#include "pressure.h"

#include <poll.h>

#define WEIR_PRESSURE_WAITS_MAX 6
#define WEIR_PRESSURE_COUNTERS 4

struct weir_pressure_watch;
struct weir_pressure_wait;

typedef enum weir_pressure weir_pressure_hear(struct weir_pressure_watch *watch,
					      struct weir_pressure_wait *wait, short events);

struct weir_pressure_wait {
	int fd; /* -1 once it was closed */
	short events;
	enum weir_pressure means;
	weir_pressure_hear *hear;
};

struct weir_pressure_watch {
	const struct weir_cgroup *cgroup;
	unsigned count;
	struct weir_pressure_wait waits[WEIR_PRESSURE_WAITS_MAX];
	uint64_t counters[WEIR_PRESSURE_COUNTERS]; /* of memory.events, as last read */
	char name[96];
};

/* The cgroup must stay until weir_pressure_watch_close. `root` goes before the kernel's paths.
 * `asked_path` and `asked_data` (in base64) are what systemd's protocol passes, or NULL or
 * empty; "/dev/null" means that nothing is to be watched. When the cgroup's limit changed: close
 * and open again. */
void weir_pressure_watch_open(struct weir_pressure_watch *watch, const struct weir_cgroup *cgroup,
			      const char *root, const char *asked_path, const char *asked_data);

/* Fills in what is to be waited for, at most WEIR_PRESSURE_WAITS_MAX; returns how many. */
unsigned weir_pressure_watch_expect(const struct weir_pressure_watch *watch, struct pollfd *waits);

/* What poll has found of them; the highest counts. */
enum weir_pressure weir_pressure_watch_hear(struct weir_pressure_watch *watch,
					    const struct pollfd *waits, unsigned count);

/* What it watches, for people: "memory.pressure, memory.events"; "nothing". */
const char *weir_pressure_watch_name(const struct weir_pressure_watch *watch);

void weir_pressure_watch_close(struct weir_pressure_watch *watch);

#endif
