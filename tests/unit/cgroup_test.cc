#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

extern "C" {
#include "cgroup.h"
#include "fake_os.h"
}

namespace
{

namespace fs = std::filesystem;

const size_t mib = 1024 * 1024;
const char *const version2_mount = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";
const char *const memory_mount =
	"35 32 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";

/* A file system tree of its own, in place of "/". */
class Cgroup : public testing::Test
{
protected:
	void SetUp() override
	{
		fake_os_reset();
		std::string name = (fs::temp_directory_path() / "weir-cgroup-XXXXXX").string();

		ASSERT_NE(nullptr, mkdtemp(&name[0]));
		root = name;
	}

	void TearDown() override { fs::remove_all(root); }

	void Write(const std::string &path, const std::string &text)
	{
		fs::create_directories(fs::path(root + path).parent_path());
		std::ofstream(root + path) << text;
	}

	void Process(const std::string &paths, const std::string &mountinfo)
	{
		Write("/proc/self/cgroup", paths);
		Write("/proc/self/mountinfo", mountinfo);
	}

	size_t Limit()
	{
		Find();
		return cgroup.limit_bytes;
	}

	bool Find() { return weir_cgroup_find(root.c_str(), &cgroup); }

	/* Paths of what was found, below the root. */
	std::string Directory() const { return Below(cgroup.directory); }
	std::string Pressure() const { return Below(cgroup.pressure); }

	std::string Below(const std::string &path) const
	{
		return path.compare(0, root.size(), root) == 0 ? path.substr(root.size()) : path;
	}

