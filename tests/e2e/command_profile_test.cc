/* weir profile: what it says of programs of which everything is known, and how its pages look. */
#include "command.h"

#include <csignal>
#include <filesystem>
#include <regex>
#include <set>

using namespace e2e;

namespace
{

namespace fs = std::filesystem;
using nlohmann::json;

bool contains(const std::string &text, const std::string &part)
{
	return text.find(part) != std::string::npos;
}

struct Profile : testing::Test {
	/* With these options, up to `--`, and this program. */
	Launch profile(std::vector<std::string> words)
	{
		words.insert(words.begin(), "profile");
		return command(words).env("TMPDIR", directory.path());
	}

	/* The JSON of a program that is run. */
	json figures(std::vector<std::string> words, int status = 0)
	{
		words.insert(words.begin(), { "--json", "-o", page });
		Outcome outcome = profile(words).run();

		EXPECT_EQ(status, outcome.end.exit_status) << outcome.describe();
		return parse_json(read_file(page));
	}

	/* The same of a puppet that does so. */
	json figures(const std::function<void(Puppet &)> &act, std::vector<std::string> words = {})
	{
		words.insert(words.begin(), { "--json", "-o", page });
		words.insert(words.end(), { "--", victim("puppet") });
		Puppet puppet(profile(words));

		act(puppet);
		EXPECT_TRUE(puppet.finish().succeeded()) << puppet.finish().describe();
		return parse_json(read_file(page));
	}

	/* What is left beside the page. */
	size_t other_files() const
	{
		size_t count = 0;

		for (const auto &entry : fs::directory_iterator(directory.path()))
			count += entry.path() != page;
		return count;
	}

