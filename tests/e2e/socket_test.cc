/* The control socket: what each request answers and does, where the socket is, who may
 * ask, and what it is not to the program. */
#include "preloaded.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <vector>

using namespace e2e;

namespace
{

namespace fs = std::filesystem;

constexpr uint64_t slack = MiB;

/* What the block of a Served counts as. */
constexpr uint64_t own_bytes = counted(Served::block_bytes);

bool begins(const std::string &text, const std::string &start)
{
	return text.rfind(start, 0) == 0;
}

bool contains(const std::string &text, const std::string &part)
{
	return text.find(part) != std::string::npos;
}

mode_t mode_of(const std::string &path)
{
	struct stat found = {};

	EXPECT_EQ(0, stat(path.c_str(), &found)) << path;
	return found.st_mode & 07777;
}

/* Retains `count` blocks of `bytes`. */
void retain(Puppet &puppet, unsigned count, uint64_t bytes)
{
	puppet.fill(1, count, bytes);
	puppet.free(1, count);
}

/* Requests */

TEST(Socket, PingNamesTheVersionAndTheProcess)
{
	Served puppet;
	std::string answer = puppet.request("ping");

	EXPECT_TRUE(begins(answer, "ok weir 0.")) << answer;
	EXPECT_EQ(static_cast<uint64_t>(puppet.pid()), figure(answer, "pid"));
}

TEST(Socket, StatsAreTheFieldsOfTheReport)
{
	Served puppet;

	retain(puppet, 3, 2 * MiB);
	Report stats(puppet.request("stats"));
	const Report &report = puppet.finish().report();

	EXPECT_EQ(report.names(), stats.names());
	for (const char *name : { "pid", "retained_bytes", "retained_blocks", "live_bytes",
				  "live_blocks", "requests", "hits", "limit_bytes" })
		EXPECT_EQ(report.number(name), stats.number(name)) << name;
	EXPECT_EQ(3 * counted(2 * MiB), stats.number("retained_bytes"));
	EXPECT_EQ("ready", stats.text("state"));
	EXPECT_EQ(puppet.socket(), stats.text("socket"));
}

TEST(Socket, MetricsEndWithTheirEndAndAgreeWithStats)
{
	Served puppet;

	retain(puppet, 3, 2 * MiB);
	std::string metrics = puppet.request("metrics");
	std::string end = "\n# EOF";

	ASSERT_GT(metrics.size(), end.size());
	EXPECT_EQ(end, metrics.substr(metrics.size() - end.size()));
	EXPECT_EQ(metrics.find("# EOF"), metrics.rfind("# EOF"));
	EXPECT_TRUE(contains(metrics, "\n# TYPE weir_retained_bytes gauge\n")) << metrics;
	EXPECT_TRUE(contains(metrics, " " + std::to_string(3 * counted(2 * MiB)) + "\n"));
}

TEST(Socket, ReleaseLeavesOnlyLiveBytes)
{
	Served puppet;

	puppet.fill(11, 20, 3 * MiB);
	retain(puppet, 10, 5 * MiB);
	uint64_t live = puppet.ask("check");

	EXPECT_GE(puppet.grown(), live + 50 * MiB);
	std::string answer = puppet.request("release");

	EXPECT_LE(puppet.grown(), live + slack);
	EXPECT_EQ(10 * counted(5 * MiB), figure(answer, "released_bytes"));
	EXPECT_EQ(10U, figure(answer, "blocks"));
	EXPECT_GT(figure(answer, "ns"), 0U);
	EXPECT_EQ(0U, figure(answer, "retained_bytes"));
	EXPECT_EQ(own_bytes + 10 * counted(3 * MiB), figure(answer, "live_bytes"));
	EXPECT_EQ(live, puppet.ask("check"));

	const Report &report = puppet.finish().report();

	EXPECT_EQ(1U, report.number("released/socket/releases"));
	EXPECT_EQ(10 * counted(5 * MiB), report.number("released/socket/bytes"));
	EXPECT_EQ(0U, report.number("released/signal/releases"));
}

TEST(Socket, ReleaseKeepsAsMuchAsItIsTold)
{
	Served puppet;

	retain(puppet, 10, 5 * MiB);
	std::string answer = puppet.request("release keep=20M");

	EXPECT_LE(figure(answer, "retained_bytes"), 20 * MiB);
	EXPECT_GE(figure(answer, "retained_bytes"), 15 * MiB);
	EXPECT_LE(puppet.grown(), own_bytes + 20 * MiB + slack);
	EXPECT_EQ(0U, figure(puppet.request("release keep=20M"), "released_bytes"));
	EXPECT_EQ(0U, figure(puppet.request("RELEASE \t KEEP=0"), "retained_bytes"));
}

TEST(Socket, ReleaseTakesOnlyTheClassesItIsTold)
{
	Served puppet;

	puppet.fill(1, 4, 100 * KiB);
	puppet.fill(5, 8, 5 * MiB);
	puppet.free(1, 8);
	std::string answer = puppet.request("release class=64K-1M");

	EXPECT_EQ(4 * counted(100 * KiB), figure(answer, "released_bytes"));
	EXPECT_EQ(4 * counted(5 * MiB), figure(answer, "retained_bytes"));
	answer = puppet.request("release class=1M-16M keep=12M");
	EXPECT_LE(figure(answer, "retained_bytes"), 12 * MiB);
	EXPECT_GE(figure(answer, "retained_bytes"), 7 * MiB);
	EXPECT_EQ(0U, figure(puppet.request("release class=*"), "retained_bytes"));
}

TEST(Socket, GetSaysTheValueAndItsOrigin)
{
	Served puppet(e2e::puppet().env("WEIR_PRESET", "minimal").env("WEIR_DECAY", "7s"));

	EXPECT_EQ("ok WEIR_LIMIT=8M\tpreset", puppet.request("get WEIR_LIMIT"));
	EXPECT_EQ("ok WEIR_DECAY=7s\tenvironment", puppet.request("get WEIR_DECAY"));
	EXPECT_EQ("ok WEIR_SIGNAL=USR1\tdefault", puppet.request("get WEIR_SIGNAL"));
	EXPECT_EQ("ok WEIR_SOCKET=" + puppet.socket() + "\tenvironment",
		  puppet.request("get WEIR_SOCKET"));
	EXPECT_TRUE(begins(puppet.request("get WEIR_LIMITS"), "error: "));
	EXPECT_TRUE(begins(puppet.request("get"), "error: "));
	EXPECT_TRUE(begins(puppet.request("get WEIR_LIMIT WEIR_DECAY"), "error: "));
}

TEST(Socket, SetOfALowerLimitTakesEffectAtOnce)
{
	Served puppet;

	retain(puppet, 10, 5 * MiB);
	std::string answer = puppet.request("set WEIR_LIMIT 20M");

	EXPECT_TRUE(begins(answer, "ok WEIR_LIMIT=20M\tset ")) << answer;
	EXPECT_LE(figure(answer, "retained_bytes"), 20 * MiB);
	EXPECT_GE(figure(answer, "released_bytes"), 30 * MiB);
	EXPECT_LE(puppet.grown(), own_bytes + 20 * MiB + slack);
	EXPECT_EQ(20 * MiB, Report(puppet.request("stats")).number("limit_bytes"));
	retain(puppet, 10, 5 * MiB);
	EXPECT_LE(puppet.grown(), own_bytes + 20 * MiB + slack) << "it is no limit for later";
	EXPECT_EQ(0U, figure(puppet.request("set WEIR_LIMIT 0"), "retained_bytes"));
	retain(puppet, 4, 5 * MiB);
	EXPECT_LE(puppet.grown(), own_bytes + slack);
}

TEST(Socket, SetOfAHigherLimitRetainsMore)
{
	Served puppet(e2e::puppet().env("WEIR_LIMIT", "5M"));

	retain(puppet, 4, 5 * MiB);
	EXPECT_EQ(0U, figure(puppet.request("set WEIR_LIMIT 100M"), "released_bytes"));
	retain(puppet, 4, 5 * MiB);
	EXPECT_EQ(4 * counted(5 * MiB), Report(puppet.request("stats")).number("retained_bytes"));
}

TEST(Socket, SetChangesEverySettingThatMayChange)
{
	Served puppet(e2e::puppet().env("WEIR_CLASS_LIMITS", "64K-1M:32M,*:64M"));

	retain(puppet, 10, 5 * MiB);
	EXPECT_LE(figure(puppet.request("set WEIR_FOOTPRINT 40M"), "retained_bytes"),
		  40 * MiB - own_bytes);
	EXPECT_LE(
		figure(puppet.request("set WEIR_CLASS_LIMITS 64K-1M:16M,*:30M"), "retained_bytes"),
		30 * MiB);
	EXPECT_LE(figure(puppet.request("set WEIR_CLASS_BLOCKS 3"), "retained_bytes"),
		  3 * counted(5 * MiB));
	EXPECT_TRUE(begins(puppet.request("set WEIR_MAX_ALLOC 1M"), "ok "));
	EXPECT_EQ(static_cast<uint64_t>(ENOMEM), puppet.ask_error("malloc 1 2000000"));
	EXPECT_TRUE(begins(puppet.request("set WEIR_MAX_ALLOC none"), "ok "));
	EXPECT_NE(0U, puppet.ask("malloc 1 2000000"));
	EXPECT_TRUE(begins(puppet.request("set WEIR_DECAY 10ms"), "ok "));
	EXPECT_TRUE(eventually(
		[&] { /* large requests drive decay */
		      puppet.fill(2, 2, 100 * KiB);
		      puppet.free(2, 2);
		      return Report(puppet.request("stats")).number("released/decay/bytes") >=
			     5 * MiB;
		}));
	for (const char *setting :
	     { "WEIR_FOOTPRINT=40M", "WEIR_CLASS_LIMITS=64K-1M:16M,*:30M", "WEIR_CLASS_BLOCKS=3",
	       "WEIR_MAX_ALLOC=none", "WEIR_DECAY=10ms" }) {
		std::string name(setting, strcspn(setting, "="));

		EXPECT_EQ("ok " + std::string(setting) + "\tset", puppet.request("get " + name));
	}
}

TEST(Socket, SetThatIsRefusedChangesNothing)
{
	Served puppet(e2e::puppet().env("WEIR_CLASS_LIMITS", "*:64M"));
	std::string before;

	retain(puppet, 4, 5 * MiB);
	for (const char *name : { "WEIR_LIMIT", "WEIR_DECAY", "WEIR_CLASS_LIMITS", "WEIR_MIN" })
		before += puppet.request(std::string("get ") + name);
	for (const char *line :
	     { "set", "set WEIR_LIMIT", "set WEIR_LIMIT banana", "set WEIR_LIMIT -1",
	       "set WEIR_LIMIT 1M 2M", "set WEIR_LIMIT 99999999T", "set WEIR_LIMITS 1M",
	       "set LD_PRELOAD 1M", "set WEIR_MIN 1M", "set WEIR_SIGNAL USR2",
	       "set WEIR_SOCKET off", "set WEIR_DISABLE 1", "set WEIR_DECAY soon",
	       "set WEIR_CLASS_LIMITS 64K-1M:1M,*:1M", "set WEIR_CLASS_BLOCKS many",
	       "set WEIR_LIMIT 1M keep=0" })
		EXPECT_TRUE(begins(puppet.request(line), "error: ")) << line;
	std::string after;

	for (const char *name : { "WEIR_LIMIT", "WEIR_DECAY", "WEIR_CLASS_LIMITS", "WEIR_MIN" })
		after += puppet.request(std::string("get ") + name);
	EXPECT_EQ(before, after);
	EXPECT_EQ(4 * counted(5 * MiB), Report(puppet.request("stats")).number("retained_bytes"));
}

TEST(Socket, WhatIsNoRequestIsAnsweredWithWhatIsOne)
{
	Served puppet;

	for (const char *line : { "", " ", "pong", "pingping", "ping 1", "release now",
				  "release keep=", "release keep=x", "release class=", "stats all",
				  "release class=2M-1M", "GET / HTTP/1.1", "quit" })
		EXPECT_TRUE(begins(puppet.request(line), "error: ")) << line;
	EXPECT_TRUE(contains(puppet.request("help"), "ping, stats, metrics, release, get, set"));
}

/* Where it is */

TEST(Socket, IsOfMode0600WhateverTheUmask)
{
	for (const char *umask : { "0", "077", "027" }) {
		Served puppet(Launch({ "sh", "-c", std::string("umask ") + umask + "; exec \"$0\"",
				       victim("puppet") }));

		EXPECT_EQ(0600U, mode_of(puppet.socket())) << umask;
	}
}

TEST(Socket, IsRemovedWhenTheProgramEnds)
{
	Directory directory;
	std::string path = directory.file("%p.sock");
	Puppet puppet(e2e::puppet().env("WEIR_SOCKET", path));
	std::string real = directory.file(std::to_string(puppet.pid()) + ".sock");

	puppet.fill(1, 1, MiB);
	ask_socket(real, "ping");
	EXPECT_TRUE(puppet.finish().succeeded());
	EXPECT_FALSE(fs::exists(real));
}

TEST(Socket, OfAProcessThatWasKilledMakesWay)
{
	Directory directory;
	std::string path = directory.file("socket");
	Puppet killed(e2e::puppet().env("WEIR_SOCKET", path));

	killed.fill(1, 1, MiB);
	ask_socket(path, "ping");
	killed.signal(SIGKILL);
	killed.finish();
	ASSERT_TRUE(fs::exists(path));

	Puppet puppet(e2e::puppet().env("WEIR_SOCKET", path));

	puppet.fill(1, 1, MiB);
	EXPECT_EQ(static_cast<uint64_t>(puppet.pid()), figure(ask_socket(path, "ping"), "pid"));
	EXPECT_TRUE(puppet.finish().succeeded());
	EXPECT_FALSE(fs::exists(path));
}

/* Only sockets are ever removed to make way. */
TEST(Socket, LeavesAFileAloneThatIsNoSocket)
{
	Directory directory;
	std::string path = directory.file("precious");

	write_file(path, "data");
	Puppet puppet(e2e::puppet().env("WEIR_SOCKET", path));
	std::string own = path + "." + std::to_string(puppet.pid());

	puppet.fill(1, 1, MiB);
	EXPECT_EQ(static_cast<uint64_t>(puppet.pid()), figure(ask_socket(own, "ping"), "pid"));
	EXPECT_EQ("data", read_file(path));
	fs::create_symlink("precious", directory.file("link"));
	Puppet other(e2e::puppet().env("WEIR_SOCKET", directory.file("link")));

	other.fill(1, 1, MiB);
	ask_socket(directory.file("link." + std::to_string(other.pid())), "ping");
	EXPECT_TRUE(fs::is_symlink(directory.file("link")));
	EXPECT_EQ("data", read_file(path));
}

TEST(Socket, OfASecondProcessHasItsNumber)
{
	Served first;
	Puppet second(e2e::puppet().env("WEIR_SOCKET", first.socket()));
	std::string path = first.socket() + "." + std::to_string(second.pid());

	second.fill(1, 1, MiB);
	EXPECT_EQ(static_cast<uint64_t>(second.pid()), figure(ask_socket(path, "ping"), "pid"));
	EXPECT_EQ(static_cast<uint64_t>(first.pid()), figure(first.request("ping"), "pid"));
	EXPECT_TRUE(second.finish().succeeded());
	EXPECT_FALSE(fs::exists(path));
	EXPECT_TRUE(fs::exists(first.socket()));
}

/* Auto */

class Auto
{
public:
	Auto() : launch_(e2e::puppet().env("WEIR_SOCKET", "auto"))
	{
		launch_.env("WEIR_SOCKET_DIR", asked()).env("XDG_RUNTIME_DIR", runtime());
		fs::create_directory(asked());
		fs::create_directory(runtime());
	}
	std::string asked() const { return directory_.file("asked"); }
	std::string runtime() const { return directory_.file("runtime"); }
	Launch &launch() { return launch_; }
	const Directory &directory() const { return directory_; }

