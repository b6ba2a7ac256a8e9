/* WEIR_PRESSURE: what is retained gives way before the kernel kills. And settings that are
 * shares of a container follow its limit. */
#include "command.h"
#include "memory_cgroup.h"

#include <cerrno>

#include <sys/stat.h>

using namespace e2e;

namespace
{

constexpr uint64_t container_bytes = 256 * MiB;
constexpr unsigned blocks = 28;

/* It may retain half of the container, and does. */
Launch holder(const MemoryCgroup &container)
{
	return puppet().in_cgroup(container).env("WEIR_LIMIT", "50%").env("WEIR_DECAY", "off");
}

void retain(Puppet &puppet)
{
	puppet.fill(1, blocks, 4 * MiB);
	puppet.fill(blocks + 1, blocks + 1, 4 * MiB); /* stays live */
	puppet.free(1, blocks);
}

/* One that takes 60 % of the container in two seconds. */
Launch neighbour(const MemoryCgroup &container)
{
	return Launch({ victim("neighbour"), std::to_string(container_bytes / 5 * 3), "2000" })
		.plain()
		.in_cgroup(container);
}

class Pressure : public testing::Test
{
protected:
	void SetUp() override
	{
		NEED_FOUND(MemoryCgroup::parent(), "a memory cgroup that can be made");
	}
};

TEST_F(Pressure, LetsANeighbourHaveTheMemory)
{
	MemoryCgroup container(container_bytes);
	Puppet puppet(holder(container).env("WEIR_PRESSURE", "1"));

	retain(puppet);
	Running other(neighbour(container));

	EXPECT_EQ("held", other.hear());
	EXPECT_EQ(0U, container.oom_kills());
	EXPECT_EQ(4 * MiB, puppet.ask("check"));

	const Report report = status_of(puppet.pid());

	EXPECT_LT(report.number("retained_bytes"), blocks * counted(4 * MiB) / 4 * 3);
	EXPECT_LT(report.number("ceiling_bytes"), report.number("limit_bytes"));
	EXPECT_GT(report.number("released/pressure/bytes"), 0U);
	EXPECT_TRUE(other.finish().succeeded());
	EXPECT_TRUE(puppet.finish().succeeded());
}

/* That there is something to be saved from. */
TEST_F(Pressure, IsWhatKeepsTheContainerFromBeingKilled)
{
	MemoryCgroup container(container_bytes);
	Puppet puppet(holder(container));

	retain(puppet);
	Running other(neighbour(container));

	other.hear();
	EXPECT_EQ(1U, container.oom_kills());
}

TEST_F(Pressure, LetsThePoolGrowAgainOnceThereIsRoom)
{
	MemoryCgroup container(container_bytes);
	Puppet puppet(holder(container).env("WEIR_PRESSURE", "1").seconds(90));

	retain(puppet);
	{
		Running other(neighbour(container));

		EXPECT_EQ("held", other.hear());
		EXPECT_LT(status_of(puppet.pid()).number("ceiling_bytes"), container_bytes / 2);
		EXPECT_TRUE(other.finish().succeeded());
	}
	EXPECT_TRUE(eventually([&] {
		return status_of(puppet.pid()).number("ceiling_bytes") == container_bytes / 2;
	}));
	retain(puppet);
	EXPECT_EQ(blocks * counted(4 * MiB), status_of(puppet.pid()).number("retained_bytes"));
}

TEST_F(Pressure, FollowsWhatTheServiceManagerNames)
{
	Directory directory;
	const std::string fifo = directory.file("watch");

	ASSERT_EQ(0, mkfifo(fifo.c_str(), 0600));
	Puppet puppet(e2e::puppet()
			      .env("WEIR_PRESSURE", "1")
			      .env("WEIR_DECAY", "off")
			      .env("WEIR_VERBOSE", "1")
			      .env("MEMORY_PRESSURE_WATCH", fifo));

	puppet.fill(1, 8, 4 * MiB);
	puppet.free(1, 8);
	ASSERT_TRUE(eventually([&] {
		return puppet.errors().find("memory pressure: watching") != std::string::npos;
	}));
	EXPECT_TRUE(eventually([&] {
		write_file(fifo, "now\n");
		return status_of(puppet.pid()).number("released/pressure/bytes") > 0;
	}));
}

TEST_F(Pressure, ResolvesSharesAnewWhenTheLimitOfTheContainerChanges)
{
	for (const char *background : { "0", "1" }) {
		MemoryCgroup container(container_bytes);
		Puppet puppet(holder(container).env("WEIR_BACKGROUND", background).seconds(90));

		retain(puppet);
		EXPECT_EQ(container_bytes / 2, status_of(puppet.pid()).number("limit_bytes"));
		container.set_limit(container_bytes / 2);
		/* Its large calls look, at most every ten seconds. */
		EXPECT_TRUE(eventually([&] {
			puppet.fill(1, 1, 4 * MiB);
			puppet.free(1, 1);
			return status_of(puppet.pid()).number("limit_bytes") == container_bytes / 4;
		})) << background;
		EXPECT_LE(status_of(puppet.pid()).number("retained_bytes"), container_bytes / 4);
		EXPECT_EQ(4 * MiB, puppet.ask("check"));
	}
}

/* The limit is looked at every ten seconds: they pass in a fifth of one. */
Launch hurried(Launch launch)
{
	return launch.behind(victim_library("hurry.so")).env("HURRY", "50");
}

/* What it withdrew from it cannot see any more. */
class Withdrawn : public Running
{
public:
	explicit Withdrawn(const Launch &launch) : Running(hurried(launch)) { hear(); }