	Directory directory;
	const std::string page = directory.file("page");
};

uint64_t sum(const json &list, const char *field)
{
	uint64_t all = 0;

	for (const json &one : list)
		all += one[field].get<uint64_t>();
	return all;
}

uint64_t of_size(const json &figures, uint64_t bytes, const char *field)
{
	for (const json &size : figures["requests"]["sizes"])
		if (size["up_to_bytes"] == bytes)
			return size[field];
	ADD_FAILURE() << "no size " << bytes;
	return 0;
}

std::vector<std::string> settings(const json &figures)
{
	std::vector<std::string> all;

	for (const json &setting : figures["settings"])
		all.push_back(setting["name"].get<std::string>() + "=" +
			      setting["value"].get<std::string>());
	return all;
}

bool has_setting(const json &figures, const std::string &begin)
{
	for (const std::string &setting : settings(figures))
		if (setting.find(begin) == 0)
			return true;
	return false;
}

/* How it runs */

TEST_F(Profile, LeavesStdoutToTheProgram)
{
	Outcome outcome = profile({ "sh", "-c", "echo out; echo err >&2; exit 7" }).run();

	EXPECT_EQ(7, outcome.end.exit_status) << outcome.describe();
	EXPECT_EQ("out\n", outcome.out);
	EXPECT_EQ(0U, outcome.err.find("err\nweir profile: sh -c")) << outcome.err;
	EXPECT_TRUE(contains(outcome.err, "exit status 7")) << outcome.err;
	EXPECT_EQ(0U, other_files()) << "what it needs is removed";
}

TEST_F(Profile, PutsThePageIntoAFile)
{
	Outcome outcome = profile({ "--output", page, "sh", "-c", "echo err >&2" }).run();

	EXPECT_EQ("err\n", outcome.err);
	EXPECT_EQ(0U, read_file(page).find("weir profile: sh -c"));
}

TEST_F(Profile, EndsAsTheProgramDoes)
{
	Outcome killed = profile({ "sh", "-c", "kill -TERM $$" }).run();
	Outcome missing = profile({ "--", "weir-has-no-such-program" }).run();

	EXPECT_EQ(128 + SIGTERM, killed.end.exit_status) << killed.describe();
	EXPECT_TRUE(contains(killed.err, "ended by signal 15")) << killed.err;
	EXPECT_EQ(127, missing.end.exit_status) << missing.describe();
	EXPECT_EQ(0U, other_files());
}

TEST_F(Profile, EndsWith125WhenItFailsItself)
{
	const std::vector<std::vector<std::string>> wrong = {
		{},
		{ "--" },
		{ "--everything", "true" },
		{ "--most", "lots", "true" },
		{ "--limit", "lots", "true" },
		{ "--output", "/nonexistent/page", "true" },
		{ "--html", "/nonexistent/page", "true" },
		{ "--keep", "/nonexistent/trace", "true" },
	};

	for (const auto &words : wrong) {
		Outcome outcome = profile(words).run();

		EXPECT_EQ(125, outcome.end.exit_status) << outcome.describe();
		EXPECT_TRUE(contains(outcome.err, "weir profile: ")) << outcome.err;
		EXPECT_EQ(0U, other_files());
	}
	Outcome outcome = profile({ "true" }).env("TMPDIR", "/nonexistent").run();

	EXPECT_EQ(125, outcome.end.exit_status) << outcome.describe();
	EXPECT_TRUE(contains(outcome.err, "/nonexistent")) << outcome.err;
}

TEST_F(Profile, KeepsTheTraceForReplay)
{
	std::string trace = directory.file("trace");

	figures([](Puppet &puppet) { puppet.fill(1, 3, MiB); }, { "--keep", trace });
	EXPECT_EQ(0U, fs::file_size(trace) % 65536);
	EXPECT_EQ("wr.Trac1", std::string(read_file(trace)).substr(0, 8));
}

/* What it says */

TEST_F(Profile, CountsWhatTheProgramAskedFor)
{
	json found = figures([](Puppet &puppet) {
		puppet.fill(1, 20, 4 * MiB);
		puppet.free(1, 20);
		puppet.fill(1, 20, 4 * MiB);
		puppet.ask("realloc 1 " + std::to_string(8 * MiB));
		puppet.free(2, 10);
	});
	const json &lives = found["lifetimes"];

	EXPECT_EQ(40U, of_size(found, 4 * MiB, "count")) << found;
	EXPECT_EQ(1U, of_size(found, 8 * MiB, "count"));
	EXPECT_EQ(41U, found["requests"]["count"]);
	EXPECT_EQ(168 * MiB, found["requests"]["bytes"]);
	EXPECT_EQ(1U, found["requests"]["realloc"]);
	EXPECT_EQ(29U, found["frees"]["count"]);
	EXPECT_EQ(0U, found["frees"]["by_another_thread"]);
	EXPECT_EQ(11U, lives.back()["blocks"]) << "those that were never freed";
	EXPECT_EQ(40U, sum(lives, "blocks"));
	EXPECT_EQ(84 * MiB, found["live"]["peak_bytes"]);
	EXPECT_EQ(48 * MiB, found["live"]["last_bytes"]);
	EXPECT_EQ(1U, found["growth"]["reallocs"]);
	EXPECT_EQ(84 * MiB, found["estimates"]["asked_bytes"].get<uint64_t>() - 80 * MiB);
	EXPECT_EQ(80 * MiB, found["estimates"]["found_bytes"]);
	EXPECT_EQ(1U, found["processes"].size());
	EXPECT_EQ("puppet", found["processes"][0]["program"]);
	EXPECT_EQ(0U, found["missing"]["calls"]);
}

TEST_F(Profile, HasTheStatisticsOfTheProcess)
{
	auto act = [](Puppet &puppet) {
		puppet.fill(1, 10, MiB);
		puppet.free(1, 10);
		puppet.fill(1, 10, MiB);
	};
	json found = figures(act);
	json small = figures(act, { "--limit", "2M", "--set", "decay=3s" });

	EXPECT_EQ(1U, found["weir"]["processes"]);
	EXPECT_EQ(20U, found["weir"]["requests"]);
	EXPECT_LE(10U, found["weir"]["hits"].get<uint64_t>());
	EXPECT_EQ(10000U, found["weir"]["decay_ms"]);
	EXPECT_EQ(2 * MiB, small["weir"]["limit_bytes"]);
	EXPECT_EQ(3000U, small["weir"]["decay_ms"]);
	EXPECT_EQ(2 * MiB, small["estimates"]["found_bytes"]);
}

TEST_F(Profile, SeesAllProcesses)
{
	json found =
		figures({ "sh", "-c", "\"$0\" 1 500 1 2 </dev/null; \"$0\" 1 500 1 0 </dev/null",
			  victim("churn") });

	EXPECT_EQ(4U, found["processes"].size()) << found["processes"];
	EXPECT_EQ(found["requests"]["count"], sum(found["processes"], "requests"));
}

/* It was killed, so that it could not write a report. */
TEST_F(Profile, HasThePageOfAProgramThatIsKilled)
{
	Puppet puppet(profile({ "--json", "-o", page, "--", victim("puppet") }));
	pid_t child = 0;

	puppet.fill(1, 5, MiB);
	ASSERT_TRUE(eventually([&] {
		child = (pid_t)std::atoi(read_file("/proc/" + std::to_string(puppet.pid()) +
						   "/task/" + std::to_string(puppet.pid()) +
						   "/children")
						 .c_str());
		return child > 0;
	}));
	kill(child, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, puppet.finish().end.exit_status);
	json found = parse_json(read_file(page));

	EXPECT_EQ((unsigned)SIGKILL, found["signal"]);
	EXPECT_EQ(5U, found["requests"]["count"]);
	EXPECT_EQ(1U, found["missing"]["processes_without_end"]);
	EXPECT_EQ("open", found["processes"][0]["state"]);
}

/* 50,000 blocks, one after the other, of which a part of 1 MiB has room for about 26,000. */
const char many_blocks[] = "import ctypes\n"
			   "malloc = ctypes.CDLL(None).malloc\n"
			   "malloc.restype = ctypes.c_void_p\n"
			   "free = ctypes.CDLL(None).free\n"
			   "free.argtypes = [ctypes.c_void_p]\n"
			   "for _ in range(50000): free(malloc(1 << 17))\n";

TEST_F(Profile, SaysWhatIsMissing)
{
	json found = figures({ "--most", "1M", "--", "python3", "-c", many_blocks });

	EXPECT_LT(20000U, found["missing"]["calls"].get<uint64_t>());
	EXPECT_GT(60000U, found["missing"]["calls"].get<uint64_t>());
	EXPECT_EQ((unsigned)EFBIG, found["missing"]["error"]);
	Outcome outcome = profile({ "--most", "1M", "--", "python3", "-c", many_blocks }).run();

	EXPECT_TRUE(contains(outcome.err, " calls are missing (the trace is as long as it may be)"))
		<< outcome.err;
}

/* Advice */

TEST_F(Profile, RecommendsALimitThatIsEnough)
{
	json found = figures([](Puppet &puppet) {
		for (int round = 0; round < 5; round++) {
			puppet.fill(1, 10, 4 * MiB);
			puppet.free(1, 10);
		}
	});

	EXPECT_TRUE(has_setting(found, "WEIR_LIMIT=48M")) << found["settings"];
	EXPECT_FALSE(has_setting(found, "WEIR_SIGNAL"));
}

/* Maps and writes 256 MiB, and waits until the command that started it has read the list of its
 * mappings since: what that read grows by its length. */
const char direct_program[] =
	"import mmap, os, re\n"
	"memory = mmap.mmap(-1, 256 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
	"for at in range(0, 256 << 20, 4096): memory[at] = 1\n"
	"def read():\n"
	"    with open(f'/proc/{os.getppid()}/io') as io:\n"
	"        return int(re.search(r'rchar: (\\d+)', io.read())[1])\n"
	"with open('/proc/self/smaps') as smaps: length = len(smaps.read())\n"
	"start = read()\n"
	"while read() < start + 3 * length: pass\n";

TEST_F(Profile, SaysWhenWeirCannotHelp)
{
	json found = figures({ "--", "python3", "-c", direct_program });

	EXPECT_EQ("cannot-help", found["verdict"]) << found["memory_at_peak"];
	EXPECT_LE(256 * MiB, found["memory_at_peak"]["direct"].get<uint64_t>());
	EXPECT_TRUE(contains(found["summary"], "it cannot help here"));
	EXPECT_EQ(0U, found["settings"].size());
}

/* Live blocks, while they are; and a program that handles the signal. */
TEST_F(Profile, SeesWhatIsWeirs)
{
	json found = figures(
		{ "--", "python3", "-c",
		  std::string("import signal\n"
			      "signal.signal(signal.SIGUSR1, lambda *_: None)\n"
			      "block = bytearray(200 << 20)\n"
			      "for at in range(0, 200 << 20, 4096): block[at] = 1\n") +
			  std::regex_replace(direct_program, std::regex("256 << 20"), "4096") });
	const json &peak = found["memory_at_peak"];

	EXPECT_LE(200 * MiB, peak["weir"].get<uint64_t>()) << peak;
	EXPECT_GE(220 * MiB, peak["weir"].get<uint64_t>());
	EXPECT_LE(200 * MiB, peak["live_bytes"].get<uint64_t>());
	EXPECT_GE(100 * MiB, peak["direct"].get<uint64_t>());
	EXPECT_EQ(1U, peak["processes"]);
	EXPECT_EQ(0U, peak["processes_without_weir"]);
	EXPECT_TRUE(has_setting(found, "WEIR_SIGNAL=RTMIN+18")) << found["settings"];
}

/* Pages */

TEST_F(Profile, PrintsAPageForPeople)
{
	Puppet puppet(profile({ "-o", page, "--", victim("puppet") }).env("LC_ALL", "C.UTF-8"));

	puppet.fill(1, 10, 4 * MiB);
	puppet.free(1, 10);
	puppet.finish();
	std::string text = read_file(page);

	for (const char *part :
	     { "Large requests\n", "10 of 40.0 MiB in all: malloc 10, calloc 0, realloc 0",
	       "4.0 MiB           10  100.0 %     40.0 MiB  ######", "Lifetimes of blocks\n",
	       "peak 40.0 MiB at ", "\u2588", "0.0 % of 10 frees were by another thread",
	       "Resident memory when it was most\n", "Settings\n" })
		EXPECT_TRUE(contains(text, part)) << part << "\n" << text;
	for (char c : text)
		ASSERT_TRUE(c == '\n' || (unsigned char)c >= ' ') << text;
}

/* All fields of JSON that are not of a list's element beyond the first. */
void collect(const json &from, std::set<std::string> *names)
{
	if (from.is_array() && !from.empty())
		collect(from[0], names);
	if (!from.is_object())
		return;
	for (const auto &member : from.items()) {
		names->insert(member.key());
		collect(member.value(), names);
	}
}

TEST_F(Profile, DocumentsEachField)
{
	std::string text = read_file(source_file("docs/PROFILE.md"));
	std::set<std::string> names;

	collect(figures([](Puppet &puppet) {
			puppet.fill(1, 10, MiB);
			puppet.free(1, 10);
			puppet.fill(1, 10, MiB);
		}),
		&names);
	EXPECT_LT(60U, names.size());
	for (const std::string &name : names)
		EXPECT_TRUE(contains(text, "`" + name + "`")) << name;
}

struct Browser : Profile {
	/* A page of a puppet with the trimmings. */
	void SetUp() override
	{
		browser = found_browser();
		NEED_FOUND(browser, "chromium");
		Puppet puppet(profile({ "-o", page, "--html", html, "--", victim("puppet") }));

		for (int round = 0; round < 3; round++) {
			puppet.fill(1, 10, (1U << round) * MiB);
			puppet.free(1, 10);
		}
		ASSERT_TRUE(eventually([&] {
			puppet.ask("check");
			return was_looked_at(puppet.pid());
		}));
		puppet.finish();
	}

