/* Real containers (podman, runc): the program is process 1, its memory is limited, and weir comes
 * by a volume and the environment. */
#include "oci.h"
#include "snippet.h"

#include <filesystem>
#include <regex>

using namespace e2e;

namespace
{

namespace fs = std::filesystem;

constexpr char library[] = "/weir/libweir.so.0";

class Containers : public testing::Test
{
protected:
	static void SetUpTestSuite()
	{
		if (container_engine().empty())
			return;
		ImageTree tree;

		tree.add("/bin/dash", "/bin/sh")
			.add("/bin/nc")
			.add(victim("puppet"), "/bin/puppet");
		podman = std::make_unique<Podman>();
		podman->import(tree, "puppet:1", { "ENV PATH=/bin:/weir" });
	}
	static void TearDownTestSuite() { podman.reset(); }

	void SetUp() override { NEED_FOUND(container_engine(), "podman, runc or catatonit"); }

	/* What `weir install` puts there. */
	static std::string installed()
	{
		static const Directory directory;

		if (!fs::exists(directory.file("weir")))
			command_output({ "install", directory.file("weir") });
		return directory.file("weir");
	}

	/* With weir, and a quarter of 256 MiB for it. */
	static std::vector<std::string> options(std::vector<std::string> more = {})
	{
		more.insert(more.begin(),
			    { "--memory=256m", "-v", installed() + ":/weir:ro", "-e",
			      std::string("LD_PRELOAD=") + library, "-e", "WEIR_LIMIT=25%" });
		return more;
	}
	std::vector<std::string> with_socket(std::vector<std::string> more = {}) const
	{
		more = options(more);
		more.insert(more.end(),
			    { "-v", sockets_.path() + ":/run/weir", "-e", "WEIR_SOCKET=auto" });
		return more;
	}

	/* The result of a command in a second container. */
	std::string beside(std::vector<std::string> some_options, const std::string &script) const
	{
		some_options.insert(some_options.begin(),
				    { "run", "--rm", "-v", installed() + ":/weir:ro", "-v",
				      sockets_.path() + ":/run/weir" });
		some_options.insert(some_options.end(), { "puppet:1", "sh", "-c", script });
		return podman->run(some_options);
	}

