/* weir compare: what it runs, how often and under what, and what it says of it. */
#include "command.h"

#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

using namespace e2e;

namespace
{

namespace fs = std::filesystem;

bool contains(const std::string &text, const std::string &part)
{
	return text.find(part) != std::string::npos;
}

Launch comparing(std::vector<std::string> words)
{
	words.insert(words.begin(), "compare");
	return command(words);
}

/* A shell as CMD, under the C library and weir. */
Launch comparing_script(std::vector<std::string> options, const std::string &script)
{
	options.insert(options.begin(), { "--with", "glibc,weir" });
	options.insert(options.end(), { "--", "sh", "-c", script });
	return comparing(options);
}

void expect_status(int status, const Outcome &outcome)
{
	EXPECT_EQ(status, outcome.end.exit_status) << outcome.describe();
}

size_t lines_of(const std::string &text)
{
	return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

/* What is found in a JSON object of a contender by its name. */
const nlohmann::json &contender(const nlohmann::json &object, const std::string &name)
{
	static const nlohmann::json none;

	for (const nlohmann::json &each : object["contenders"])
		if (each["name"] == name)
			return each;
	ADD_FAILURE() << name << " is not in " << object;
	return none;
}

class Compare : public testing::Test
{
protected:
	std::string file(const std::string &name) const { return directory_.file(name); }

	/* Without what it would leave in case of a failure. */
	Outcome run(const Launch &launch) const
	{
		return Launch(launch).env("TMPDIR", directory_.path()).run();
	}

	Directory directory_;
};

/* Also of one that nobody has waited for. */
bool has_ended(pid_t pid)
{
	std::ifstream words("/proc/" + std::to_string(pid) + "/cmdline");
	std::string word;

	return !std::getline(words, word);
}

/* What it runs */

TEST_F(Compare, RunsAsOftenAsItIsToldUnderEach)
{
	std::string log = file("log");
	Outcome outcome = run(
		comparing_script({ "-n", "3", "--json" },
				 "case $LD_PRELOAD in *weir*) echo w;; *) echo g;; esac >>" + log));
	nlohmann::json object = parse_json(outcome.out);
	std::string runs = read_file(log);

	expect_status(0, outcome);
	EXPECT_EQ(3, std::count(runs.begin(), runs.end(), 'w'));
	EXPECT_EQ(4, std::count(runs.begin(), runs.end(), 'g')) << "the first one does not count";
	EXPECT_EQ(3, object["runs"]);
	for (const char *name : { "glibc", "weir" })
		EXPECT_EQ(3U, contender(object, name)["wall_s"]["runs"].size()) << object;
	EXPECT_EQ("too few runs", contender(object, "weir")["wall_s"]["verdict"]);
	EXPECT_TRUE(fs::is_empty(directory_.path()) ||
		    std::distance(fs::directory_iterator(directory_.path()), {}) == 1)
		<< "nothing is left but the log";
}

TEST_F(Compare, GivesEachItsPreloadsAndSettings)
{
	std::string early = victim_library("early.so"), weir = std::getenv("LIBWEIR_PATH");
	std::string log = file("log"), other = find_library("libjemalloc.so.2");

	NEED_FOUND(other, "libjemalloc");
	Outcome outcome = run(
		comparing({ "-n", "1", "--with",
			    "glibc,jemalloc,weir[limit=5M,class-limits=1M:2M,*:3M],weir+jemalloc",
			    "--", "sh", "-c",
			    "echo \"$LD_PRELOAD $WEIR_LIMIT $WEIR_CLASS_LIMITS\" >>" + log })
			.behind(early)
			.behind(find_library("libtcmalloc_minimal.so.4")));
	std::string seen = read_file(log);

	expect_status(0, outcome);
	EXPECT_TRUE(contains(seen, early + "  \n")) << seen;
	EXPECT_TRUE(contains(seen, other + ":" + early + "  \n")) << seen;
	EXPECT_TRUE(contains(seen, weir + ":" + early + " 5M 1M:2M,*:3M\n")) << seen;
	EXPECT_TRUE(contains(seen, weir + ":" + other + ":" + early + "  \n")) << seen;
	EXPECT_FALSE(contains(seen, "tcmalloc")) << "other allocators are left out: " << seen;
}

TEST_F(Compare, TakesAllThatAreInstalledWhenNotTold)
{
	nlohmann::json object = parse_json(run(comparing({ "-n", "1", "--json", "true" })).out);

	contender(object, "glibc");
	contender(object, "weir");
	contender(object, "weir[preset=aggressive]");
	EXPECT_EQ("glibc", object["contenders"][0]["name"]);
}

TEST_F(Compare, GivesEachRunTheSameInput)
{
	write_file(file("input"), "one\ntwo\nthree\n");
	Outcome outcome = run(comparing_script({ "-n", "2", "-o", file("out") }, "read a; cat")
				      .input(file("input")));

	expect_status(0, outcome);
	EXPECT_EQ("two\nthree\n", read_file(file("out/glibc.out")));
	EXPECT_EQ("two\nthree\n", read_file(file("out/weir.out")));
}

TEST_F(Compare, ReplaysATrace)
{
	write_file(file("script"), "malloc 1 40000000\nmalloc 2 20000000\nfree 1\nfree 2\n");
	expect_status(0, command({ "record", "-o", file("trace"), "--", victim("puppet") })
				 .input(file("script"))
				 .run());
	Outcome outcome =
		run(comparing({ "-n", "1", "--with", "glibc,weir", "--json", file("trace") }));
	nlohmann::json object = parse_json(outcome.out);

	expect_status(0, outcome);
	EXPECT_EQ("replay", object["command"][1]) << object;
	for (const char *name : { "glibc", "weir" })
		EXPECT_GT(contender(object, name)["peak_bytes"]["median"], 60000000) << object;
}

TEST_F(Compare, KeepsWhatTheProgramPrints)
{
	Outcome outcome = run(
		comparing_script({ "-n", "1", "--output", file("out") }, "echo said; echo >&2 no"));

	expect_status(0, outcome);
	EXPECT_EQ("said\n", read_file(file("out/weir.out")));
	EXPECT_EQ("no\n", read_file(file("out/glibc.err")));
	EXPECT_FALSE(contains(outcome.out + outcome.err, "said"));
}

/* What it measures */

TEST_F(Compare, SeesTheMemoryOfAllDescendants)
{
	std::string python = find_program({ "python3" });
	std::string child = "b = b'x' * (40 << 20); import time; time.sleep(.6)";

	NEED_FOUND(python, "python3");
	Outcome outcome = run(comparing(
		{ "-n", "1", "--with", "glibc", "--json", "--", "sh", "-c",
		  python + " -c \"" + child + "\" & " + python + " -c \"" + child + "\"; wait" }));
	nlohmann::json object = parse_json(outcome.out);
	const nlohmann::json &figures = contender(object, "glibc");

	EXPECT_GT(figures["peak_bytes"]["median"], 80 * MiB) << figures;
	EXPECT_GT(figures["mean_bytes"]["median"], 10 * MiB);
	EXPECT_LT(figures["mean_bytes"]["median"], figures["peak_bytes"]["median"]);
	EXPECT_GT(figures["wall_s"]["median"], .3);
}

TEST_F(Compare, TellsADifferenceFromNoise)
{
	nlohmann::json object = parse_json(
		run(comparing({ "-n", "5", "--with", "glibc,weir[limit=0],weir", "--json", "--",
				"sh", "-c", "case $WEIR_LIMIT in 0) sleep .4;; esac" }))
			.out);
	const nlohmann::json &slow = contender(object, "weir[limit=0]")["wall_s"];

	EXPECT_EQ("more", slow["verdict"]) << slow;
	EXPECT_LE(slow["ratio_low"], slow["ratio"]);
	EXPECT_LE(slow["ratio"], slow["ratio_high"]);
	EXPECT_NE("weir[limit=0]", object["winner"]);
	EXPECT_EQ("noise", contender(object, "glibc")["wall_s"]["verdict"]) << "one's own";
}

TEST_F(Compare, PrefersWhatItIsTold)
{
	std::string script = "case $LD_PRELOAD in *weir*) sleep 1.5;; "
			     "*) dd if=/dev/zero of=/dev/null bs=64M count=1; sleep .3;; esac";
	auto winner = [&](const char *preference) {
		return parse_json(
			run(comparing_script({ "-n", "1", "--json", "-p", preference }, script))
				.out)["winner"];
	};

	EXPECT_EQ("glibc", winner("speed"));
	EXPECT_EQ("weir", winner("memory"));
}

TEST_F(Compare, PrintsATableForPeople)
{
	Outcome outcome = run(comparing_script({}, "exit 0"));

	expect_status(0, outcome);
	EXPECT_EQ("", outcome.err);
	EXPECT_EQ(0U, outcome.out.find("UNDER ")) << outcome.out;
	EXPECT_TRUE(contains(outcome.out, "\nglibc ")) << outcome.out;
	EXPECT_TRUE(contains(outcome.out, "\nweir ")) << outcome.out;
	EXPECT_TRUE(contains(outcome.out, "\nMedians of 5 runs; ")) << outcome.out;
	EXPECT_TRUE(contains(outcome.out, "\nBest for speed: ")) << outcome.out;
	EXPECT_FALSE(contains(outcome.out, "\033"));
}

TEST_F(Compare, DrawsAPlot)
{
	std::string python = find_program({ "python3" });
	std::string parse = "import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])";
	Outcome outcome = run(comparing({ "-n", "5", "--with", "glibc,weir[limit=1M]", "--plot",
					  file("plot.svg"), "sh", "-c", "exit 0", "<&\"" }));
	std::string picture = read_file(file("plot.svg"));

	expect_status(0, outcome);
	EXPECT_EQ(0U, picture.find("<svg "));
	EXPECT_TRUE(contains(picture, "final resident"));
	EXPECT_TRUE(contains(picture, "weir[limit=1M]"));
	EXPECT_FALSE(contains(picture, "nan") || contains(picture, "inf"));
	NEED_FOUND(python, "python3");
	expect_status(0, Launch({ python, "-c", parse, file("plot.svg") }).plain().run());
}

/* How it ends */

TEST_F(Compare, SaysWhereTheStderrOfAFailureIs)
{
	Outcome outcome = run(comparing_script({}, "echo why >&2; exit 3"));
	size_t at = outcome.err.find("its stderr is in ");

	expect_status(1, outcome);
	ASSERT_NE(std::string::npos, at) << outcome.err;
	EXPECT_EQ(0U, outcome.err.find("weir compare: under glibc sh ended with exit status 3, "
				       "not 0; "))
		<< outcome.err;
	EXPECT_EQ(1U, lines_of(outcome.err));
	std::string path = outcome.err.substr(at + 17);

	EXPECT_EQ("why\n", read_file(path.substr(0, path.find('\n'))));
	EXPECT_EQ("", outcome.out);
	EXPECT_TRUE(contains(run(comparing_script({}, "kill -SEGV $$")).err,
			     "was ended by signal 11 (Segmentation fault)"));
}

TEST_F(Compare, TakesTheStatusThatItIsTold)
{
	expect_status(0, run(comparing_script({ "--status", "3", "-n", "1" }, "exit 3")));
	expect_status(1, run(comparing_script({ "--status", "3", "-n", "1" }, "exit 0")));
}

TEST_F(Compare, GoesOnWithoutWhatFails)
{
	Outcome outcome =
		run(comparing({ "-n", "2", "--with", "glibc,weir[limit=1M],weir", "--json", "--",
				"sh", "-c", "case $WEIR_LIMIT in 1M) exit 7;; esac" }));
	nlohmann::json object = parse_json(outcome.out);

	expect_status(5, outcome);
	EXPECT_EQ(1U, lines_of(outcome.err)) << outcome.err;
	EXPECT_TRUE(contains(outcome.err, "under weir[limit=1M] sh ended with exit status 7"));
	EXPECT_EQ(2U, object["contenders"].size());
}

TEST_F(Compare, SaysWhatItCannotRun)
{
	Directory directory;

	write_file(directory.file("data"), "no program\n");
	expect_status(127, run(comparing({ "--", "weir-has-no-such-program" })));
	expect_status(126, run(comparing({ "--", directory.file("data") })));
}

TEST_F(Compare, RefusesWhatItDoesNotUnderstand)
{
	const std::vector<std::vector<std::string>> wrong = {
		{},
		{ "--" },
		{ "-n", "0", "true" },
		{ "-n", "many", "true" },
		{ "--with", "dlmalloc", "true" },
		{ "--with", "glibc,", "true" },
		{ "--with", "glibc[limit=1M]", "true" },
		{ "--with", "weir[limit=1M", "true" },
		{ "--with", "weir[limit=lots]", "true" },
		{ "--with", "weir[limit]", "true" },
		{ "--with", "weir[limits=1M]", "true" },
		{ "--with", "weir+glibc", "true" },
		{ "--with", "/etc/passwd", "true" },
		{ "--prefer", "looks", "true" },
		{ "--status", "256", "true" },
	};

	for (const auto &words : wrong) {
		Outcome outcome = run(comparing(words));

		expect_status(2, outcome);
		EXPECT_EQ(0U, outcome.err.find("weir compare: ")) << outcome.err;
		EXPECT_EQ("", outcome.out);
	}
	EXPECT_TRUE(contains(run(comparing({ "--with", "dlmalloc", "true" })).err,
			     "accepted: glibc, jemalloc,"));
}

TEST_F(Compare, EndsTheProgramWhenItIsInterrupted)
{
	Running running(comparing_script({}, "echo $$ >" + file("pid") + "; sleep 1000; echo")
				.env("TMPDIR", directory_.path()));
	auto program = [&] { return atoi(read_file(file("pid")).c_str()); };

	ASSERT_TRUE(eventually([&] { return fs::exists(file("pid")) && program() > 0; }));
	kill(running.pid(), SIGINT);
	const Outcome &outcome = running.finish();

	EXPECT_EQ(SIGINT, outcome.end.signal) << outcome.describe();
	EXPECT_TRUE(eventually([&] { return has_ended(program()); }));
	EXPECT_EQ("", outcome.err);
	EXPECT_EQ(1, std::distance(fs::directory_iterator(directory_.path()), {}))
		<< "what the program printed is gone";
}

TEST_F(Compare, EndsWhatTheProgramLeavesRunning)
{
	Outcome outcome =
		run(comparing_script({ "-n", "1" }, "sleep 1000 & echo $! >>" + file("pids")));
	std::vector<pid_t> left;
	std::istringstream pids(read_file(file("pids")));

	for (pid_t pid; pids >> pid;)
		left.push_back(pid);
	expect_status(0, outcome);
	EXPECT_EQ(3U, left.size());
	for (pid_t pid : left)
		EXPECT_TRUE(eventually([&] { return has_ended(pid); })) << pid;
}

/* On a terminal */

TEST_F(Compare, ShowsProgressOnATerminalAlone)
{
	std::string script = find_program({ "script" });
	std::string options = " compare -n 1 --with glibc,weir -- true";

	NEED_FOUND(script, "script");
	std::string seen = Launch({ script, "-qec", command_path() + options, "/dev/null" })
				   .plain()
				   .env("TERM", "xterm")
				   .run()
				   .out;

	EXPECT_TRUE(contains(seen, "1/3")) << seen;
	EXPECT_TRUE(contains(seen, "weir\033[K")) << seen;
	EXPECT_EQ("", run(comparing({ "-n", "1", "--with", "glibc,weir", "true" })).err);
}

} // namespace
