/* Memory cgroups with a limit, for programs under test (Launch::in_cgroup).
 *
 * They are made below the cgroup of the test itself, or, where version 2 does not let a cgroup
 * with processes have children with limits, beside it. In a file named apart from the library's
 * cgroup.h, which tests include by its bare name. */
#ifndef WEIR_TESTS_MEMORY_CGROUP_H
#define WEIR_TESTS_MEMORY_CGROUP_H

#include <cstdint>
#include <string>

namespace e2e
{

class MemoryCgroup
{
public:
	/* Where one can be made; empty where none can (NEED_FOUND). */
	static std::string parent();

	/* Nothing in it is swapped. Throws where it cannot be made. */
	explicit MemoryCgroup(uint64_t limit_bytes);
	/* Below another one of these. */
	MemoryCgroup(uint64_t limit_bytes, const MemoryCgroup &above);
	/* Kills what is left in it. */
	~MemoryCgroup();
	MemoryCgroup(const MemoryCgroup &) = delete;
	MemoryCgroup &operator=(const MemoryCgroup &) = delete;

	const std::string &path() const { return path_; }
	std::string procs() const { return path_ + "/cgroup.procs"; }
	unsigned version() const { return version_; }

	uint64_t limit() const;
	void set_limit(uint64_t bytes);
	uint64_t usage() const; /* with file pages */
	uint64_t peak() const;	/* of that usage */
	uint64_t oom_kills() const;
	uint64_t times_full() const; /* how often a page had to wait for room */
	/* A figure of memory.stat by the name that the version has for it. */
	uint64_t stat(const std::string &name) const;

private:
	MemoryCgroup(uint64_t limit_bytes, const std::string &above);
	uint64_t figure(const std::string &file) const;

	std::string path_;
	unsigned version_;
};

} // namespace e2e

#endif
