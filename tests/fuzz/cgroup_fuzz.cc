/* Any text as /proc/self/cgroup, /proc/self/mountinfo and a cgroup's files. */
#include "made_files.h"
#include "target.h"

#include <cstring>

extern "C" {
#include "cgroup.h"
}

namespace
{

using fuzz::must;

bool is_path(const char *path)
{
	return memchr(path, '\0', WEIR_CGROUP_PATH_BYTES) != nullptr;
}

void run_cgroup(const uint8_t *data, size_t size)
{
	static weir_cgroup cgroup, again;
	MadeFiles files(data, size);
	uint64_t usage = 0, used = 0;

	memset(&cgroup, 0xa5, sizeof cgroup);
	memset(&again, 0x5a, sizeof again);
	bool known = weir_cgroup_find("", &cgroup);

	must(known == (cgroup.version != 0), "a cgroup that is known has a version");
	must(cgroup.version <= 2, "1 or 2");
	must(is_path(cgroup.directory) && is_path(cgroup.pressure), "paths are terminated");
	must(known || cgroup.limit_bytes == 0, "a limit is a cgroup's");
	must(cgroup.limit_bytes < (size_t)1 << 62, "what is no limit is none");
	must(weir_cgroup_memory_bytes(&cgroup) <= WEIR_GIB, "no more than the machine has");
	must(weir_cgroup_find("", &again) == known && cgroup.limit_bytes == again.limit_bytes &&
		     strcmp(cgroup.directory, again.directory) == 0 &&
		     strcmp(cgroup.pressure, again.pressure) == 0,
	     "nothing is left of an earlier look");
	if (weir_cgroup_read_used(&cgroup, &used))
		must(weir_cgroup_read_usage(&cgroup, &usage) && used <= usage,
		     "used is a part of the usage");
}

const fuzz::Target target = {
	"cgroup",
	run_cgroup,
	2000,
	4000,
	{ "@/proc/self/cgroup\n0::/user.slice/a\n@/proc/self/mountinfo\n"
	  "31 24 0:27 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
	  "@memory.max\n268435456\n@memory.current\n1048576\n@memory.stat\nanon 1\n"
	  "inactive_file 4096\n@memory.pressure\nsome\n@cgroup.type\ndomain\n",
	  "@/proc/self/cgroup\n12:memory,cpu:/docker/x\n1:name=systemd:/y\n@/proc/self/mountinfo\n"
	  "36 35 0:30 /docker/x /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
	  "@memory.limit_in_bytes\n9223372036854771712\n@memory.usage_in_bytes\n77\n"
	  "@memory.stat\ntotal_inactive_file 100\n",
	  "@/proc/self/cgroup\n0::/../b\n4:memory:/a\\040b\n@/proc/self/mountinfo\n"
	  "36 35 0:30 /a\\040b /sys\\011x ro shared:1 master:2 - cgroup c rw,cpu,memory\n"
	  "37 35 0:31 / /u rw - cgroup2 c rw\n@/u/b/memory.max\nmax\n@/sys\tx/memory.limit_in_bytes\n0\n" },
	{ "0::", ":memory:", "\n@", "\n", "/", "//", "/..", " - cgroup2 c rw", " - cgroup c memory",
	  "\\040", "\\134", "max", "0", "18446744073709551616", "-1", "@memory.max\n",
	  "@/proc/self/mountinfo\n" },
};

const fuzz::Registration registration(target);

} // namespace