	/* Where a puppet's socket is; empty where it says that it has none. */
	std::string place() { return place_of(launch_); }

	/* /run/weir is the machine's: where it is there, it comes before the later places. */
	static bool machine_has_place() { return fs::exists("/run/weir"); }

private:
	static std::string place_of(const Launch &launch)
	{
		Puppet puppet(launch);
		std::string found;

		puppet.fill(1, 1, MiB);
		EXPECT_TRUE(eventually([&] {
			found = find(launch, puppet.pid());
			return !found.empty();
		}));
		EXPECT_EQ(0600U, mode_of(found));
		EXPECT_EQ(static_cast<uint64_t>(puppet.pid()),
			  figure(ask_socket(found, "ping"), "pid"));
		EXPECT_TRUE(puppet.finish().succeeded());
		EXPECT_FALSE(fs::exists(found));
		return found;
	}
	static std::string find(const Launch &launch, pid_t pid)
	{
		for (const std::string &parent : { launch.variable("WEIR_SOCKET_DIR"),
						   launch.variable("XDG_RUNTIME_DIR") + "/weir",
						   "/tmp/weir-" + std::to_string(geteuid()) }) {
			std::error_code none;

			for (const auto &entry : fs::directory_iterator(parent, none))
				if (begins(entry.path().filename(), std::to_string(pid) + "-"))
					return entry.path();
		}
		return "";
	}
	Directory directory_;
	Launch launch_;
};

TEST(SocketAuto, IsInTheDirectoryThatWasAskedFor)
{
	Auto found;
	std::string place = found.place();

	EXPECT_TRUE(begins(place, found.asked() + "/")) << place;
	EXPECT_FALSE(fs::exists(found.runtime() + "/weir"));
}

TEST(SocketAuto, MakesADirectoryOfItsOwnInTheRuntimeDirectory)
{
	Auto found;

	if (Auto::machine_has_place())
		GTEST_SKIP() << "this machine has a /run/weir";
	fs::remove(found.asked());
	EXPECT_TRUE(begins(found.place(), found.runtime() + "/weir/"));
	EXPECT_EQ(0700U, mode_of(found.runtime() + "/weir"));
}

/* The last place is this user's in /tmp, which is left as it was. */
class SocketAutoFallback : public testing::Test
{
protected:
	void SetUp() override
	{
		if (Auto::machine_has_place())
			GTEST_SKIP() << "this machine has a /run/weir";
		fs::remove(found.asked());
		was_there_ = fs::exists(last);
	}
	void TearDown() override
	{
		std::error_code not_empty;

		if (!was_there_)
			fs::remove(last, not_empty);
	}
	Auto found;
	const std::string last = "/tmp/weir-" + std::to_string(geteuid());

private:
	bool was_there_ = true;
};

TEST_F(SocketAutoFallback, PassesOverADirectoryThatOthersMayEnter)
{
	fs::create_directory(found.runtime() + "/weir");
	fs::permissions(found.runtime() + "/weir", fs::perms(0755));
	EXPECT_TRUE(begins(found.place(), last + "/"));
	EXPECT_EQ(0700U, mode_of(last));
}

TEST_F(SocketAutoFallback, PassesOverALink)
{
	fs::create_directory(found.directory().file("target"));
	fs::permissions(found.directory().file("target"), fs::perms(0700));
	fs::create_directory_symlink(found.directory().file("target"), found.runtime() + "/weir");
	EXPECT_TRUE(begins(found.place(), last + "/"));
}

TEST_F(SocketAutoFallback, PassesOverAFile)
{
	write_file(found.runtime() + "/weir", "");
	EXPECT_TRUE(begins(found.place(), last + "/"));
}

TEST_F(SocketAutoFallback, PassesOverADirectoryOfAnotherUser)
{
	if (geteuid() != 0)
		GTEST_SKIP() << "only root can make one";
	fs::create_directory(found.runtime() + "/weir");
	fs::permissions(found.runtime() + "/weir", fs::perms(0700));
	ASSERT_EQ(0, chown((found.runtime() + "/weir").c_str(), 65534, 65534));
	EXPECT_TRUE(begins(found.place(), last + "/"));
}

/* Who may ask */

TEST(Socket, RefusesAnotherUser)
{
	Served puppet;
	char answer[256];

	if (geteuid() != 0)
		GTEST_SKIP() << "only root can become another user";
	fs::permissions(fs::path(puppet.socket()).parent_path(), fs::perms(0755));
	EXPECT_EQ(-EACCES,
		  peer_ask_as(65534, puppet.socket().c_str(), "ping\n", answer, sizeof(answer)))
		<< "the mode of the file keeps others out";
	fs::permissions(puppet.socket(), fs::perms(0666));
	EXPECT_LE(peer_ask_as(65534, puppet.socket().c_str(), "release\n", answer, sizeof(answer)),
		  0);
	EXPECT_STREQ("", answer);
	EXPECT_GT(peer_ask_as(0, puppet.socket().c_str(), "ping\n", answer, sizeof(answer)), 0)
		<< "the way of asking itself fails";
	EXPECT_EQ(0U, Report(puppet.request("stats")).number("released/socket/releases"));
}

TEST(Socket, AnswersTheUserAndRootWhenTheProgramGaveUpRoot)
{
	Served puppet;
	char answer[256];

	if (geteuid() != 0)
		GTEST_SKIP() << "only root can become another user";
	fs::permissions(fs::path(puppet.socket()).parent_path(), fs::perms(0755));
	fs::permissions(puppet.socket(), fs::perms(0666));
	puppet.ask("become 0 65534");
	EXPECT_TRUE(begins(puppet.request("ping"), "ok "));
	EXPECT_GT(peer_ask_as(65534, puppet.socket().c_str(), "ping\n", answer, sizeof(answer)), 0);
	EXPECT_LE(peer_ask_as(65533, puppet.socket().c_str(), "ping\n", answer, sizeof(answer)), 0);
	EXPECT_EQ(Served::block_bytes, puppet.ask("check"));
}

/* What it is not to the program */

std::vector<pid_t> threads_of(const Running &running)
{
	std::vector<pid_t> threads(64);

	threads.resize(proc_read_threads(running.pid(), threads.data(), threads.size()));
	return threads;
}

std::string task(const Running &running, pid_t thread, const std::string &file)
{
	return "/proc/" + std::to_string(running.pid()) + "/task/" + std::to_string(thread) + "/" +
	       file;
}

/* The thread that is not the program's. */
/* Its thread of this name, once it is there. */
pid_t thread_of(const Running &running, const std::string &name)
{
	pid_t found = running.pid();

	EXPECT_TRUE(eventually([&] {
		for (pid_t thread : threads_of(running))
			if (read_file(task(running, thread, "comm")) == name + "\n")
				found = thread;
		return found != running.pid();
	})) << "there is no thread "
	    << name;
	return found;
}

pid_t helper_of(const Running &running)
{
	return thread_of(running, "weir");
}

/* What the descriptors of a thread lead to, sorted. */
std::vector<std::string> descriptors(const Running &running, pid_t thread)
{
	std::vector<std::string> targets;

	for (const auto &entry : fs::directory_iterator(task(running, thread, "fd")))
		targets.push_back(fs::read_symlink(entry.path()));
	std::sort(targets.begin(), targets.end());
	return targets;
}

TEST(Socket, ComesWithTheFirstLargeRequest)
{
	Directory directory;
	Puppet puppet(e2e::puppet().env("WEIR_SOCKET", directory.file("socket")));

	puppet.ask("malloc 1 1000");
	EXPECT_EQ(1U, threads_of(puppet).size());
	EXPECT_FALSE(fs::exists(directory.file("socket")));
	puppet.fill(2, 2, 100 * KiB);
	ask_socket(directory.file("socket"), "ping");
	EXPECT_EQ(3U, threads_of(puppet).size());
}

TEST(Socket, IsNotThereUnlessAskedFor)
{
	for (const char *value : { "off", "" }) {
		Puppet puppet(e2e::puppet().env("WEIR_SOCKET", value));

		retain(puppet, 4, MiB);
		EXPECT_EQ(1U, threads_of(puppet).size());
		EXPECT_EQ("", puppet.finish().report().text("socket"));
	}
	Directory directory;
	Puppet disabled(e2e::puppet()
				.env("WEIR_SOCKET", directory.file("socket"))
				.env("WEIR_DISABLE", "1"));

	retain(disabled, 4, MiB);
	EXPECT_EQ(1U, threads_of(disabled).size());
	EXPECT_TRUE(fs::is_empty(directory.path()));
}

TEST(Socket, HasThreadsThatTakeNoSignal)
{
	Served puppet;
	for (const char *name : { "weir", "weir-stay" }) {
		std::string status = read_file(task(puppet, thread_of(puppet, name), "status"));
		size_t at = status.find("SigBlk:");

		ASSERT_NE(std::string::npos, at);
		uint64_t blocked = std::stoull(status.substr(at + 7), nullptr, 16);

		for (int number = 1; number <= SIGRTMAX; number++) {
			bool free = number == SIGKILL || number == SIGSTOP ||
				    (number >= 32 && number < SIGRTMIN); /* the C library's own */

			EXPECT_TRUE(free || (blocked >> (number - 1) & 1) != 0)
				<< name << ", signal " << number;
		}
	}
	EXPECT_EQ("puppet\n", read_file(task(puppet, puppet.pid(), "comm")));
}

TEST(Socket, HasDescriptorsOfItsOwn)
{
	Directory directory;
	Puppet puppet(e2e::puppet().env("WEIR_SOCKET", directory.file("socket")));
	std::vector<std::string> before = descriptors(puppet, puppet.pid());

	puppet.fill(1, 1, MiB);
	ask_socket(directory.file("socket"), "ping");
	std::vector<std::string> own;

	EXPECT_EQ(before, descriptors(puppet, puppet.pid()));
	/* Once it has read /proc/self/stat and waits: the socket, and what keeps the numbers of the
	 * standard descriptors from any peer. */
	ASSERT_TRUE(eventually([&] {
		own = descriptors(puppet, helper_of(puppet));
		return own.size() == 4;
	})) << "some of the program's are kept open";
	EXPECT_EQ(3, std::count(own.begin(), own.end(), "anon_inode:[eventfd]"));
	EXPECT_EQ(1, std::count_if(own.begin(), own.end(), [](const std::string &target) {
			  return begins(target, "socket:");
		  }));
}

TEST(Socket, KeepsNoPipeOfTheProgramOpen)
{
	Served puppet(e2e::puppet().seconds(20));

	puppet.say("close 0 1");
	EXPECT_EQ("", puppet.hear());
	EXPECT_TRUE(begins(puppet.request("ping"), "ok ")) << "it is the program that ended";
	EXPECT_TRUE(puppet.finish().succeeded()) << puppet.finish().describe();
}

TEST(Socket, OutlivesTheProgramsDescriptors)
{
	Served puppet;

	retain(puppet, 4, 5 * MiB);
	puppet.ask("closefrom 0 3");
	EXPECT_EQ(4 * counted(5 * MiB), figure(puppet.request("release"), "released_bytes"));
	puppet.say("close 0 0");
	EXPECT_TRUE(puppet.finish().succeeded()) << puppet.finish().describe();
	EXPECT_FALSE(fs::exists(puppet.socket()));
}

/* What is written to descriptors 0 to 2, which may be closed, is for nobody who asks. */
TEST(Socket, TellsAPeerNothingThatIsForTheStandardDescriptors)
{
	Directory directory;
	std::string path = directory.file("socket");
	Puppet puppet(e2e::puppet().env("WEIR_SOCKET", path).env("WEIR_VERBOSE", "1"));
	std::vector<Peer> peers;

	puppet.say("close 0 2");
	retain(puppet, 4, MiB);
	EXPECT_TRUE(begins(ask_socket(path, "ping"), "ok "));
	for (int i = 0; i < 6; i++)
		peers.emplace_back(path);
	for (Peer &peer : peers) {
		retain(puppet, 4, MiB);
		EXPECT_TRUE(peer.send("release\n")); /* of which it would say so on stderr */
		std::string answer = peer.hear();

		EXPECT_TRUE(begins(answer, "ok released_bytes=")) << answer;
		EXPECT_EQ(1, std::count(answer.begin(), answer.end(), '\n')) << answer;
	}
	EXPECT_TRUE(puppet.finish().succeeded()) << puppet.finish().describe();
}

/* The CPU time of a process. */
double cpu_seconds(pid_t pid)
{
	clockid_t clock;
	timespec used = {};

	EXPECT_EQ(0, clock_getcpuclockid(pid, &clock));
	EXPECT_EQ(0, clock_gettime(clock, &used));
	return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

double now_seconds()
{
	timespec now = {};

	clock_gettime(CLOCK_MONOTONIC, &now);
	return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/* The kernel refuses to wait for more descriptors than there may be now. */
TEST(Socket, IsQuietWhereFewerDescriptorsAreAllowedThanItWaitsFor)
{
	Served puppet;
	rlimit before = {}, none = {};

	ASSERT_EQ(0, prlimit(puppet.pid(), RLIMIT_NOFILE, nullptr, &before));
	none.rlim_max = before.rlim_max;
	ASSERT_EQ(0, prlimit(puppet.pid(), RLIMIT_NOFILE, &none, nullptr));
	double used = cpu_seconds(puppet.pid()), start = now_seconds();

	usleep(1500000);
	EXPECT_LT(cpu_seconds(puppet.pid()) - used, (now_seconds() - start) / 10);
	ASSERT_EQ(0, prlimit(puppet.pid(), RLIMIT_NOFILE, &before, nullptr));
	EXPECT_TRUE(begins(puppet.request("ping"), "ok "));
}

TEST(Socket, ComesBackWhenItsFileIsRemoved)
{
	Served puppet;
	Auto removed;
	Puppet other(removed.launch());

	other.fill(1, 1, MiB);
	ASSERT_TRUE(eventually([&] { return !fs::is_empty(removed.asked()); }));
	fs::remove(puppet.socket());
	fs::remove_all(removed.asked());
	fs::create_directory(removed.asked());
	EXPECT_EQ(static_cast<uint64_t>(puppet.pid()), figure(puppet.request("ping"), "pid"));
	EXPECT_EQ(0600U, mode_of(puppet.socket()));
	EXPECT_TRUE(eventually([&] {
		return !fs::is_empty(removed.asked()) || !fs::is_empty(removed.runtime());
	})) << "it does not come back to its directory";
	EXPECT_TRUE(puppet.finish().succeeded());
	EXPECT_FALSE(fs::exists(puppet.socket()));
}

/* Its stack is small, and the program's thread-local data lies on it. */
TEST(Socket, HasAStackBesideMuchThreadLocalData)
{
	for (const char *name : { "local_data_57k", "local_data_120k" }) {
		Directory directory;
		std::string path = directory.file("socket");
		Running program(Launch({ victim(name) }).env("WEIR_SOCKET", path));

		ASSERT_EQ("ready", program.hear()) << program.errors();
		for (const char *line : { "stats", "metrics", "set WEIR_LIMIT 5M",
					  "set WEIR_CLASS_LIMITS banana", "release keep=1M" })
			EXPECT_NE("", ask_socket(path, line));
		EXPECT_TRUE(program.finish().succeeded()) << program.finish().describe();
	}
}

/* A stack holds what the C library sets aside for libraries that are loaded later, too. */
TEST(Socket, HasAStackBesideWhatTheCLibrarySetsAsideForLater)
{
	Served puppet(e2e::puppet().env("GLIBC_TUNABLES", "glibc.rtld.optional_static_tls=200000"));

	EXPECT_TRUE(begins(puppet.request("stats"), "{"));
	EXPECT_TRUE(puppet.finish().succeeded());
}

/* The C library ends it, by its last thread. */
TEST(Socket, LosesNothingOfAProgramWhoseMainThreadEndsFirst)
{
	Directory directory;
	auto outcome = Launch({ victim("main_leaves") })
			       .env("WEIR_SOCKET", directory.file("socket"))
			       .run();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("main\nwork\nend 1\n", outcome.out);
	EXPECT_FALSE(fs::exists(directory.file("socket")));
}

/* A process ends with the last of its threads, and weir's are none of its. */
TEST(Socket, KeepsNoProgramWhoseThreadsHaveEnded)
{
	Served puppet;

	puppet.ask("leave");
	EXPECT_TRUE(eventually([&] {
		int peer = peer_connect(puppet.socket().c_str());

		if (peer >= 0)
			peer_close(peer);
		return peer < 0;
	}));
	EXPECT_TRUE(puppet.finish().succeeded()) << puppet.finish().describe();
	EXPECT_FALSE(fs::exists(puppet.socket()));
}

TEST(Socket, DoesWithoutWhereTheKernelRefuses)
{
	Directory directory;
	std::string path = directory.file("socket");
	Puppet puppet(
		Launch({ victim("confined"), "EPERM", "close_range,unshare", victim("puppet") })
			.env("WEIR_SOCKET", path)
			.env("WEIR_VERBOSE", "1"));

	retain(puppet, 4, 5 * MiB);
	EXPECT_TRUE(eventually([&] {
		return contains(puppet.errors(), "neither control socket nor ");
	})) << puppet.errors();
	EXPECT_TRUE(eventually([&] {
		return threads_of(puppet).size() == 3; /* decay goes on */
	}));
	EXPECT_FALSE(fs::exists(path));
	puppet.release();
	EXPECT_LE(puppet.grown(), slack);
	EXPECT_TRUE(puppet.finish().succeeded());
}

/* Under churn */

class Churning
{
public:
	explicit Churning(const std::string &limit)
	    : path_(directory_.file("socket")),
	      churn_(Launch({ victim("churn"), "8", "0", "1", "0" })
			     .env("WEIR_SOCKET", path_)
			     .env("WEIR_LIMIT", limit))
	{
		EXPECT_EQ("running", churn_.hear()) << churn_.errors();
	}
	std::string request(const std::string &line) { return ask_socket(path_, line); }
	void stop()
	{
		churn_.say("stop");
		EXPECT_EQ("empty", churn_.hear()) << churn_.finish().describe();
	}
	const Outcome &finish()
	{
		churn_.say("next");
		return churn_.finish();
	}

private:
	Directory directory_;
	std::string path_;
	Running churn_;
};

TEST(SocketUnderChurn, ReleasesChangeNoLiveByte)
{
	Churning churn("64M");

	for (int i = 0; i < 100 && !testing::Test::HasFailure(); i++) {
		figure(churn.request("release"), "released_bytes");
		figure(churn.request("release keep=1M class=64K-512K"), "released_bytes");
		figure(churn.request("release keep=4M"), "released_bytes");
	}
	churn.stop();
	EXPECT_EQ(0U, figure(churn.request("release"), "live_bytes"));
	const Outcome &outcome = churn.finish();

	ASSERT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("", outcome.err);
	EXPECT_EQ(0U, outcome.report().number("retained_bytes"));
	EXPECT_EQ(301U, outcome.report().number("released/socket/releases"));
}

TEST(SocketUnderChurn, ChangedLimitsHoldFromThenOn)
{
	Churning churn("64M");
	static const uint64_t limits[] = { 64, 3, 16, 0, 1, 40, 2, 8 };

	for (int i = 0; i < 10 && !testing::Test::HasFailure(); i++) {
		for (uint64_t limit : limits) {
			churn.request("set WEIR_LIMIT " + std::to_string(limit) + "M");
			/* What other threads had in hand at that moment they release themselves. */
			EXPECT_TRUE(eventually([&] {
				return Report(churn.request("stats")).number("retained_bytes") <=
				       limit * MiB;
			}));
			for (int sample = 0; sample < 5; sample++) {
				Report stats(churn.request("stats"));

				EXPECT_EQ(limit * MiB, stats.number("limit_bytes"));
				EXPECT_LE(stats.number("retained_bytes"), limit * MiB);
			}
		}
		churn.request(i % 2 == 0 ? "set WEIR_CLASS_BLOCKS 3"
					 : "set WEIR_CLASS_BLOCKS none");
		churn.request(i % 2 == 0 ? "set WEIR_FOOTPRINT 40M" : "set WEIR_FOOTPRINT none");
		churn.request(i % 2 == 0 ? "set WEIR_DECAY 10ms" : "set WEIR_DECAY off");
	}
	churn.stop();
	const Outcome &outcome = churn.finish();

	ASSERT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("", outcome.err);
	EXPECT_EQ(0U, outcome.report().number("live_bytes"));
}

} // namespace
