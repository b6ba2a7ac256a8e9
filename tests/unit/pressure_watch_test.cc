/* Version 2's files are fixtures, whose events the test makes up; the rest is the kernel's own. */
#include "memory_cgroup.h"
#include "preloaded.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

extern "C" {
#include "cgroup.h"
#include "fake_os.h"
#include "pressure_watch.h"
}

using namespace e2e;

namespace
{

namespace fs = std::filesystem;

class PressureWatch : public testing::Test
{
protected:
	void SetUp() override
	{
		signal(SIGPIPE, SIG_IGN);
		fake_os_reset();
		cgroup = {};
		start = open_descriptors();
	}

	void TearDown() override
	{
		weir_pressure_watch_close(&watch);
		for (int fd : own)
			close(fd);
		EXPECT_EQ(start, open_descriptors());
	}

	static size_t open_descriptors()
	{
		fs::directory_iterator all("/proc/self/fd");

		return (size_t)std::distance(begin(all), end(all));
	}

	void open_watch(const std::string &path = "", const std::string &data = "")
	{
		weir_pressure_watch_open(&watch, &cgroup, root.path().c_str(), path.c_str(),
					 data.c_str());
	}

	std::string name() const { return weir_pressure_watch_name(&watch); }

	std::vector<pollfd> waits() const
	{
		std::vector<pollfd> list(WEIR_PRESSURE_WAITS_MAX);

		list.resize(weir_pressure_watch_expect(&watch, list.data()));
		return list;
	}

	weir_pressure hear(const std::vector<pollfd> &list)
	{
		return weir_pressure_watch_hear(&watch, list.data(), (unsigned)list.size());
	}

	/* What is heard of events of one wait that the test makes up. */
	weir_pressure hear_made_up(size_t index, int events)
	{
		std::vector<pollfd> list = waits();

		list.at(index).revents = (short)events;
		return hear(list);
	}

	/* What has come by now. */
	weir_pressure hear_now()
	{
		std::vector<pollfd> list = waits();

		poll(list.data(), list.size(), 0);
		return hear(list);
	}

	bool is_quiet() const
	{
		std::vector<pollfd> list = waits();

		return poll(list.data(), list.size(), 0) == 0;
	}

	/* A cgroup of version 2 in the fixture tree. */
	void version2()
	{
		cgroup.version = 2;
		set_path(cgroup.directory, root.path());
		set_path(cgroup.pressure, root.path());
	}

	static void set_path(char *to, const std::string &path) { strcpy(to, path.c_str()); }

	void counters(int high, int max, int oom, int kills)
	{
		write_file(root.file("memory.events"),
			   "low 9\nhigh " + std::to_string(high) + "\nmax " + std::to_string(max) +
				   "\noom " + std::to_string(oom) + "\noom_kill " +
				   std::to_string(kills) + "\noom_group_kill 0\n");
	}

	int keep(int fd)
	{
		EXPECT_GE(fd, 0) << strerror(errno);
		own.push_back(fd);
		return fd;
	}

	void let_go(int fd)
	{
		own.erase(std::find(own.begin(), own.end(), fd));
		close(fd);
	}