	/* Its time, 0 where it has ended; with a large request. */
	uint64_t now_ms()
	{
		say("");
		std::string answer = hear();

		return answer.empty() ? 0 : std::stoull(answer);
	}

	/* Large requests for so long that it has looked at the limit, where it does. */
	bool goes_on()
	{
		uint64_t start_ms = now_ms(), last_ms = start_ms;

		while (last_ms != 0 && last_ms < start_ms + 25000)
			last_ms = now_ms();
		return start_ms != 0 && last_ms != 0;
	}
};

TEST_F(Pressure, KeepsTheLimitOfAContainerThatTheProgramDoesNotSeeAnyMore)
{
	for (const char *from : { "root", "files" }) {
		MemoryCgroup container(container_bytes);
		Withdrawn program(Launch({ victim("withdrawn"), from })
					  .in_cgroup(container)
					  .env("WEIR_LIMIT", "50%"));

		EXPECT_TRUE(program.goes_on()) << from;

		const Report report = status_of(program.pid());

		EXPECT_EQ(container_bytes, report.number("memory_bytes")) << from;
		EXPECT_EQ(container_bytes / 2, report.number("limit_bytes")) << from;
	}
}

TEST_F(Pressure, OpensNoFileInASandboxWhereNoShareWasAskedFor)
{
	Withdrawn program(Launch({ victim("withdrawn"), "sandbox" }).env("WEIR_REPORT", "off"));

	EXPECT_TRUE(program.goes_on());
	EXPECT_TRUE(program.finish().succeeded()) << program.finish().describe();
}

TEST_F(Pressure, LooksAtTheLimitThatRefusesAndFollowsIt)
{
	for (const char *name : { "WEIR_LIVE_LIMIT", "WEIR_MAX_ALLOC" }) {
		MemoryCgroup container(64 * MiB);
		Puppet puppet(hurried(e2e::puppet().in_cgroup(container).env(name, "50%")));

		EXPECT_EQ((uint64_t)ENOMEM, puppet.ask_error("malloc 1 41943040")) << name;
		container.set_limit(container_bytes);
		EXPECT_TRUE(eventually([&] {
			puppet.say("take 1 41943040");
			return puppet.hear().rfind("ok ", 0) == 0;
		})) << name;
	}
}

TEST_F(Pressure, FollowsTheLimitInAChildWhoseParentWasAboutTo)
{
	MemoryCgroup container(container_bytes);
	Running program(hurried(
		Launch({ victim("forks_midway") }).in_cgroup(container).env("WEIR_LIMIT", "50%")));

	ASSERT_EQ("forked", program.hear());
	container.set_limit(container_bytes / 2);
	EXPECT_TRUE(program.finish().succeeded()) << program.finish().describe();
}

} // namespace
