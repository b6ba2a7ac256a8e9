/* weir ps and weir status agree with what programs hold, which serve no socket and have no
 * thread for it. */
#include "command.h"

#include <csignal>
#include <regex>

using namespace e2e;

namespace
{

size_t thread_count(const Running &process)
{
	pid_t threads[256];

	return proc_read_threads(process.pid(), threads, 256);
}

void expect_listed(pid_t pid, uint64_t live, uint64_t retained, const std::string &channel)
{
	auto row = listed(pid);
	Report status = status_of(pid);

	ASSERT_FALSE(row.is_null()) << "it is not among them";
	EXPECT_EQ(live, row["live_bytes"]);
	EXPECT_EQ(retained, row["retained_bytes"]);
	EXPECT_EQ(channel, row["channel"]);
	EXPECT_EQ("ready", row["state"]);
	EXPECT_EQ(live, status.number("live_bytes"));
	EXPECT_EQ(retained, status.number("retained_bytes"));
	EXPECT_EQ("ready", status.text("state"));
}

/* The classes make up the whole. */
void expect_sums(const Report &status)
{
	constexpr uint64_t all = ~UINT64_C(0);

	for (const char *name : { "live_blocks", "retained_blocks", "hits", "misses" })
		EXPECT_EQ(status.number(name), status.of_classes(0, all, name)) << name;
	EXPECT_EQ(status.number("requests"), status.number("hits") + status.number("misses"));
}

/* A puppet, to the byte */

TEST(CommandFigures, AreWhatAPuppetHolds)
{
	Puppet puppet(e2e::puppet().env("WEIR_LIMIT", "64M"));

	puppet.fill(1, 6, 3 * MiB);
	puppet.free(1, 2);
	expect_listed(puppet.pid(), 4 * counted(3 * MiB), 2 * counted(3 * MiB), "signal");
	EXPECT_EQ(64 * MiB, listed(puppet.pid())["limit_bytes"]);
	puppet.fill(1, 1, 3 * MiB);
	expect_listed(puppet.pid(), 5 * counted(3 * MiB), counted(3 * MiB), "signal");
	EXPECT_EQ(7, listed(puppet.pid())["requests"]);
	EXPECT_EQ(1, listed(puppet.pid())["hits"]);
	expect_sums(status_of(puppet.pid()));
	EXPECT_EQ(1U, thread_count(puppet));
}

/* Nothing happens between the look and the end. */
TEST(CommandFigures, AreThoseOfTheReport)
{
	Directory directory;
	Puppet puppet(e2e::puppet().env("WEIR_REPORT", "exit:" + directory.file("report")));

	puppet.fill(1, 10, 3 * MiB);
	puppet.free(1, 4);
	puppet.release();
	puppet.free(5, 7);
	puppet.ask("realloc 8 20000000");
	auto status = command_json({ "status", "--json", std::to_string(puppet.pid()) });

	puppet.finish();
	EXPECT_EQ(parse_json(read_file(directory.file("report"))), status);
}

TEST(CommandFigures, CostTheProgramNothing)
{
	Puppet puppet(e2e::puppet());
	std::string descriptors = "ls /proc/" + std::to_string(puppet.pid()) + "/fd | wc -l";
	auto count = [&] { return Launch({ "sh", "-c", descriptors }).plain().run().out; };
	std::string before = count();

	puppet.fill(1, 1, MiB);
	for (int i = 0; i < 5; i++)
		status_of(puppet.pid());
	EXPECT_EQ(before, count());
	EXPECT_EQ(1U, thread_count(puppet));
}

TEST(CommandFigures, AreShownToPeople)
{
	Puppet puppet(e2e::puppet().env("WEIR_LIMIT", "64M"));
	std::string pid = std::to_string(puppet.pid());

	puppet.fill(1, 6, 3 * MiB);
	puppet.free(1, 2);
	std::string ps = command_output({ "ps" });
	std::string status = command_output({ "status", pid });

	EXPECT_TRUE(
		std::regex_search(ps, std::regex("^ *PID +PROGRAM +STATE +LIVE +RETAINED +LIMIT "
						 "+HITS +CHANNEL *\n")))
		<< ps;
	EXPECT_TRUE(std::regex_search(ps, std::regex("(^|\n) *" + pid +
						     " +puppet +ready +12.0 MiB "
						     "+6.0 MiB +64.0 MiB +0.0 % +signal *\n")))
		<< ps;
	EXPECT_EQ(0U, status.find("puppet[" + pid + "], weir 0.")) << status;
	for (const char *line :
	     { "live +12.0 MiB +#+[.]* +4 blocks, peak 18.0 MiB",
	       "retained +6.0 MiB +#+[.]* +2 blocks, peak 6.0 MiB", "requests +6 +0.0 % served",
	       "signal +USR1 [(]10[)]: releases", "socket +none", "3.5 MiB +0 +6 +4 +2 +6.0 MiB" })
		EXPECT_TRUE(std::regex_search(status, std::regex("\n +" + std::string(line))))
			<< line << ": " << status;
}

/* 2 of 3 are 66.67 %. */
TEST(CommandFigures, RoundSharesAlike)
{
	Puppet puppet(e2e::puppet());
	std::string row = "(^|\n) *" + std::to_string(puppet.pid()) + " .* 66\\.6 ";

	for (int i = 0; i < 3; i++) {
		puppet.fill(1, 1, 3 * MiB);
		puppet.free(1, 1);
	}
	for (const auto &arguments : { std::vector<std::string>{ "ps" }, { "top", "--once" } }) {
		std::string table = command_output(arguments);

		EXPECT_TRUE(std::regex_search(table, std::regex(row))) << table;
	}
}

TEST(CommandFigures, ListIdsForScripts)
{
	Puppet puppet(e2e::puppet());
	Running sleep(Launch({ "sleep", "60" }).plain());
	std::string ids = "\n" + command_output({ "ps", "--pids" });

	EXPECT_NE(std::string::npos, ids.find("\n" + std::to_string(puppet.pid()) + "\n")) << ids;
	EXPECT_EQ(std::string::npos, ids.find("\n" + std::to_string(sleep.pid()) + "\n")) << ids;
}

/* In a namespace of process ids, as a container's is, where one can be made. */
TEST(CommandFigures, ReachIntoNamespaces)
{
	std::vector<std::string> argv = { "unshare", "--pid", "--fork", "true" };
	bool inside = Launch(argv).plain().run().succeeded();
	Directory directory;

	argv.back() = victim("puppet");
	if (!inside)
		argv = { victim("puppet") };
	Puppet puppet(Launch(argv).env("WEIR_SOCKET", directory.file("socket")));
	std::string outer = std::to_string(puppet.pid());
	pid_t pid = inside ? std::stoi(read_file("/proc/" + outer + "/task/" + outer + "/children"))
			   : puppet.pid();

	puppet.fill(1, 3, MiB);
	puppet.free(1, 2);
	EXPECT_TRUE(eventually([&] { return listed(pid)["channel"] == "socket"; }));
	EXPECT_EQ(inside ? 1 : pid, listed(pid)["inner_pid"]);
	EXPECT_EQ(inside ? 1U : (uint64_t)pid, status_of(pid).number("pid"));
	EXPECT_EQ(2 * counted(MiB), listed(pid)["retained_bytes"]);
	EXPECT_EQ(0U, command_output({ "release", std::to_string(pid) })
			      .find("puppet[" + std::to_string(pid) + "]: released 2.0 MiB"));
}

/* python with numpy */

TEST(CommandFigures, AreWhatPythonHolds)
{
	std::string python = python_with_numpy();

	NEED_FOUND(python, "python3 with numpy");
	Interpreter plain(python_interpreter(python).plain());
	Interpreter running(python_interpreter(python));

	running.tell("kept = []");
	running.signal(SIGUSR1);
	running.tell("made = None");
	uint64_t before = status_of(running.pid()).number("live_bytes");

	running.tell("kept = [np.ones(1 << 20) for i in range(5)]");
	running.tell("made = [np.ones(1 << 19) for i in range(7)]");
	running.tell("del made");
	expect_listed(running.pid(), before + 5 * counted(8 * MiB), 7 * counted(4 * MiB), "signal");
	expect_sums(status_of(running.pid()));
	EXPECT_EQ(thread_count(plain), thread_count(running));
}

/* redis */

class Redis : private Directory, public Running
{
public:
	Redis(const std::string &redis, bool under_weir)
	    : Running(launch(redis, file("socket"), under_weir)), socket_(file("socket"))
	{
		EXPECT_TRUE(eventually([&] { return ask({ "ping" }) == "PONG\n"; }));
	}
	std::string ask(const std::vector<std::string> &words, const std::string &input = "") const
	{
		std::vector<std::string> argv = { "redis-cli", "-s", socket_ };

		argv.insert(argv.end(), words.begin(), words.end());
		Launch client(argv);

		return (input.empty() ? client.plain() : client.plain().input(input)).run().out;
	}

private:
	static Launch launch(const std::string &redis, const std::string &socket, bool under_weir)
	{
		Launch server({ redis, "--port", "0", "--unixsocket", socket, "--save", "",
				"--appendonly", "no" });

		return under_weir ? server : server.plain();
	}
	std::string socket_;
};

/* A value is a string of redis's with a few bytes more; while idle, redis gives back the
 * buffers of its connections. */
TEST(CommandFigures, AreWhatRedisHolds)
{
	std::string redis = find_program({ "redis-server" });
	Directory directory;

	NEED_FOUND(redis, "redis-server");
	write_file(directory.file("value"), std::string(3 * MiB, 'w'));
	Redis plain(redis, false), running(redis, true);
	uint64_t before = status_of(running.pid()).number("live_bytes");

	for (const char *key : { "a", "b", "c", "d", "e", "f" })
		EXPECT_EQ("OK\n", running.ask({ "-x", "set", key }, directory.file("value")));
	EXPECT_TRUE(eventually([&] {
		uint64_t live = status_of(running.pid()).number("live_bytes") - before;

		return live >= 18 * MiB && live <= 18 * MiB + 6 * 128 * KiB;
	})) << status_of(running.pid()).number("live_bytes") - before;
	EXPECT_EQ("2\n", running.ask({ "del", "a", "b" }));
	EXPECT_TRUE(eventually([&] {
		uint64_t live = status_of(running.pid()).number("live_bytes") - before;

		return live >= 12 * MiB && live <= 12 * MiB + 4 * 128 * KiB;
	}));
	Report status = status_of(running.pid());

	EXPECT_GE(status.number("retained_bytes"), 6 * MiB);
	expect_listed(running.pid(), status.number("live_bytes"), status.number("retained_bytes"),
		      "signal");
	expect_sums(status);
	EXPECT_EQ(thread_count(plain), thread_count(running));
}

/* node, which has SIGUSR1 itself */

void hold_buffers(Interpreter &node)
{
	node.tell("global.kept = []; global.made = []; gc()");
	for (int i = 0; i < 6; i++)
		node.tell("kept.push(Buffer.alloc(3 << 20, 1)); "
			  "made.push(Buffer.alloc(2 << 20, 1))");
}

/* Its collector frees what the garbage held when it likes. */
void drop_buffers(Interpreter &node)
{
	node.tell("made = null");
	EXPECT_TRUE(eventually([&] {
		node.tell("gc()");
		return status_of(node.pid()).number("retained_bytes") >= 12 * MiB;
	}));
}

TEST(CommandFigures, AreWhatNodeHolds)
{
	std::string node = find_program({ "node", "nodejs" });

	NEED_FOUND(node, "node");
	Interpreter plain(node_interpreter(node).plain());
	Interpreter running(node_interpreter(node).env("WEIR_DECAY", "off"));

	plain.tell("gc()");
	running.tell("gc()");
	uint64_t before = status_of(running.pid()).number("live_bytes");

	hold_buffers(running);
	uint64_t held = status_of(running.pid()).number("live_bytes") - before;

	EXPECT_GE(held, 30 * MiB);
	EXPECT_LE(held, 31 * MiB);
	drop_buffers(running);
	held = status_of(running.pid()).number("live_bytes") - before;
	EXPECT_GE(held, 18 * MiB);
	EXPECT_LE(held, 19 * MiB);
	expect_sums(status_of(running.pid()));
	EXPECT_EQ("program", status_of(running.pid()).text("signal"));
	EXPECT_EQ("none", listed(running.pid())["channel"]);
	command_output({ "release", std::to_string(running.pid()) }, 4);
	EXPECT_EQ(thread_count(plain), thread_count(running));
	running.tell("if (kept.some(b => b.some(x => x != 1))) throw 'changed'");
}

/* Each of these gives it a channel. */
void expect_node_releases(const Launch &launch, const std::string &channel)
{
	Interpreter node(launch);

	hold_buffers(node);
	drop_buffers(node);
	EXPECT_EQ(channel, listed(node.pid())["channel"]);
	std::string line = command_output({ "release", std::to_string(node.pid()) });

	EXPECT_EQ(0U, line.find("node[" + std::to_string(node.pid()) + "]: released 1")) << line;
	node.tell("if (kept.some(b => b.some(x => x != 1))) throw 'changed'");
}

TEST(CommandFigures, LetNodeBeReleasedByAnotherSignal)
{
	std::string node = find_program({ "node", "nodejs" });

	NEED_FOUND(node, "node");
	expect_node_releases(
		node_interpreter(node).env("WEIR_SIGNAL", "RTMIN+18").env("WEIR_DECAY", "off"),
		"signal");
}

TEST(CommandFigures, LetNodeBeReleasedByASocket)
{
	std::string node = find_program({ "node", "nodejs" });
	Directory directory;

	NEED_FOUND(node, "node");
	expect_node_releases(node_interpreter(node)
				     .env("WEIR_SOCKET", directory.file("socket"))
				     .env("WEIR_DECAY", "off"),
			     "socket");
}

} // namespace