	/* A descriptor of the test's end of a pipe at root/pipe. */
	int make_pipe()
	{
		EXPECT_EQ(0, mkfifo(root.file("pipe").c_str(), 0600));
		return keep(open(root.file("pipe").c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
	}

	/* One that listens at root/socket. */
	int make_listener()
	{
		sockaddr_un address = {};
		int fd = keep(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));

		address.sun_family = AF_UNIX;
		strcpy(address.sun_path, root.file("socket").c_str());
		EXPECT_EQ(0, bind(fd, (const sockaddr *)&address, sizeof address));
		EXPECT_EQ(0, listen(fd, 1));
		return fd;
	}

	int accept_peer(int listener) { return keep(accept(listener, nullptr, nullptr)); }

	static void say(int fd, const std::string &text)
	{
		EXPECT_EQ((ssize_t)text.size(), write(fd, text.data(), text.size()));
	}

	/* What can be read there now. */
	static std::string read_now(int fd)
	{
		char data[4096];
		ssize_t got = read(fd, data, sizeof data);

		return got > 0 ? std::string(data, (size_t)got) : "";
	}

	Directory root;
	weir_cgroup cgroup;
	weir_pressure_watch watch = {};
	std::vector<int> own;
	size_t start = 0;
};

TEST_F(PressureWatch, HasNothingToWatchWhereNothingCanBeHad)
{
	open_watch();
	EXPECT_EQ("nothing", name());
	EXPECT_EQ(0U, waits().size());
	EXPECT_EQ(WEIR_PRESSURE_NONE, hear_now());
}

TEST_F(PressureWatch, IsOffWhereTheServiceManagerSaysSo)
{
	version2();
	write_file(root.file("memory.pressure"), "");
	counters(0, 0, 0, 0);
	open_watch("/dev/null");
	EXPECT_EQ("nothing", name());
}

/* memory.events */

TEST_F(PressureWatch, TellsByTheCounterThatGrew)
{
	version2();
	counters(5, 5, 5, 5);
	open_watch();
	ASSERT_EQ("memory.events", name());
	ASSERT_EQ(POLLPRI, waits().at(0).events);
	EXPECT_EQ(WEIR_PRESSURE_NONE, hear_made_up(0, POLLPRI | POLLERR));
	counters(6, 5, 5, 5);
	EXPECT_EQ(WEIR_PRESSURE_SOME, hear_made_up(0, POLLPRI | POLLERR));
	EXPECT_EQ(WEIR_PRESSURE_NONE, hear_made_up(0, POLLPRI | POLLERR));
	counters(6, 6, 5, 5);
	EXPECT_EQ(WEIR_PRESSURE_HIGH, hear_made_up(0, POLLPRI | POLLERR));
	counters(6, 6, 6, 5);
	EXPECT_EQ(WEIR_PRESSURE_HIGH, hear_made_up(0, POLLPRI | POLLERR));
	counters(6, 6, 6, 6);
	EXPECT_EQ(WEIR_PRESSURE_HIGH, hear_made_up(0, POLLPRI | POLLERR));
	counters(7, 6, 6, 6);
	EXPECT_EQ(WEIR_PRESSURE_SOME, hear_made_up(0, POLLPRI));
	EXPECT_EQ(1U, waits().size());
}

TEST_F(PressureWatch, TakesTheHighestOfSeveralCounters)
{
	version2();
	counters(0, 0, 0, 0);
	open_watch();
	counters(1, 1, 0, 0);
	EXPECT_EQ(WEIR_PRESSURE_HIGH, hear_made_up(0, POLLPRI));
}

TEST_F(PressureWatch, TakesNoCounterForAnotherAndNoFewerForMore)
{
	version2();
	counters(5, 5, 5, 5);
	open_watch();
	write_file(root.file("memory.events"),
		   "low 99\nhighest 99\nmax 4\njunk\nsock_throttled 99\noom_group_kill 99\nhigh");
	EXPECT_EQ(WEIR_PRESSURE_NONE, hear_made_up(0, POLLPRI));
}

TEST_F(PressureWatch, DropsCountersThatCannotBeReadAnyMore)
{
	version2();
	counters(0, 0, 0, 0);
	open_watch();
	write_file(root.file("memory.events"), "");
	EXPECT_EQ(WEIR_PRESSURE_NONE, hear_made_up(0, POLLPRI | POLLERR));
	EXPECT_EQ(0U, waits().size());
}

TEST_F(PressureWatch, DropsWhatFailed)
{
	for (int events : { POLLERR, POLLHUP, POLLNVAL }) {
		version2();
		write_file(root.file("memory.pressure"), "");
		counters(0, 0, 0, 0);
		open_watch();
		ASSERT_EQ("memory.pressure, memory.events", name());
		ASSERT_EQ(3U, waits().size());
		if (events == POLLNVAL)
			close(waits()[0].fd);
		EXPECT_EQ(WEIR_PRESSURE_NONE, hear_made_up(0, events));
		EXPECT_EQ(2U, waits().size());
		EXPECT_EQ(WEIR_PRESSURE_HIGH, hear_made_up(0, POLLPRI));
		if (events == POLLNVAL)
			close(waits()[1].fd);
		EXPECT_EQ(WEIR_PRESSURE_NONE, hear_made_up(1, events));
		EXPECT_EQ(1U, waits().size());
		weir_pressure_watch_close(&watch);
	}
}

/* Stalls */

TEST_F(PressureWatch, AsksForStallsWithTheZeroByteThatTheKernelWants)
{
	version2();
	write_file(root.file("memory.pressure"), "");
	open_watch();
	ASSERT_EQ("memory.pressure", name());
	EXPECT_EQ(std::string("full 400000 2000000") + '\0',
		  read_file(root.file("memory.pressure")));
	EXPECT_EQ(WEIR_PRESSURE_SOME, hear_made_up(0, POLLPRI));
	EXPECT_EQ(WEIR_PRESSURE_HIGH, hear_made_up(1, POLLPRI));
	EXPECT_TRUE(is_quiet());
}

TEST_F(PressureWatch, AsksTheMachineOnlyWhereNoCgroupIsSeen)
{
	fs::create_directories(root.file("proc/pressure"));
	write_file(root.file("proc/pressure/memory"), "");
	open_watch();
	EXPECT_EQ("/proc/pressure/memory", name());
	weir_pressure_watch_close(&watch);
	version2();
	open_watch();
	EXPECT_EQ("nothing", name());
}

TEST_F(PressureWatch, HearsOfRealStalls)
{
	NEED_FOUND(MemoryCgroup::parent(), "a writable memory cgroup");
	NEED_FOUND(std::string(access("/proc/pressure/memory", W_OK) == 0 ? "/proc" : ""),
		   "pressure stall information");
	MemoryCgroup tight(4 * MiB);
	Directory data;
	std::vector<std::unique_ptr<Running>> readers;
	weir_pressure heard = WEIR_PRESSURE_NONE;

	if (tight.version() == 2)
		set_path(cgroup.pressure, tight.path());
	weir_pressure_watch_open(&watch, &cgroup, "", nullptr, nullptr);
	ASSERT_EQ(2U, waits().size()) << name();
	/* Holes, whose pages are those of who reads them. */
	for (int i = 0; i < 4; i++) {
		std::string file = data.file(std::to_string(i));

		write_file(file, "");
		fs::resize_file(file, GiB);
		readers.push_back(std::make_unique<Running>(
			Launch({ "sh", "-c", "while :; do cat " + file + " >/dev/null; done" })
				.plain()
				.in_cgroup(tight)));
	}
	EXPECT_TRUE(eventually([&] {
		heard = std::max(heard, hear_now());
		return heard != WEIR_PRESSURE_NONE;
	}));
	EXPECT_EQ(2U, waits().size());
}

/* systemd's protocol */

TEST_F(PressureWatch, WritesToTheAskedFileWhatItIsToldTo)
{
	version2();
	write_file(root.file("memory.pressure"), "");
	write_file(root.file("asked"), "");
	open_watch(root.file("asked"), "c29tZSAyMDAwMDAgMjAwMDAwMAA=");
	EXPECT_EQ("MEMORY_PRESSURE_WATCH", name());
	EXPECT_EQ(std::string("some 200000 2000000") + '\0', read_file(root.file("asked")));
	EXPECT_EQ("", read_file(root.file("memory.pressure")));
	ASSERT_EQ(1U, waits().size());
	EXPECT_EQ(POLLPRI, waits()[0].events);
	EXPECT_TRUE(is_quiet());
	EXPECT_EQ(WEIR_PRESSURE_SOME, hear_made_up(0, POLLPRI));
}

TEST_F(PressureWatch, TakesARealTriggerFromTheServiceManager)
{
	NEED_FOUND(std::string(access("/proc/pressure/memory", W_OK) == 0 ? "/proc" : ""),
		   "pressure stall information");
	open_watch("/proc/pressure/memory", "c29tZSAyMDAwMDAgMjAwMDAwMAA=");
	EXPECT_EQ("MEMORY_PRESSURE_WATCH", name());
	EXPECT_TRUE(is_quiet());
}

TEST_F(PressureWatch, DecodesWhateverLengthIsAsked)
{
	const std::pair<const char *, std::string> cases[] = {
		{ "", "" },
		{ "Zg==", "f" },
		{ "Zg", "f" },
		{ "Zm8=", "fo" },
		{ "Zm9v", "foo" },
		{ "Zm9vYg==", "foob" },
		{ "+/A=", "\xfb\xf0" },
		{ "AAEC/w==", std::string("\0\1\2\xff", 4) },
	};

	for (const auto &c : cases) {
		write_file(root.file("asked"), "");
		open_watch(root.file("asked"), c.first);
		EXPECT_EQ("MEMORY_PRESSURE_WATCH", name()) << c.first;
		EXPECT_EQ(c.second, read_file(root.file("asked"))) << c.first;
		weir_pressure_watch_close(&watch);
	}
}

TEST_F(PressureWatch, LooksElsewhereWhereTheAskedOneCannotBeHad)
{
	version2();
	write_file(root.file("memory.pressure"), "");
	write_file(root.file("asked"), "");
	for (const std::string &data :
	     { std::string("Z"), std::string("Zm9!"), std::string("Zm9vY!"),
	       std::string("Zg==Zg=="), std::string("Zg=x"), std::string(4000, 'A') }) {
		open_watch(root.file("asked"), data);
		EXPECT_EQ("memory.pressure", name()) << data;
		EXPECT_EQ("", read_file(root.file("asked")));
		weir_pressure_watch_close(&watch);
	}
	open_watch(root.file("missing"));
	EXPECT_EQ("memory.pressure", name());
}

TEST_F(PressureWatch, WatchesCountersBesideTheAskedFile)
{
	version2();
	counters(0, 0, 0, 0);
	write_file(root.file("asked"), "");
	open_watch(root.file("asked"));
	EXPECT_EQ("MEMORY_PRESSURE_WATCH, memory.events", name());
	EXPECT_EQ(2U, waits().size());
}

TEST_F(PressureWatch, HearsAPipeAndDropsWhatItReads)
{
	int other = make_pipe();

	open_watch(root.file("pipe"));
	ASSERT_EQ("MEMORY_PRESSURE_WATCH", name());
	EXPECT_EQ(WEIR_PRESSURE_NONE, hear_now());
	say(other, std::string(3000, 'x'));
	EXPECT_EQ(WEIR_PRESSURE_SOME, hear_now());
	EXPECT_EQ("", read_now(other));
	EXPECT_EQ(WEIR_PRESSURE_NONE, hear_now());
}

TEST_F(PressureWatch, HearsAPipeWhoseWritersComeAndGo)
{
	let_go(make_pipe());
	open_watch(root.file("pipe"));
	for (int i = 0; i < 3; i++) {
		int other = keep(open(root.file("pipe").c_str(), O_WRONLY | O_NONBLOCK));

		say(other, "x");
		let_go(other);
		EXPECT_EQ(WEIR_PRESSURE_SOME, hear_now());
		EXPECT_TRUE(is_quiet());
	}
}

TEST_F(PressureWatch, ReadsOnlySoMuchOfAPipeAtATime)
{
	int other = make_pipe();

	open_watch(root.file("pipe"));
	say(other, std::string(60000, 'x'));
	EXPECT_EQ(WEIR_PRESSURE_SOME, hear_now());
	EXPECT_FALSE(is_quiet());
	EXPECT_TRUE(eventually([this] { return hear_now() == WEIR_PRESSURE_NONE; }));
	EXPECT_TRUE(is_quiet());
}

TEST_F(PressureWatch, TalksToASocketUntilItsPeerCloses)
{
	int listener = make_listener();
	int peer;

	open_watch(root.file("socket"), "Zm9v");
	ASSERT_EQ("MEMORY_PRESSURE_WATCH", name());
	peer = accept_peer(listener);
	EXPECT_EQ("foo", read_now(peer));
	EXPECT_EQ(WEIR_PRESSURE_NONE, hear_now());
	say(peer, "pressure");
	EXPECT_EQ(WEIR_PRESSURE_SOME, hear_now());
	EXPECT_TRUE(is_quiet());
	say(peer, "last");
	let_go(peer);
	EXPECT_EQ(WEIR_PRESSURE_SOME, hear_now());
	EXPECT_EQ(0U, waits().size());
}

TEST_F(PressureWatch, LooksElsewhereWhereNobodyListensAtTheSocket)
{
	let_go(make_listener());
	open_watch(root.file("socket"));
	EXPECT_EQ("nothing", name());
}

TEST_F(PressureWatch, TakesNoFileOfTheOtherVersion)
{
	version2();
	cgroup.version = 1;
	cgroup.pressure[0] = '\0';
	counters(0, 0, 0, 0);
	open_watch();
	EXPECT_EQ("nothing", name());
}

TEST_F(PressureWatch, LeavesOutWhatCannotBeAskedFor)
{
	cgroup.version = 1;
	cgroup.limit_bytes = 64 * MiB;
	set_path(cgroup.directory, root.path());
	write_file(root.file("memory.pressure_level"), "");
	write_file(root.file("memory.usage_in_bytes"), "0\n");
	fs::create_directory(root.file("cgroup.event_control"));
	open_watch();
	EXPECT_EQ("nothing", name());
	EXPECT_EQ(start, open_descriptors());
}

/* Version 1 */

class PressureWatchVersion1 : public PressureWatch
{
protected:
	static constexpr uint64_t limit = 64 * MiB;

