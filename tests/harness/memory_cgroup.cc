#include "memory_cgroup.h"

#include "preloaded.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <unistd.h>

namespace e2e
{

namespace fs = std::filesystem;

namespace
{

struct Names {
	const char *limit, *usage, *peak, *kills_file;
};

const Names names_of[] = {
	{},
	{ "memory.limit_in_bytes", "memory.usage_in_bytes", "memory.max_usage_in_bytes",
	  "memory.oom_control" },
	{ "memory.max", "memory.current", "memory.peak", "memory.events" },
};

/* Each file is written at once, as the kernel wants it. */
bool put(const std::string &path, const std::string &text)
{
	std::ofstream file(path);

	file << text << std::flush;
	return file.good();
}

/* The figure behind a name of a file of names and figures. */
uint64_t named_figure(const std::string &path, const std::string &name)
{
	std::ifstream file(path);
	std::string found;

	for (uint64_t value; file >> found >> value;)
		if (found == name)
			return value;
	ADD_FAILURE() << "no " << name << " in " << path;
	return 0;
}

bool has_controller(const std::string &list, const std::string &name)
{
	return ("," + list + ",").find("," + name + ",") != std::string::npos;
}

/* The test's own cgroup's path of a version: of all lines ID:CONTROLLERS:PATH. */
std::string own_path(unsigned version)
{
	std::ifstream file("/proc/self/cgroup");

	for (std::string line; std::getline(file, line);) {
		size_t first = line.find(':'), second = line.find(':', first + 1);
		std::string controllers = line.substr(first + 1, second - first - 1);

		if (version == 2 ? controllers.empty() : has_controller(controllers, "memory"))
			return line.substr(second + 1);
	}
	return "";
}

/* The directory of the test's own cgroup, where a mount shows it; else empty. */
std::string own_directory(unsigned version)
{
	std::ifstream file("/proc/self/mountinfo");
	const std::string path = own_path(version);

	for (std::string line; std::getline(file, line);) {
		std::istringstream words(line), rest(line.substr(line.find(" - ") + 3));
		std::string skipped, root, point, type, source, options;

		words >> skipped >> skipped >> skipped >> root >> point;
		rest >> type >> source >> options;
		if (type != (version == 2 ? "cgroup2" : "cgroup") ||
		    (version == 1 && !has_controller(options, "memory")))
			continue;
		if (root == "/")
			root.clear();
		if (path.compare(0, root.size(), root) == 0 && fs::exists(point))
			return point + path.substr(root.size());
	}
	return "";
}

unsigned version_of(const std::string &directory)
{
	return fs::exists(directory + "/" + names_of[1].limit) ? 1 : 2;
}

/* Whether a cgroup with a limit can be made below it. */
bool can_have_children(const std::string &directory)
{
	const std::string probe = directory + "/weir-test-probe-" + std::to_string(getpid());
	bool can;

	put(directory + "/cgroup.subtree_control", "+memory");
	if (mkdir(probe.c_str(), 0755) != 0)
		return false;
	can = access((probe + "/" + names_of[version_of(probe)].limit).c_str(), W_OK) == 0;
	rmdir(probe.c_str());
	return can;
}

std::string find_parent()
{
	const std::string first = own_directory(1), second = own_directory(2);

	for (const std::string &directory :
	     { first, second, fs::path(second).parent_path().string() })
		if (!directory.empty() && can_have_children(directory))
			return directory;
	return "";
}

std::string make_directory(const std::string &above)
{
	static unsigned made;
	std::string path =
		above + "/weir-test-" + std::to_string(getpid()) + "-" + std::to_string(made++);

	if (above.empty() || mkdir(path.c_str(), 0755) != 0)
		throw std::runtime_error("cannot make a memory cgroup in \"" + above + "\"");
	return path;
}

void kill_all(const std::string &procs)
{
	std::ifstream file(procs);

	for (pid_t pid; file >> pid;)
		kill(pid, SIGKILL);
}

} // namespace

std::string MemoryCgroup::parent()
{
	static const std::string found = find_parent();

	return found;
}

MemoryCgroup::MemoryCgroup(uint64_t limit_bytes, const std::string &above)
    : path_(make_directory(above)), version_(version_of(path_))
{
	put(path_ + (version_ == 1 ? "/memory.swappiness" : "/memory.swap.max"), "0");
	set_limit(limit_bytes);
}

MemoryCgroup::MemoryCgroup(uint64_t limit_bytes) : MemoryCgroup(limit_bytes, parent()) {}

MemoryCgroup::MemoryCgroup(uint64_t limit_bytes, const MemoryCgroup &above)
    : MemoryCgroup(limit_bytes,
		   (put(above.path() + "/cgroup.subtree_control", "+memory"), above.path()))
{
}

MemoryCgroup::~MemoryCgroup()
{
	if (!eventually([this] {
		    kill_all(procs());
		    return rmdir(path_.c_str()) == 0;
	    }))
		ADD_FAILURE() << "cannot remove " << path_;
}

uint64_t MemoryCgroup::figure(const std::string &file) const
{
	std::istringstream text(read_file(path_ + "/" + file));
	uint64_t value = 0;

	EXPECT_TRUE(text >> value) << path_ << "/" << file;
	return value;
}

uint64_t MemoryCgroup::limit() const
{
	return figure(names_of[version_].limit);
}

void MemoryCgroup::set_limit(uint64_t bytes)
{
	EXPECT_TRUE(put(path_ + "/" + names_of[version_].limit, std::to_string(bytes)));
}

uint64_t MemoryCgroup::usage() const
{
	return figure(names_of[version_].usage);
}

uint64_t MemoryCgroup::oom_kills() const
{
	return named_figure(path_ + "/" + names_of[version_].kills_file, "oom_kill");
}

uint64_t MemoryCgroup::peak() const
{
	return figure(names_of[version_].peak);
}

uint64_t MemoryCgroup::times_full() const
{
	return version_ == 1 ? figure("memory.failcnt")
			     : named_figure(path_ + "/memory.events", "max");
}

uint64_t MemoryCgroup::stat(const std::string &name) const
{
	return named_figure(path_ + "/memory.stat", name);
}

} // namespace e2e