	Directory sockets_;
	static std::unique_ptr<Podman> podman;
};

std::unique_ptr<Podman> Containers::podman;

void retain(Puppet &puppet, unsigned blocks)
{
	puppet.fill(1, blocks, 1 * MiB);
	puppet.free(1, blocks);
}

/* What a block of the document about a container prints. */
std::string run_block(const Podman &podman, const std::string &name, const ContainedPuppet &puppet)
{
	return podman.run_script(snippet("docs/containers.md", "tests/e2e/oci_test.cc", name),
				 puppet.name());
}

class ContainersByCgroupNamespace : public Containers,
				    public testing::WithParamInterface<const char *>
{
};

TEST_P(ContainersByCgroupNamespace, KeepTheirShareOfTheirLimit)
{
	ContainedPuppet puppet(*podman, "puppet:1", "share", options({ "--cgroupns", GetParam() }));

	retain(puppet, 100);
	Report outside = puppet.status();
	Report inside(podman->exec(puppet.name(), { "weir", "status", "--json", "1" }));

	for (const Report &status : { outside, inside }) {
		EXPECT_EQ(64 * MiB, status.number("limit_bytes"));
		EXPECT_EQ(256 * MiB, status.number("memory_bytes"));
		EXPECT_EQ(1U, status.number("pid"));
	}
	EXPECT_EQ(64 * MiB, outside.number("retained_bytes"));
}

INSTANTIATE_TEST_SUITE_P(, ContainersByCgroupNamespace, testing::Values("host", "private"));

TEST_F(Containers, ReleaseByASignalToProcessOne)
{
	ContainedPuppet puppet(*podman, "puppet:1", "signal", options());

	retain(puppet, 10);
	EXPECT_EQ(10 * counted(1 * MiB), puppet.status().number("retained_bytes"));
	std::string printed = run_block(*podman, "outside", puppet);
	EXPECT_TRUE(eventually(
		[&] { return puppet.status().number("released/signal/releases") == 1; }));
	EXPECT_EQ(0U, puppet.status().number("retained_bytes"));
	EXPECT_EQ(0U, puppet.ask("check"));
	EXPECT_TRUE(std::regex_search(printed, std::regex("MEM USAGE[^]*signal[^]*MEM USAGE")))
		<< printed;
}

TEST_F(Containers, AreSeenAndReleasedFromOutside)
{
	ContainedPuppet puppet(*podman, "puppet:1", "outside", options());
	std::string pid = std::to_string(puppet.host_pid());

	retain(puppet, 10);
	nlohmann::json seen = listed(puppet.host_pid());
	ASSERT_FALSE(seen.is_null());
	EXPECT_EQ(1, seen["inner_pid"]);
	EXPECT_EQ("signal", seen["channel"]);
	EXPECT_EQ(10 * counted(1 * MiB),
		  command_json({ "release", "--json", pid })[0]["released_bytes"]);
	EXPECT_EQ(0U, puppet.status().number("retained_bytes"));
}

/* Only the volume is shared: no process of the other one is seen. */
TEST_F(Containers, AnswerAnotherContainerOverASharedVolume)
{
	ContainedPuppet puppet(*podman, "puppet:1", "volume", with_socket());
	auto ask = [this](const std::string &line) {
		return beside({}, "echo " + line + " | nc -U /run/weir/*.sock");
	};

	retain(puppet, 60);
	EXPECT_EQ(60 * counted(1 * MiB), Report(ask("stats")).number("retained_bytes"));
	EXPECT_EQ(60 * counted(1 * MiB) - 32 * MiB,
		  figure(ask("set WEIR_LIMIT 32M"), "released_bytes"));
	EXPECT_EQ(32 * MiB, figure(ask("release"), "released_bytes"));
	EXPECT_EQ(0U, puppet.status().number("retained_bytes"));
}

TEST_F(Containers, AreSteeredByTheCommandInAContainerThatSeesTheirProcesses)
{
	ContainedPuppet puppet(*podman, "puppet:1", "seen", with_socket());
	std::vector<std::string> see = { "--pid=container:" + puppet.name() };

	retain(puppet, 100);
	EXPECT_EQ("1", beside(see, "weir ps --pids"));
	beside(see, "weir set 1 limit=16M");
	EXPECT_EQ(16 * MiB, puppet.status().number("retained_bytes"));
	beside(see, "weir release --keep 4M --all");
	EXPECT_EQ(4 * MiB, puppet.status().number("retained_bytes"));
}

TEST_F(Containers, ServeTheirUserWithAReadOnlyRootAndNoCapability)
{
	fs::permissions(sockets_.path(), static_cast<fs::perms>(0777));
	ContainedPuppet puppet(*podman, "puppet:1", "bare",
			       with_socket({ "--read-only", "--read-only-tmpfs=false",
					     "--user=4711:4711", "--cap-drop=all" }));
	std::string ask = "echo ping | nc -U /run/weir/*.sock || echo refused";

	retain(puppet, 100);
	EXPECT_EQ(64 * MiB, puppet.status().number("retained_bytes"));
	EXPECT_EQ(0U, beside({ "--user=4711:4711" }, ask).find("ok weir"));
	EXPECT_NE(std::string::npos, beside({ "--user=4712:4712" }, ask).find("refused"));
	podman->run({ "kill", "-s", "USR1", puppet.name() });
	EXPECT_TRUE(eventually([&] { return puppet.status().number("retained_bytes") == 0; }));
}

TEST_F(Containers, FollowTheirLimitWhenItChanges)
{
	ContainedPuppet puppet(*podman, "puppet:1", "update", with_socket());

	retain(puppet, 100);
	EXPECT_EQ(64 * MiB, puppet.status().number("retained_bytes"));
	run_block(*podman, "resize", puppet);
	EXPECT_TRUE(eventually([&] { return puppet.status().number("limit_bytes") == 32 * MiB; }));
	EXPECT_GE(32 * MiB, puppet.status().number("retained_bytes"));
	podman->run({ "update", "--memory=512m", puppet.name() });
	EXPECT_TRUE(eventually([&] { return puppet.status().number("limit_bytes") == 128 * MiB; }));
}

} // namespace