	void SetUp() override
	{
		PressureWatch::SetUp();
		NEED_FOUND(MemoryCgroup::parent(), "a writable memory cgroup");
		real = std::make_unique<MemoryCgroup>(limit);
		if (real->version() != 1)
			GTEST_SKIP() << "memory is of version 2 here";
		cgroup.version = 1;
		cgroup.limit_bytes = limit;
		set_path(cgroup.directory, real->path());
	}

	std::unique_ptr<Running> start_neighbour(uint64_t bytes)
	{
		return std::make_unique<Running>(
			Launch({ victim("neighbour"), std::to_string(bytes), "0" })
				.plain()
				.in_cgroup(*real));
	}

	weir_pressure hear_after(Running &program)
	{
		EXPECT_EQ("held", program.hear());
		return hear_now();
	}

	std::unique_ptr<MemoryCgroup> real;
};

TEST_F(PressureWatchVersion1, TellsHowFullTheCgroupIs)
{
	open_watch();
	ASSERT_EQ("memory.pressure_level, memory.usage_in_bytes", name());
	EXPECT_TRUE(is_quiet());
	EXPECT_EQ(WEIR_PRESSURE_NONE, hear_made_up(0, POLLIN));

	auto half = start_neighbour(limit / 2);

	EXPECT_EQ(WEIR_PRESSURE_NONE, hear_after(*half));

	auto most = start_neighbour(limit / 32 * 13);

	EXPECT_EQ(WEIR_PRESSURE_SOME, hear_after(*most));
	EXPECT_TRUE(is_quiet());

	auto rest = start_neighbour(limit / 32 * 2);

	EXPECT_EQ(WEIR_PRESSURE_HIGH, hear_after(*rest));
	EXPECT_TRUE(is_quiet());
	EXPECT_EQ(0U, real->oom_kills());
}

TEST_F(PressureWatchVersion1, HearsThatAThresholdIsLeftForWhatItIs)
{
	auto most = start_neighbour(limit / 32 * 29);

	EXPECT_EQ("held", most->hear());
	open_watch();
	EXPECT_EQ(WEIR_PRESSURE_NONE, hear_now());
	most->finish();
	ASSERT_TRUE(eventually([this] { return !is_quiet(); }));
	EXPECT_EQ(WEIR_PRESSURE_NONE, hear_now());
}

TEST_F(PressureWatchVersion1, SetsThresholdsAnewForAnotherLimit)
{
	open_watch();
	weir_pressure_watch_close(&watch);
	real->set_limit(4 * limit);
	cgroup.limit_bytes = 4 * limit;
	open_watch();

	auto program = start_neighbour(limit);

	EXPECT_EQ(WEIR_PRESSURE_NONE, hear_after(*program));
	EXPECT_TRUE(is_quiet());
}

/* Without swap and file pages the kernel has nothing to reclaim, and says so at once. */
TEST_F(PressureWatchVersion1, HearsTheKernelsLevels)
{
	cgroup.limit_bytes = 0;
	open_watch();
	ASSERT_EQ("memory.pressure_level", name());
	start_neighbour(2 * limit)->finish();
	ASSERT_TRUE(eventually([this] { return !is_quiet(); }));
	EXPECT_EQ(WEIR_PRESSURE_HIGH, hear_now());
	EXPECT_EQ(1U, real->oom_kills());
}

TEST_F(PressureWatchVersion1, OutlivesItsCgroup)
{
	open_watch();
	real.reset();
	EXPECT_EQ(WEIR_PRESSURE_NONE, hear_now());
	EXPECT_TRUE(is_quiet());
}

} // namespace
