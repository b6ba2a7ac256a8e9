/* Any text as what tells of memory pressure: systemd's variables (the made files `watch` and
 * `write`), memory.events and the cgroup's figures. */
#include "made_files.h"
#include "target.h"

#include <cstring>
#include <fcntl.h>
#include <unistd.h>

extern "C" {
#include "pressure_watch.h"
}

namespace
{

using fuzz::must;

std::string cut_at_zero(const std::string &text)
{
	return text.c_str();
}

/* The number that the next descriptor gets. */
int next_descriptor()
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

void run_pressure(const uint8_t *data, size_t size)
{
	static weir_cgroup cgroup;
	MadeFiles files(data, size);
	struct pollfd waits[WEIR_PRESSURE_WAITS_MAX];
	int before = next_descriptor();
	weir_pressure_watch watch;

	cgroup.version = (unsigned)size % 3;
	cgroup.limit_bytes = size % 2 ? WEIR_GIB : 0;
	strcpy(cgroup.directory, "/cgroup");
	strcpy(cgroup.pressure, size % 5 ? "/cgroup" : "");
	weir_pressure_watch_open(&watch, &cgroup, "", cut_at_zero(files.texts["watch"]).c_str(),
				 cut_at_zero(files.texts["write"]).c_str());
	must(memchr(watch.name, '\0', sizeof watch.name), "its name is terminated");
	for (short events : { POLLPRI, POLLIN, POLLPRI | POLLERR, POLLHUP }) {
		unsigned count = weir_pressure_watch_expect(&watch, waits);

		must(count <= WEIR_PRESSURE_WAITS_MAX, "a wait has a place");
		for (unsigned i = 0; i < count; i++)
			waits[i].revents = events;
		must(weir_pressure_watch_hear(&watch, waits, count) <= WEIR_PRESSURE_HIGH,
		     "what is heard is a level");
	}
	weir_pressure_watch_close(&watch);
	must(next_descriptor() == before, "no descriptor stays open");
}

const fuzz::Target target = {
	"pressure",
	run_pressure,
	1200,
	10000,
	{ "@watch\n/x/memory.pressure\n@write\nc29tZSAxNTAwMDAgMjAwMDAwMAA=\n@memory.pressure\n \n",
	  "@memory.events\nlow 0\nhigh 1\nmax 2\noom 3\noom_kill 4\n@memory.pressure\nx\n",
	  "@memory.pressure_level\n\n@memory.usage_in_bytes\n123\n@cgroup.event_control\n\n",
	  "@memory\nsome avg10=0.00\n@watch\n/dev/null\n" },
	{ "\n@", "high ", "max ", "oom ", "oom_kill ", "18446744073709551616", "=", "==", "A", "/",
	  "+", "@watch\n", "@write\n", "@memory.events\n" },
};

const fuzz::Registration registration(target);

} // namespace
