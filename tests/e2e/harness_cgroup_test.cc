/* The memory cgroups of the harness do what their header says. */
#include "memory_cgroup.h"
#include "preloaded.h"

#include <filesystem>
#include <sstream>

using namespace e2e;

namespace
{

class HarnessCgroup : public testing::Test
{
protected:
	void SetUp() override { NEED_FOUND(MemoryCgroup::parent(), "a writable memory cgroup"); }
};

Launch neighbour(uint64_t bytes, unsigned ms)
{
	return Launch({ victim("neighbour"), std::to_string(bytes), std::to_string(ms) }).plain();
}

/* The processes in it, apart by blanks. */
std::string members(const MemoryCgroup &cgroup)
{
	std::istringstream text(read_file(cgroup.procs()));
	std::string all;

	for (std::string pid; text >> pid;)
		all += pid + " ";
	return all;
}

TEST_F(HarnessCgroup, HoldsAProgramFromItsStartAndCountsWhatItUses)
{
	MemoryCgroup cgroup(64 * MiB);
	Running program(neighbour(16 * MiB, 0).in_cgroup(cgroup));

	EXPECT_EQ("held", program.hear());
	EXPECT_EQ(std::to_string(program.pid()) + " ", members(cgroup));
	EXPECT_GE(cgroup.usage(), 16 * MiB);
	EXPECT_LT(cgroup.usage(), 32 * MiB);
	EXPECT_TRUE(program.finish().succeeded());
	EXPECT_EQ(0U, cgroup.oom_kills());
}

TEST_F(HarnessCgroup, PutsNoProgramInThatWasNotToldTo)
{
	MemoryCgroup cgroup(64 * MiB);
	Running program(neighbour(1 * MiB, 0));

	EXPECT_EQ("held", program.hear());
	EXPECT_EQ("", members(cgroup));
}

TEST_F(HarnessCgroup, SeesAKillAtTheLimit)
{
	MemoryCgroup cgroup(32 * MiB);
	Outcome outcome = neighbour(64 * MiB, 0).in_cgroup(cgroup).run();

	EXPECT_EQ(SIGKILL, outcome.end.signal) << outcome.describe();
	EXPECT_EQ(1U, cgroup.oom_kills());
}

TEST_F(HarnessCgroup, ChangesItsLimit)
{
	MemoryCgroup cgroup(32 * MiB);

	EXPECT_EQ(32 * MiB, cgroup.limit());
	cgroup.set_limit(128 * MiB);
	EXPECT_EQ(128 * MiB, cgroup.limit());
	EXPECT_TRUE(neighbour(64 * MiB, 0).in_cgroup(cgroup).run().succeeded());
}

TEST_F(HarnessCgroup, BindsACgroupBelowIt)
{
	MemoryCgroup above(32 * MiB);
	MemoryCgroup below(128 * MiB, above);

	EXPECT_EQ(SIGKILL, neighbour(64 * MiB, 0).in_cgroup(below).run().end.signal);
}

TEST_F(HarnessCgroup, IsRemovedWithWhatIsLeftInIt)
{
	std::string path;
	std::unique_ptr<Running> program;

	{
		MemoryCgroup cgroup(64 * MiB);

		path = cgroup.path();
		program = std::make_unique<Running>(neighbour(1 * MiB, 0).in_cgroup(cgroup));
		EXPECT_EQ("held", program->hear());
	}
	EXPECT_FALSE(std::filesystem::exists(path));
	EXPECT_EQ(SIGKILL, program->finish().end.signal);
}

TEST_F(HarnessCgroup, HasANeighbourThatTakesItsTime)
{
	MemoryCgroup cgroup(128 * MiB);
	Running program(neighbour(64 * MiB, 1000).in_cgroup(cgroup));

	EXPECT_TRUE(eventually([&] { return cgroup.usage() > 8 * MiB; }));
	EXPECT_LT(cgroup.usage(), 56 * MiB);
	EXPECT_EQ("held", program.hear());
	EXPECT_GE(cgroup.usage(), 64 * MiB);
}

} // namespace