	/* Debian's is a script. */
	static std::string found_browser()
	{
		std::string path =
			Launch({ "sh", "-c", "command -v chromium google-chrome | head -n 1" })
				.plain()
				.run()
				.out;

		return path.substr(0, path.find('\n'));
	}

	/* The command has looked at the program's memory, which takes that much of reading. */
	static bool was_looked_at(pid_t pid)
	{
		std::string io = read_file("/proc/" + std::to_string(pid) + "/io");

		return std::stoul(io.substr(io.find("rchar: ") + 7)) > 200000;
	}

	/* Without network, and without anything of its users. */
	Outcome browse(std::vector<std::string> words)
	{
		words.insert(words.begin(),
			     { browser, "--headless=new", "--no-sandbox", "--disable-gpu",
			       "--disable-dev-shm-usage", "--disable-background-networking",
			       "--proxy-server=127.0.0.1:9", "--enable-logging=stderr",
			       "--user-data-dir=" + directory.file("browser") });
		words.push_back("file://" + html);
		return Launch(words).plain().env("HOME", directory.path()).run();
	}

	std::string browser;
	const std::string html = directory.file("page.html");
};

size_t count_of(const std::string &text, const std::string &part)
{
	size_t count = 0;

	for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
		count++;
	return count;
}

TEST_F(Browser, ShowsAllFigures)
{
	Outcome outcome = browse({ "--dump-dom" });
	const std::string &dom = outcome.out;

	ASSERT_EQ(0, outcome.end.exit_status) << outcome.describe();
	for (const char *part :
	     { "id=\"figures\"", "id=\"settings\"", "id=\"memory\"", "<td class=\"n\">30</td>",
	       "WEIR_LIMIT=", "up to 4.0 MiB: 10 requests, 40.0 MiB" })
		EXPECT_TRUE(contains(dom, part)) << part << "\n" << dom;
	for (const char *title :
	     { "large requests by size", "lifetimes of blocks", "live bytes over time",
	       "found under each limit", "resident memory over time" })
		EXPECT_TRUE(contains(dom, "<title>" + std::string(title))) << title;
	EXPECT_LE(2U, count_of(dom, "<polyline"));
	EXPECT_LT(20U, count_of(dom, "<rect"));
	EXPECT_FALSE(contains(dom, "NaN"));
	EXPECT_FALSE(contains(outcome.err, "CONSOLE")) << outcome.err;
}

/* Nothing but the file itself, and names of name spaces. */
TEST_F(Browser, NeedsNothingFromElsewhere)
{
	std::string text = std::regex_replace(read_file(html), std::regex("xmlns=\"[^\"]*\""), "");

	for (const char *part : { "http:", "https:", "//", "<script", "<link", "url(", "@import" })
		EXPECT_FALSE(contains(text, part)) << part;
}

/* As many blue pixels as the bars have: three of a size, those of limits. */
TEST_F(Browser, PaintsThePictures)
{
	std::string shot = directory.file("shot.png");
	Outcome outcome = browse({ "--window-size=1000,2600", "--screenshot=" + shot });

	ASSERT_EQ(0, outcome.end.exit_status) << outcome.describe();
	std::string convert = find_program({ "convert", "magick" });

	NEED_FOUND(convert, "ImageMagick");
	Outcome pixels =
		Launch({ convert, shot, "-fill", "black", "+opaque", "#0072b2", "-fill", "white",
			 "-opaque", "#0072b2", "-format", "%[fx:mean*w*h]", "info:" })
			.plain()
			.run();

	ASSERT_EQ(0, pixels.end.exit_status) << pixels.describe();
	EXPECT_LT(150000.0, std::stod(pixels.out)) << "bars of the pictures are there";
}

} // namespace