	std::string root;
	weir_cgroup cgroup = {};
};

TEST_F(Cgroup, IsUnknownWithoutFiles)
{
	EXPECT_EQ(0U, Limit());
}

/* A process that has used them up gets one now and then: each of the files may be the first that
 * is not read. */
TEST_F(Cgroup, IsNotFoundWhereDescriptorsRunShort)
{
	Process("0::/a/b\n", version2_mount);
	Write("/sys/fs/cgroup/a/memory.max", "134217728\n");
	Write("/sys/fs/cgroup/a/b/memory.max", "268435456\n");
	ASSERT_TRUE(Find());
	const unsigned opened = fake_os_calls(FAKE_OPEN);

	for (unsigned first = 0; first < opened; first++) {
		fake_os_fail(FAKE_OPEN, first, opened);
		EXPECT_FALSE(Find()) << first;
		fake_os_fail(FAKE_OPEN, first, 1);
		EXPECT_FALSE(Find()) << first;
	}
	fake_os_fail(FAKE_OPEN, 0, 0);
	EXPECT_TRUE(Find());
	EXPECT_EQ(128 * mib, cgroup.limit_bytes);
}

TEST_F(Cgroup, ReadsVersion2)
{
	Process("0::/app.slice/app.service\n", version2_mount);
	Write("/sys/fs/cgroup/app.slice/app.service/memory.max", "268435456\n");
	EXPECT_EQ(256 * mib, Limit());
}

TEST_F(Cgroup, ReadsVersion1)
{
	Process("5:cpu,cpuacct:/other\n4:memory:/docker/abc\n1:name=systemd:/init\n", memory_mount);
	Write("/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "268435456\n");
	Write("/sys/fs/cgroup/memory/other/memory.limit_in_bytes", "1048576\n");
	EXPECT_EQ(256 * mib, Limit());
}

TEST_F(Cgroup, TakesTheSmallestLimitUpThePath)
{
	Process("0::/a/b/c\n", version2_mount);
	Write("/sys/fs/cgroup/a/memory.max", "134217728\n");
	Write("/sys/fs/cgroup/a/b/memory.max", "max\n");
	Write("/sys/fs/cgroup/a/b/c/memory.max", "268435456\n");
	EXPECT_EQ(128 * mib, Limit());
	Write("/sys/fs/cgroup/a/b/memory.max", "67108864\n");
	EXPECT_EQ(64 * mib, Limit());
	Write("/sys/fs/cgroup/a/b/c/memory.max", "33554432\n");
	EXPECT_EQ(32 * mib, Limit());
}

TEST_F(Cgroup, TakesTheSmallestLimitUpThePathOfVersion1)
{
	Process("4:memory:/a/b\n", memory_mount);
	Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
	Write("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "134217728\n");
	Write("/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "268435456\n");
	EXPECT_EQ(128 * mib, Limit());
}

TEST_F(Cgroup, GoesNoFurtherUpThanTheMount)
{
	Process("0::/a\n", version2_mount);
	Write("/sys/fs/memory.max", "4096\n");
	Write("/memory.max", "4096\n");
	Write("/sys/fs/cgroup/a/memory.max", "268435456\n");
	EXPECT_EQ(256 * mib, Limit());
}

TEST_F(Cgroup, TakesNoLimitOfAnotherCgroup)
{
	Process("0::/a/b\n", version2_mount);
	Write("/sys/fs/cgroup/a/c/memory.max", "4096\n");
	Write("/sys/fs/cgroup/a/b/c/memory.max", "4096\n");
	Write("/sys/fs/cgroup/b/memory.max", "4096\n");
	EXPECT_EQ(0U, Limit());
}

TEST_F(Cgroup, TakesNoLimitForWhatIsNone)
{
	Process("0::/a\n", version2_mount);
	for (const char *text :
	     { "max\n", "0\n", "-1\n", "", "\n", "12K\n", "junk\n", "4611686018427387904\n",
	       "9223372036854771712\n", "18446744073709551615\n", "99999999999999999999999\n",
	       "99999999999999999999999999999999999999999999999\n" }) {
		Write("/sys/fs/cgroup/a/memory.max", text);
		EXPECT_EQ(0U, Limit()) << text;
	}
	Write("/sys/fs/cgroup/a/memory.max", "4611686018427387903\n");
	EXPECT_EQ(((size_t)1 << 62) - 1, Limit());
	Write("/sys/fs/cgroup/a/memory.max", "1");
	EXPECT_EQ(1U, Limit());
}

TEST_F(Cgroup, LooksFurtherUpFromALimitThatIsNone)
{
	Process("0::/a/b\n", version2_mount);
	Write("/sys/fs/cgroup/a/memory.max", "268435456\n");
	for (const char *text : { "max\n", "0\n", "-1\n", "9223372036854771712\n" }) {
		Write("/sys/fs/cgroup/a/b/memory.max", text);
		EXPECT_EQ(256 * mib, Limit()) << text;
	}
}

TEST_F(Cgroup, ReadsTheTopOfTheMountWhereThePathIsUnknown)
{
	Process("0::/a\n", version2_mount);
	Write("/sys/fs/cgroup/memory.max", "268435456\n");
	Write("/sys/fs/cgroup/a/memory.max", "4194304\n");
	EXPECT_EQ(4 * mib, Limit());
	fs::remove(root + "/proc/self/cgroup");
	EXPECT_EQ(256 * mib, Limit());
}

TEST_F(Cgroup, ReadsTheTopOfANamespace)
{
	Process("0::/\n", version2_mount);
	EXPECT_EQ(0U, Limit());
	Write("/sys/fs/cgroup/memory.max", "268435456\n");
	EXPECT_EQ(256 * mib, Limit());
}

TEST_F(Cgroup, StripsTheRootOfTheMountFromThePath)
{
	Process("0::/kubepods/pod1/c1/worker\n",
		"30 23 0:26 /kubepods/pod1/c1 /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n");
	Write("/sys/fs/cgroup/memory.max", "268435456\n");
	EXPECT_EQ(256 * mib, Limit());
	Write("/sys/fs/cgroup/worker/memory.max", "134217728\n");
	EXPECT_EQ(128 * mib, Limit());
}

TEST_F(Cgroup, StripsTheRootOfTheMountOfVersion1)
{
	Process("4:memory:/kubepods/pod1/c1\n",
		"35 32 0:31 /kubepods/pod1/c1 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
	Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "268435456\n");
	Write("/sys/fs/cgroup/memory/kubepods/pod1/c1/memory.limit_in_bytes", "4096\n");
	EXPECT_EQ(256 * mib, Limit());
}

TEST_F(Cgroup, TakesARootThatIsOnlyTheStartOfANameForAnother)
{
	Process("0::/pod12\n", "30 23 0:26 /pod1 /mnt/pod1 rw - cgroup2 cgroup2 rw\n"
			       "31 23 0:26 /pod12 /mnt/pod12 rw - cgroup2 cgroup2 rw\n");
	Write("/mnt/pod1/memory.max", "4096\n");
	Write("/mnt/pod12/memory.max", "268435456\n");
	EXPECT_EQ(256 * mib, Limit());
}

TEST_F(Cgroup, TakesTheTopOfAForeignMountOnlyWhereThereIsNoOther)
{
	const std::string foreign = "31 23 0:26 /docker/other /mnt/other rw - cgroup2 cgroup2 rw\n";

	Write("/mnt/other/memory.max", "4194304\n");
	Process("0::/docker/self\n", foreign);
	EXPECT_EQ(4 * mib, Limit());
	Process("0::/docker/self\n", foreign + version2_mount);
	EXPECT_EQ(0U, Limit());
	Process("0::/docker/self\n", version2_mount + foreign);
	EXPECT_EQ(0U, Limit());
}

TEST_F(Cgroup, ReadsTheTopOfTheMountForAProcessOutsideItsNamespace)
{
	Process("0::/../other\n", version2_mount);
	Write("/sys/fs/cgroup/memory.max", "268435456\n");
	Write("/sys/fs/other/memory.max", "4096\n");
	EXPECT_EQ(256 * mib, Limit());
}

TEST_F(Cgroup, ReadsTheTopOfAMountFromAboveItsNamespace)
{
	Process("0::/\n", "30 23 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	Write("/sys/fs/cgroup/memory.max", "268435456\n");
	EXPECT_EQ(256 * mib, Limit());
}

TEST_F(Cgroup, TakesTheSmallerOfBothVersionsInAHybrid)
{
	Process("4:memory:/a\n1:name=systemd:/s\n0::/b\n",
		std::string(memory_mount) +
			"36 32 0:32 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"
			"31 32 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n");
	Write("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "268435456\n");
	EXPECT_EQ(256 * mib, Limit());
	Write("/sys/fs/cgroup/unified/b/memory.max", "134217728\n");
	EXPECT_EQ(128 * mib, Limit());
	Write("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "67108864\n");
	EXPECT_EQ(64 * mib, Limit());
}

TEST_F(Cgroup, LooksForMemoryAmongSeveralControllers)
{
	Process("4:cpu,memory,pids:/a\n",
		"35 32 0:31 / /sys/fs/cgroup/all rw - cgroup cgroup rw,cpu,memory,pids\n"
		"36 32 0:33 / /sys/fs/cgroup/no rw - cgroup cgroup rw,memory_hotplug\n");
	Write("/sys/fs/cgroup/all/a/memory.limit_in_bytes", "268435456\n");
	Write("/sys/fs/cgroup/no/a/memory.limit_in_bytes", "4096\n");
	EXPECT_EQ(256 * mib, Limit());
}

TEST_F(Cgroup, ReadsMountsWithOptionalFieldsAndWithout)
{
	Process("0::/a\n", "30 23 0:26 / /cg rw shared:9 master:1 - cgroup2 none rw\n");
	Write("/cg/a/memory.max", "268435456\n");
	EXPECT_EQ(256 * mib, Limit());
}

TEST_F(Cgroup, UnescapesTheNamesOfMountinfo)
{
	Process("0::/a pod/c\n",
		"30 23 0:26 /a\\040pod /mnt/c\\011g\\134 rw - cgroup2 cgroup2 rw\n");
	Write("/mnt/c\tg\\/c/memory.max", "268435456\n");
	EXPECT_EQ(256 * mib, Limit());
}

TEST_F(Cgroup, IgnoresLinesItDoesNotUnderstand)
{
	Process("\n::\n0:\nnonsense\n4:memory\n0::/a\n",
		std::string("\nnonsense\n30 23 0:26 /\n30 23 0:26 / /x rw\n"
			    "30 23 0:26 / /x rw - cgroup2\n30 23 0:26 / /x rw - cgroup2 c\n - \n") +
			version2_mount);
	Write("/x/a/memory.max", "4096\n");
	Write("/sys/fs/cgroup/a/memory.max", "268435456\n");
	EXPECT_EQ(256 * mib, Limit());
}

TEST_F(Cgroup, ReadsFilesThatAreLargerThanItsBuffers)
{
	std::string mounts;

	for (int i = 0; i < 500; i++)
		mounts += "40 23 0:40 / /some/where/" + std::to_string(i) + " rw - tmpfs none rw\n";
	/* An overlay's line, longer than any buffer, whose end looks like a mount. */
	mounts += "41 23 0:41 / /overlay rw - overlay overlay rw,lowerdir=" +
		  std::string(20000, 'x') + " " + "30 23 0:26 / /x rw - cgroup2 cgroup2 rw\n";
	Process(std::string("9:pids:/") + std::string(9000, 'p') + "\n0::/a\n",
		mounts + version2_mount);
	Write("/x/a/memory.max", "4096\n");
	Write("/sys/fs/cgroup/a/memory.max", "268435456\n");
	EXPECT_EQ(256 * mib, Limit());
}

TEST_F(Cgroup, ReadsAPathThatEndsWithoutANewline)
{
	Process("0::/a", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw");
	Write("/sys/fs/cgroup/a/memory.max", "268435456");
	EXPECT_EQ(256 * mib, Limit());
}

TEST_F(Cgroup, StartsAfreshEachTime)
{
	Process("0::/a\n", version2_mount);
	Write("/sys/fs/cgroup/a/memory.max", "268435456\n");
	EXPECT_EQ(256 * mib, Limit());
	Process("0::/b\n", version2_mount);
	EXPECT_EQ(0U, Limit());
	Process("", "");
	EXPECT_EQ(0U, Limit());
}

TEST_F(Cgroup, GivesTheSmallerOfTheCgroupsLimitAndTheMachinesMemory)
{
	fake_os_set_memory(256 * mib);
	Process("0::/a\n", version2_mount);
	Write("/sys/fs/cgroup/a/memory.max", "268435457\n");
	EXPECT_EQ(256 * mib, weir_memory_limit_bytes(root.c_str()));
	Write("/sys/fs/cgroup/a/memory.max", "268435455\n");
	EXPECT_EQ(256 * mib - 1, weir_memory_limit_bytes(root.c_str()));
}

TEST_F(Cgroup, GivesTheOneThatIsKnownWhereTheOtherIsNot)
{
	fake_os_set_memory(256 * mib);
	EXPECT_EQ(256 * mib, weir_memory_limit_bytes(root.c_str()));
	fake_os_set_memory(0);
	EXPECT_EQ(0U, weir_memory_limit_bytes(root.c_str()));
	Process("0::/a\n", version2_mount);
	Write("/sys/fs/cgroup/a/memory.max", "134217728\n");
	EXPECT_EQ(128 * mib, weir_memory_limit_bytes(root.c_str()));
}

TEST_F(Cgroup, FindsNoneWithoutFiles)
{
	cgroup.version = 7;
	EXPECT_FALSE(Find());
	EXPECT_EQ(0U, cgroup.version);
	EXPECT_EQ(0U, cgroup.limit_bytes);
	EXPECT_EQ("", Directory());
	EXPECT_EQ("", Pressure());
}

TEST_F(Cgroup, FindsTheOneThatBinds)
{
	Process("0::/a/b/c\n", version2_mount);
	Write("/sys/fs/cgroup/a/memory.max", "134217728\n");
	Write("/sys/fs/cgroup/a/b/memory.max", "67108864\n");
	Write("/sys/fs/cgroup/a/b/c/memory.max", "max\n");
	ASSERT_TRUE(Find());
	EXPECT_EQ(2U, cgroup.version);
	EXPECT_EQ(64 * mib, cgroup.limit_bytes);
	EXPECT_EQ("/sys/fs/cgroup/a/b", Directory());
	EXPECT_EQ("/sys/fs/cgroup/a/b", Pressure());
}

TEST_F(Cgroup, TakesTheInnermostOfEqualLimits)
{
	Process("0::/a/b\n", version2_mount);
	Write("/sys/fs/cgroup/a/memory.max", "67108864\n");
	Write("/sys/fs/cgroup/a/b/memory.max", "67108864\n");
	ASSERT_TRUE(Find());
	EXPECT_EQ("/sys/fs/cgroup/a/b", Directory());
}

TEST_F(Cgroup, FindsTheProcesssOwnWhereNoneBinds)
{
	Process("0::/a/b/c\n", version2_mount);
	Write("/sys/fs/cgroup/a/memory.max", "max\n");
	Write("/sys/fs/cgroup/a/b/memory.max", "max\n");
	ASSERT_TRUE(Find());
	EXPECT_EQ(2U, cgroup.version);
	EXPECT_EQ(0U, cgroup.limit_bytes);
	EXPECT_EQ("/sys/fs/cgroup/a/b", Directory());
}

TEST_F(Cgroup, FindsTheTopOfAMountWithoutADoubleSlash)
{
	Process("4:memory:/\n", memory_mount);
	Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
	ASSERT_TRUE(Find());
	EXPECT_EQ(1U, cgroup.version);
	EXPECT_EQ("/sys/fs/cgroup/memory", Directory());
}

TEST_F(Cgroup, FindsTheContainersOwnWhereOthersAreSeenToo)
{
	Process("0::/docker/self\n",
		"31 23 0:26 /docker/other /mnt/other rw - cgroup2 cgroup2 rw\n" +
			std::string("30 23 0:26 /docker/self /sys/fs/cgroup ro - cgroup2 c rw\n"));
	Write("/mnt/other/memory.max", "4096\n");
	Write("/sys/fs/cgroup/memory.max", "268435456\n");
	ASSERT_TRUE(Find());
	EXPECT_EQ(256 * mib, cgroup.limit_bytes);
	EXPECT_EQ("/sys/fs/cgroup", Directory());
}

TEST_F(Cgroup, WatchesVersion2sPressureUnderMemoryOfVersion1)
{
	Process("4:memory:/a\n0::/s/t\n",
		std::string(memory_mount) +
			"31 32 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
	Write("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "268435456\n");
	ASSERT_TRUE(Find());
	EXPECT_EQ(1U, cgroup.version);
	EXPECT_EQ("/sys/fs/cgroup/memory/a", Directory());
	EXPECT_EQ("", Pressure());
	Write("/sys/fs/cgroup/unified/memory.pressure", "some\n");
	ASSERT_TRUE(Find());
	EXPECT_EQ("", Pressure());
	Write("/sys/fs/cgroup/unified/s/memory.pressure", "some\n");
	Write("/sys/fs/cgroup/unified/s/cgroup.type", "domain\n");
	ASSERT_TRUE(Find());
	EXPECT_EQ("/sys/fs/cgroup/unified/s", Pressure());
	Write("/sys/fs/cgroup/unified/s/t/memory.pressure", "some\n");
	Write("/sys/fs/cgroup/unified/s/t/cgroup.type", "domain\n");
	ASSERT_TRUE(Find());
	EXPECT_EQ("/sys/fs/cgroup/unified/s/t", Pressure());
	EXPECT_EQ("/sys/fs/cgroup/memory/a", Directory());
}

TEST_F(Cgroup, FindsTheVersionThatBindsInAHybrid)
{
	Process("4:memory:/a\n0::/b\n",
		std::string(memory_mount) +
			"31 32 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
	Write("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "268435456\n");
	Write("/sys/fs/cgroup/unified/b/memory.max", "134217728\n");
	ASSERT_TRUE(Find());
	EXPECT_EQ(2U, cgroup.version);
	EXPECT_EQ("/sys/fs/cgroup/unified/b", Directory());
	Write("/sys/fs/cgroup/unified/b/memory.max", "max\n");
	ASSERT_TRUE(Find());
	EXPECT_EQ(1U, cgroup.version);
}

TEST_F(Cgroup, ReadsWhatVersion2Uses)
{
	uint64_t bytes = 0;

	Process("0::/a\n", version2_mount);
	Write("/sys/fs/cgroup/a/memory.max", "268435456\n");
	Write("/sys/fs/cgroup/a/memory.current", "1000000\n");
	Write("/sys/fs/cgroup/a/memory.stat",
	      "anon 1\nfile 5\nworkingset_inactive_file 7\ninactive_anon 3\ninactive_file 400000\n"
	      "active_file 2\n");
	ASSERT_TRUE(Find());
	ASSERT_TRUE(weir_cgroup_read_usage(&cgroup, &bytes));
	EXPECT_EQ(1000000U, bytes);
	ASSERT_TRUE(weir_cgroup_read_used(&cgroup, &bytes));
	EXPECT_EQ(600000U, bytes);
}

TEST_F(Cgroup, ReadsWhatVersion1UsesInAllThatIsBelow)
{
	uint64_t bytes = 0;

	Process("4:memory:/a\n", memory_mount);
	Write("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "268435456\n");
	Write("/sys/fs/cgroup/memory/a/memory.usage_in_bytes", "1000000\n");
	Write("/sys/fs/cgroup/memory/a/memory.stat",
	      "cache 1\ninactive_file 5\n" + std::string(9000, 'x') + " 1\n" +
		      "total_cache 3\ntotal_inactive_file 400000\ntotal_active_file 2\n");
	ASSERT_TRUE(Find());
	ASSERT_TRUE(weir_cgroup_read_usage(&cgroup, &bytes));
	EXPECT_EQ(1000000U, bytes);
	ASSERT_TRUE(weir_cgroup_read_used(&cgroup, &bytes));
	EXPECT_EQ(600000U, bytes);
}

TEST_F(Cgroup, NeverUsesLessThanNothing)
{
	uint64_t bytes = 7;

	Process("0::/a\n", version2_mount);
	Write("/sys/fs/cgroup/a/memory.max", "268435456\n");
	Write("/sys/fs/cgroup/a/memory.stat", "inactive_file 4096\n");
	ASSERT_TRUE(Find());
	EXPECT_FALSE(weir_cgroup_read_usage(&cgroup, &bytes));
	EXPECT_FALSE(weir_cgroup_read_used(&cgroup, &bytes));
	EXPECT_EQ(7U, bytes);
	Write("/sys/fs/cgroup/a/memory.current", "4095\n");
	ASSERT_TRUE(weir_cgroup_read_used(&cgroup, &bytes));
	EXPECT_EQ(0U, bytes);
	Write("/sys/fs/cgroup/a/memory.current", "junk\n");
	EXPECT_FALSE(weir_cgroup_read_used(&cgroup, &bytes));
}

TEST_F(Cgroup, CountsAllAsUsedWhereTheStatisticsDoNotSay)
{
	uint64_t bytes = 0;

	Process("0::/a\n", version2_mount);
	Write("/sys/fs/cgroup/a/memory.max", "268435456\n");
	Write("/sys/fs/cgroup/a/memory.current", "1000000\n");
	ASSERT_TRUE(Find());
	for (const char *text : { "", "inactive_file\n", "inactive_file junk\n", "anon 4096\n" }) {
		Write("/sys/fs/cgroup/a/memory.stat", text);
		ASSERT_TRUE(weir_cgroup_read_used(&cgroup, &bytes)) << text;
		EXPECT_EQ(1000000U, bytes) << text;
	}
}

} // namespace
