/* The weir command asks running programs: release, set, config, check, help, and what its
 * exit status says. */
#include "command.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <regex>

using namespace e2e;

namespace
{

namespace fs = std::filesystem;

std::string id(const Running &process)
{
	return std::to_string(process.pid());
}

bool begins(const std::string &text, const std::string &start)
{
	return text.rfind(start, 0) == 0;
}

bool contains(const std::string &text, const std::string &part)
{
	return text.find(part) != std::string::npos;
}

/* Retains `count` blocks of `bytes`. */
void retain(Puppet &puppet, unsigned count, uint64_t bytes)
{
	puppet.fill(1, count, bytes);
	puppet.free(1, count);
}

/* weir release */

/* `name[PID]: released 400.2 MiB (50 blocks); RSS 479.7 -> 78.1 MiB, 5.1 ms` */
struct ReleaseLine {
	double released = 0, before = 0, after = 0, ms = 0;
	unsigned blocks = 0;
};

ReleaseLine parse_release(const std::string &line, const std::string &name, pid_t pid)
{
	std::regex form(name + R"(\[)" + std::to_string(pid) +
			R"(\]: released ([0-9.]+) MiB \(([0-9]+) blocks\); )"
			R"(RSS ([0-9.]+) -> ([0-9.]+) MiB, ([0-9.]+) ms\n)");
	std::smatch found;

	if (!std::regex_match(line, found, form)) {
		ADD_FAILURE() << "not as it should be: " << line;
		return {};
	}
	return { std::stod(found[1]), std::stod(found[3]), std::stod(found[4]), std::stod(found[5]),
		 static_cast<unsigned>(std::stoul(found[2])) };
}

double in_mib(uint64_t bytes)
{
	return static_cast<double>(bytes) / static_cast<double>(MiB);
}

/* 400 MiB of arrays come and go, 48 MiB stay. */
void expect_arrays_are_released(const Launch &launch, const std::string &channel)
{
	constexpr uint64_t live = 48 * MiB;
	Interpreter python(launch);

	python.tell("warm = [np.ones(1000) for i in range(10)]");
	uint64_t base = python.memory().resident_bytes;

	python.tell("kept = np.ones(6 << 20)");
	python.tell("made = [np.ones(1 << 20) for i in range(50)]");
	python.tell("del made");
	uint64_t before = python.memory().resident_bytes;

	EXPECT_GE(before, base + live + 400 * MiB - 2 * MiB);
	EXPECT_EQ(channel, listed(python.pid())["channel"]);
	std::string line = command_output({ "release", id(python) });
	uint64_t after = python.memory().resident_bytes;
	ReleaseLine said = parse_release(line, "python3", python.pid());

	std::cout << line << "base " << in_mib(base) << " + live " << in_mib(live)
		  << " MiB; resident afterwards " << in_mib(after) << " MiB\n";
	EXPECT_GE(said.released, 400);
	EXPECT_LT(said.released, 500);
	EXPECT_GE(said.blocks, 50U);
	EXPECT_NEAR(in_mib(before), said.before, 1);
	EXPECT_NEAR(in_mib(after), said.after, 1);
	EXPECT_LE(after, base + live + 2 * MiB);
	EXPECT_EQ(0U, status_of(python.pid()).number("retained_bytes"));
	python.tell("assert kept.sum() == 6 << 20");
}

TEST(CommandRelease, LeavesOnlyWhatIsLiveByTheSignal)
{
	std::string python = python_with_numpy();

	NEED_FOUND(python, "python3 with numpy");
	expect_arrays_are_released(python_interpreter(python).env("WEIR_LIMIT", "1G"), "signal");
}

TEST(CommandRelease, LeavesOnlyWhatIsLiveByTheSocket)
{
	std::string python = python_with_numpy();
	Directory directory;

	NEED_FOUND(python, "python3 with numpy");
	expect_arrays_are_released(python_interpreter(python)
					   .env("WEIR_LIMIT", "1G")
					   .env("WEIR_SOCKET", directory.file("socket")),
				   "socket");
}

TEST(CommandRelease, SaysTheSameAsJson)
{
	Puppet puppet(e2e::puppet());

	retain(puppet, 5, 4 * MiB);
	auto results = command_json({ "release", "--json", id(puppet) });

	ASSERT_EQ(1U, results.size());
	EXPECT_EQ(puppet.pid(), results[0]["pid"]);
	EXPECT_EQ("puppet", results[0]["program"]);
	EXPECT_EQ("signal", results[0]["channel"]);
	EXPECT_EQ(5 * counted(4 * MiB), results[0]["released_bytes"]);
	EXPECT_EQ(5, results[0]["blocks"]);
	EXPECT_GT(results[0]["ns"], 0);
	EXPECT_GE(results[0]["resident_before_bytes"].get<uint64_t>(),
		  results[0]["resident_after_bytes"].get<uint64_t>() + 20 * MiB);
}

TEST(CommandRelease, KeepsAsMuchAsItIsTold)
{
	Served puppet;

	retain(puppet, 10, 5 * MiB);
	command_output({ "release", "--keep", "20M", id(puppet) });
	EXPECT_LE(status_of(puppet.pid()).number("retained_bytes"), 20 * MiB);
	EXPECT_GE(status_of(puppet.pid()).number("retained_bytes"), 15 * MiB);
}

TEST(CommandRelease, TakesOnlyTheClassesItIsTold)
{
	Served puppet;

	puppet.fill(1, 4, 100 * KiB);
	puppet.fill(5, 8, 5 * MiB);
	puppet.free(1, 8);
	command_output({ "release", "--class=64K-1M", id(puppet) });
	EXPECT_EQ(4 * counted(5 * MiB), status_of(puppet.pid()).number("retained_bytes"));
}

TEST(CommandRelease, AsksNobodyForNothing)
{
	Puppet puppet(e2e::puppet());

	puppet.fill(1, 1, MiB);
	EXPECT_EQ("puppet[" + id(puppet) + "]: nothing retained\n",
		  command_output({ "release", id(puppet) }));
	EXPECT_EQ(0U, puppet.finish().report().number("released/signal/releases"));
}

/* The value that systemd sends with it is the one that the library heeds. */
TEST(CommandRelease, TakesTheSignalThatItWasGiven)
{
	Puppet puppet(e2e::puppet().env("WEIR_SIGNAL", "RTMIN+18"));

	retain(puppet, 5, 4 * MiB);
	parse_release(command_output({ "release", id(puppet) }), "puppet", puppet.pid());
	EXPECT_EQ(1U, puppet.finish().report().number("released/signal/releases"));
}

/* A connection, or -1 where it would have to wait. */
int connect_at_once(const std::string &path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	sockaddr_un address = {};

	address.sun_family = AF_UNIX;
	path.copy(address.sun_path, sizeof address.sun_path - 1);
	if (connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0)
		return fd;
	close(fd);
	return -1;
}

/* SIGUSR1 would end the program, or say something else to it. */
void expect_no_signal(const Running &program)
{
	Outcome outcome = run_command({ "release", id(program) });

	EXPECT_EQ("none", listed(program.pid())["channel"]);
	EXPECT_EQ(4, outcome.end.exit_status) << outcome.describe();
	EXPECT_TRUE(contains(outcome.err, "the program has the signal itself")) << outcome.err;
	EXPECT_GT(status_of(program.pid()).number("retained_bytes"), 0U);
}

TEST(CommandRelease, SendsNoSignalToAHandlerThatCameBefore)
{
	Puppet puppet(e2e::puppet().behind(victim_library("early.so")).env("EARLY_HANDLER", "1"));

	retain(puppet, 4, 4 * MiB);
	expect_no_signal(puppet);
	EXPECT_FALSE(contains(puppet.finish().out, "early"));
}

/* No large request comes between. */
TEST(CommandRelease, SendsNoSignalToAHandlerThatCameLater)
{
	Puppet puppet(e2e::puppet());

	retain(puppet, 4, 4 * MiB);
	puppet.ask("handle 0 " + std::to_string(SIGUSR1));
	expect_no_signal(puppet);
}

TEST(CommandRelease, SendsNoSignalToAHandlerThatCameLast)
{
	Running program(Launch({ victim("own_handler") }));

	ASSERT_EQ("ready", program.hear());
	expect_no_signal(program);
	EXPECT_EQ("ready\n", program.finish().out);
}

/* Its first thread is a zombie then, which shows nothing of the process. */
TEST(CommandRelease, ReachesAProcessWhoseMainThreadHasEnded)
{
	std::string python = python_with_numpy();
	std::string script = "import ctypes, sys, threading\n"
			     "def work():\n"
			     "    made = bytearray(8 << 20)\n"
			     "    del made\n"
			     "    print('ready', flush=True)\n"
			     "    sys.stdin.readline()\n"
			     "threading.Thread(target=work).start()\n"
			     "ctypes.CDLL(None).pthread_exit(None)\n";
	Directory directory;

	NEED_FOUND(python, "python3");
	for (const char *channel : { "signal", "socket" }) {
		bool with_socket = channel == std::string("socket");
		Running program(Launch({ python, "-c", script })
					.env("WEIR_SOCKET",
					     with_socket ? directory.file("socket") : "off"));
		std::string task = "/proc/" + std::to_string(program.pid()) + "/status";

		ASSERT_EQ("ready", program.hear());
		ASSERT_TRUE(eventually([&] { return contains(read_file(task), "Z (zombie)"); }));
		EXPECT_TRUE(
			eventually([&] { return listed(program.pid())["channel"] == channel; }));
		EXPECT_GE(status_of(program.pid()).number("retained_bytes"), 8 * MiB);
		std::string line = command_output({ "release", id(program) });

		EXPECT_TRUE(contains(line, "released 8.")) << line;
		EXPECT_FALSE(contains(line, "RSS 0")) << line;
	}
}

/* Nobody waits for a process that does not answer, to list it. */
TEST(CommandRelease, SeesASocketThatIsBusy)
{
	Served puppet;
	std::vector<int> peers;
	int peer;

	retain(puppet, 1, MiB);
	EXPECT_TRUE(eventually([&] { return listed(puppet.pid())["channel"] == "socket"; }));
	puppet.signal(SIGSTOP);
	while ((peer = connect_at_once(puppet.socket())) >= 0)
		peers.push_back(peer);
	auto begin = std::chrono::steady_clock::now();

	EXPECT_EQ("socket", listed(puppet.pid())["channel"]);
	EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
	for (int open : peers)
		peer_close(open);
	puppet.signal(SIGCONT);
}

TEST(CommandRelease, WorksForAPersonWithoutTheCommand)
{
	std::string nc = find_program({ "nc", "nc.openbsd" });
	Served puppet;

	NEED_FOUND(nc, "nc");
	retain(puppet, 5, 4 * MiB);
	auto person =
		Launch({ "sh", "-c", "echo release | " + nc + " -U " + puppet.socket() }).plain();

	EXPECT_EQ(5 * counted(4 * MiB), figure(person.run().out, "released_bytes"));
	EXPECT_EQ(0U, status_of(puppet.pid()).number("retained_bytes"));
}

/* In a namespace of process ids, where nobody else's processes are; or else, where none can be
 * made, the two by name. */
TEST(CommandRelease, ReleasesAllThatThereAre)
{
	const std::vector<std::string> alone = { "unshare", "--pid", "--fork", "--mount-proc" };
	std::string script = "p() { { echo malloc 1 8000000; echo free 1; sleep 30; } | "
			     "LD_PRELOAD=$LIBRARY $PUPPET >$1 & }\n"
			     "p one; one=$!; p two; two=$!\n"
			     "until grep -q 'ok 0' one && grep -q 'ok 0' two; do sleep 0.02; done\n"
			     "$WEIR release ${ALL:-$one $two}; echo status $?\n"
			     "kill $one $two";
	Directory directory;
	auto with = [&](std::vector<std::string> argv, bool apart) {
		if (apart)
			argv.insert(argv.begin(), alone.begin(), alone.end());
		return Launch(argv)
			.plain()
			.in(directory.path())
			.env("ALL", apart ? "--all" : "")
			.env("LIBRARY", std::getenv("LIBWEIR_PATH"))
			.env("PUPPET", victim("puppet"))
			.env("WEIR", command_path())
			.run();
	};

	std::string out = with({ "sh", "-c", script }, with({ "true" }, true).succeeded()).out;
	std::string line = R"(puppet\[[0-9]+\]: released 7\.6 MiB \(1 block\); RSS .*\n)";

	EXPECT_TRUE(std::regex_match(out, std::regex(line + line + "status 0\n"))) << out;
}

/* weir set and config */

TEST(CommandSet, LowersTheLimitAtOnce)
{
	Served puppet;

	retain(puppet, 10, 5 * MiB);
	std::string line = command_output({ "set", id(puppet), "limit=20M" });
	Report status = status_of(puppet.pid());

	EXPECT_TRUE(begins(line, "puppet[" + id(puppet) + "]: WEIR_LIMIT=20M (set); released 3"))
		<< line;
	EXPECT_EQ(20 * MiB, status.number("limit_bytes"));
	EXPECT_LE(status.number("retained_bytes"), 20 * MiB);
	EXPECT_GE(status.number("released/limit/bytes"), 30 * MiB);
}

TEST(CommandSet, ChangesSeveralAndSaysSoAsJson)
{
	Served puppet;
	auto changes = command_json(
		{ "set", "--json", id(puppet), "WEIR_DECAY=3s", "limit=8M", "max-alloc=1G" });
	auto config = command_json({ "config", "--json", id(puppet) });

	ASSERT_EQ(3U, changes.size());
	EXPECT_EQ("WEIR_LIMIT", changes[1]["name"]);
	EXPECT_EQ("8M", changes[1]["value"]);
	EXPECT_EQ("set", changes[1]["origin"]);
	EXPECT_EQ("3s", config["WEIR_DECAY"]["value"]);
	EXPECT_EQ("set", config["WEIR_DECAY"]["origin"]);
	EXPECT_EQ("8M", config["WEIR_LIMIT"]["value"]);
	EXPECT_EQ("1G", config["WEIR_MAX_ALLOC"]["value"]);
	EXPECT_EQ("default", config["WEIR_FOOTPRINT"]["origin"]);
}

TEST(CommandSet, SaysWhatItCouldNotChange)
{
	Served puppet;
	Outcome partly = run_command({ "set", id(puppet), "limit=9M", "min=1M" });

	EXPECT_EQ(5, partly.end.exit_status) << partly.describe();
	EXPECT_TRUE(contains(partly.out, "WEIR_LIMIT=9M")) << partly.out;
	EXPECT_TRUE(contains(partly.err, "WEIR_MIN")) << partly.err;
	EXPECT_EQ(9 * MiB, status_of(puppet.pid()).number("limit_bytes"));
	command_output({ "set", id(puppet), "limit=lots" }, 1);
	EXPECT_EQ(9 * MiB, status_of(puppet.pid()).number("limit_bytes"));
}

TEST(CommandConfig, SaysWhereValuesComeFrom)
{
	Outcome own = command({ "config", "--json" })
			      .env("WEIR_PRESET", "minimal")
			      .env("WEIR_DECAY", "7s")
			      .run();
	auto config = parse_json(own.out);

	EXPECT_TRUE(own.succeeded()) << own.describe();
	EXPECT_EQ("8M", config["WEIR_LIMIT"]["value"]);
	EXPECT_EQ("preset", config["WEIR_LIMIT"]["origin"]);
	EXPECT_EQ("7s", config["WEIR_DECAY"]["value"]);
	EXPECT_EQ("environment", config["WEIR_DECAY"]["origin"]);
	EXPECT_EQ("USR1", config["WEIR_SIGNAL"]["value"]);
	EXPECT_EQ("default", config["WEIR_SIGNAL"]["origin"]);
	EXPECT_TRUE(std::regex_search(command({ "config" }).env("WEIR_LIMIT", "3M").run().out,
				      std::regex("\nWEIR_LIMIT +3M +environment *\n")));
}

/* While 8 threads churn, which verify every byte of theirs. */

class Churning : private Directory, public Running
{
public:
	Churning()
	    : Running(Launch({ victim("churn"), "8", "0", "1", "0" })
			      .env("WEIR_SOCKET", file("socket")))
	{
		EXPECT_EQ("running", hear());
		EXPECT_TRUE(eventually([&] { return listed(pid())["channel"] == "socket"; }));
	}
	void expect_right()
	{
		say("enough");
		EXPECT_EQ("empty", hear());
		EXPECT_TRUE(finish().succeeded()) << finish().describe();
	}
};

TEST(CommandSet, HoldsWhileThreadsChurn)
{
	Churning churn;

	for (uint64_t limit : { 64U, 4U, 1U, 16U, 0U, 2U, 128U, 3U }) {
		command_output({ "set", id(churn), "limit=" + std::to_string(limit) + "M" });
		for (int i = 0; i < 5; i++) {
			Report status = status_of(churn.pid());

			EXPECT_EQ(limit * MiB, status.number("limit_bytes"));
			EXPECT_LE(status.number("retained_bytes"), limit * MiB);
		}
	}
	churn.expect_right();
}

TEST(CommandRelease, ReleasesWhileThreadsChurn)
{
	Churning churn;

	for (int i = 0; i < 20; i++)
		command_output({ "release", id(churn) });
	EXPECT_GT(status_of(churn.pid()).number("released/socket/bytes"), 0U);
	churn.expect_right();
}

TEST(CommandRelease, ReleasesWhileThreadsChurnByTheSignal)
{
	Running churn(Launch({ victim("churn"), "8", "0", "1", "0" }));

	ASSERT_EQ("running", churn.hear());
	for (int i = 0; i < 20; i++)
		command_output({ "release", id(churn) });
	EXPECT_GT(status_of(churn.pid()).number("released/signal/bytes"), 0U);
	churn.say("enough");
	EXPECT_EQ("empty", churn.hear());
	EXPECT_TRUE(churn.finish().succeeded()) << churn.finish().describe();
}

/* Exit statuses */

TEST(CommandStatus, IsTwoForWhatItWasNotMadeFor)
{
	const std::vector<std::vector<std::string>> wrong = {
		{ "ps", "1" },
		{ "ps", "--everything" },
		{ "status" },
		{ "status", "one" },
		{ "status", "1", "2" },
		{ "status", "-1" },
		{ "top", "1" },
		{ "top", "--sort", "size" },
		{ "top", "--delay", "0" },
		{ "release" },
		{ "release", "--all", "1" },
		{ "release", "1", "two" },
		{ "release", "--keep", "lots", "1" },
		{ "release", "--keep" },
		{ "release", "--class", "1M-64K", "1" },
		{ "set" },
		{ "set", "1" },
		{ "set", "1", "limit" },
		{ "set", "1", "limit=1 M" },
		{ "set", "one", "limit=1M" },
		{ "config", "1", "2" },
		{ "config", "one" },
		{ "metrics", "one" },
		{ "metrics", "--listen", "nowhere" },
		{ "metrics", "--listen", "127.0.0.1:65536" },
		{ "check" },
		{ "check", "1", "2" },
		{ "check", "0" },
		{ "doctor" },
		{ "doctor", "one" },
		{ "doctor", "1", "2" },
		{ "doctor", "--" },
		{ "doctor", "1", "--", "true" },
	};

	for (const auto &arguments : wrong) {
		Outcome outcome = run_command(arguments);
		std::string complaint = "weir " + arguments[0] + ": ";
		std::string pointer = "`weir help " + arguments[0] + "` says what it takes.\n";

		EXPECT_EQ(2, outcome.end.exit_status) << complaint << outcome.describe();
		EXPECT_EQ("", outcome.out) << complaint;
		EXPECT_TRUE(begins(outcome.err, complaint)) << outcome.err;
		EXPECT_TRUE(contains(outcome.err, "\n" + pointer)) << outcome.err;
	}
}

TEST(CommandStatus, IsTwoForACommandThatThereIsNot)
{
	Outcome unknown = run_command({ "relaese", "1" });
	Outcome none = run_command({});

	EXPECT_EQ(2, unknown.end.exit_status);
	EXPECT_TRUE(contains(unknown.err, "the nearest is `release`")) << unknown.err;
	EXPECT_EQ(2, none.end.exit_status);
	EXPECT_TRUE(begins(none.err, "Usage: weir COMMAND")) << none.err;
	EXPECT_EQ(2, run_command({ "help", "relaese" }).end.exit_status);
}

/* Commands about one process. */
const std::vector<std::vector<std::string>> asking = {
	{ "status" }, { "status", "--json" }, { "release" }, { "config" },
	{ "check" },  { "metrics" },	      { "set" },
};

std::vector<std::string> about(std::vector<std::string> arguments, pid_t pid)
{
	arguments.push_back(std::to_string(pid));
	if (arguments[0] == "set")
		arguments.push_back("limit=1M");
	return arguments;
}

void expect_status_of_all(int status, pid_t pid)
{
	for (const auto &arguments : asking) {
		Outcome outcome = run_command(about(arguments, pid));

		EXPECT_EQ(status, outcome.end.exit_status)
			<< "weir " << arguments[0] << ": " << outcome.describe();
		EXPECT_TRUE(contains(outcome.out + outcome.err, std::to_string(pid) + ": "));
	}
}

TEST(CommandStatus, IsThreeForAProcessThatIsNotUnderWeir)
{
	Running sleep(Launch({ "sleep", "60" }).plain());

	expect_status_of_all(3, sleep.pid());
	sleep.signal(SIGTERM);
	EXPECT_EQ(SIGTERM, sleep.finish().end.signal);
}

TEST(CommandStatus, IsOneForAProcessThatHasEnded)
{
	expect_status_of_all(1, ended_process());
	EXPECT_EQ(1, run_command({ "doctor", std::to_string(ended_process()) }).end.exit_status);
}

TEST(CommandStatus, IsFourWhereThereIsNoChannel)
{
	Puppet puppet(e2e::puppet().env("WEIR_SIGNAL", "off"));

	retain(puppet, 2, MiB);
	Outcome release = run_command({ "release", id(puppet) });

	EXPECT_EQ(4, release.end.exit_status);
	EXPECT_TRUE(contains(release.err, "WEIR_SIGNAL is off")) << release.err;
	EXPECT_EQ(4, run_command({ "set", id(puppet), "limit=1M" }).end.exit_status);
	EXPECT_EQ(2 * counted(MiB), status_of(puppet.pid()).number("retained_bytes"));
}

TEST(CommandStatus, IsFourWhereAPartNeedsTheSocket)
{
	Puppet puppet(e2e::puppet());

	retain(puppet, 2, MiB);
	EXPECT_EQ(4, run_command({ "release", "--keep=1M", id(puppet) }).end.exit_status);
	EXPECT_EQ(4, run_command({ "release", "--class=*", id(puppet) }).end.exit_status);
	EXPECT_EQ(2 * counted(MiB), status_of(puppet.pid()).number("retained_bytes"));
}

/* What user nobody may run: the build may be where only root comes. */
std::string copy_for_everybody(const std::string &path, const Directory &directory)
{
	std::string copy = directory.file(fs::path(path).filename());

	fs::copy_file(path, copy);
	fs::permissions(copy, fs::perms(0755));
	fs::permissions(directory.path(), fs::perms(0755));
	return copy;
}

TEST(CommandStatus, IsFourForAnotherUsersProcess)
{
	Directory directory;
	Served puppet;

	if (geteuid() != 0)
		GTEST_SKIP() << "only root may become another user";
	std::string weir = copy_for_everybody(command_path(), directory);

	for (const auto &arguments : asking) {
		std::vector<std::string> argv = { "setpriv", "--reuid=65534", "--clear-groups",
						  weir };

		if (arguments[0] == "check")
			continue; /* that weir is there is no secret */
		for (const std::string &word : about(arguments, puppet.pid()))
			argv.push_back(word);
		Outcome outcome = Launch(argv).plain().in("/").run();

		EXPECT_EQ(4, outcome.end.exit_status) << arguments[0] << outcome.describe();
	}
}

TEST(CommandStatus, IsFiveWhereOnlySomeFailed)
{
	Puppet puppet(e2e::puppet());
	Running sleep(Launch({ "sleep", "60" }).plain());

	retain(puppet, 2, MiB);
	Outcome outcome = run_command({ "release", id(sleep), id(puppet) });

	EXPECT_EQ(5, outcome.end.exit_status) << outcome.describe();
	EXPECT_TRUE(begins(outcome.out, "puppet[" + id(puppet) + "]: released")) << outcome.out;
	EXPECT_TRUE(contains(outcome.err, id(sleep) + ": not under weir")) << outcome.err;
	auto both = command_json({ "release", "--json", id(sleep), id(puppet) }, 5);

	EXPECT_TRUE(both[0].contains("error")) << both;
	EXPECT_EQ(puppet.pid(), both[1]["pid"]);
}

TEST(CommandStatus, IsOneWhereItCannotPrint)
{
	Outcome outcome =
		Launch({ "sh", "-c", command_path() + " config >/dev/full" }).plain().run();

	EXPECT_EQ(1, outcome.end.exit_status);
	EXPECT_TRUE(contains(outcome.err, "No space left on device")) << outcome.err;
}

/* weir check and help */

TEST(CommandCheck, SaysWhatTheLibraryIsDoing)
{
	Puppet puppet(e2e::puppet());
	Puppet off(e2e::puppet().env("WEIR_DISABLE", "1"));

	EXPECT_TRUE(contains(command_output({ "check", id(puppet) }), "waits for the first"));
	puppet.fill(1, 1, MiB);
	EXPECT_TRUE(contains(command_output({ "check", id(puppet) }), "serves large requests"));
	EXPECT_TRUE(contains(command_output({ "check", id(off) }), "told not to work"));
}

std::vector<std::string> all_commands()
{
	static const std::regex entry("\n  ([a-z]+) +[a-z]");
	std::string help = command_output({ "help" });
	std::vector<std::string> names;

	for (std::sregex_iterator at(help.begin(), help.end(), entry), end; at != end; ++at)
		names.push_back((*at)[1]);
	return names;
}

TEST(CommandHelp, KnowsEveryCommand)
{
	std::vector<std::string> names = all_commands();

	EXPECT_EQ(17U, names.size());
	for (const std::string &name : names) {
		std::string help = command_output({ "help", name });

		EXPECT_TRUE(begins(help, "Usage: weir " + name)) << help;
		EXPECT_EQ(help, command_output({ name, "--help" }));
	}
	EXPECT_EQ(command_output({ "help" }), command_output({ "--help" }));
	EXPECT_TRUE(begins(command_output({ "--version" }), "weir 0."));
}

TEST(CommandHelp, IsNotColouredWhereNobodySeesIt)
{
	Puppet puppet(e2e::puppet());

	puppet.fill(1, 1, MiB);
	for (const auto &arguments : asking) {
		if (arguments[0] == "set")
			continue;
		EXPECT_FALSE(contains(command_output(about(arguments, puppet.pid())), "\033"))
			<< arguments[0];
	}
}

} // namespace
