/* weir run: what reaches the program, and what it says of programs that weir cannot be
 * preloaded into. */
#include "command.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

using namespace e2e;

namespace
{

namespace fs = std::filesystem;

bool contains(const std::string &text, const std::string &part)
{
	return text.find(part) != std::string::npos;
}

/* weir run with these options and words. */
Launch running(std::vector<std::string> words)
{
	words.insert(words.begin(), "run");
	return command(words);
}

void expect_status(int status, const Outcome &outcome)
{
	EXPECT_EQ(status, outcome.end.exit_status) << outcome.describe();
}

/* Ends well where weir is loaded in the process that this is expanded in. */
const std::string is_loaded = "grep -q libweir /proc/$$/maps";
/* The same in a child. */
const std::string child_is_loaded = "grep -q libweir /proc/self/maps";

/* Settings */

TEST(Run, SetsWhatTheOptionsSay)
{
	Directory directory;
	Puppet puppet(running({ "--limit", "48M", "--preset=moderate", "--set", "decay=3s", "--set",
				"WEIR_REPORT=exit:" + directory.file("report"), "--socket", "--set",
				"socket-dir=" + directory.path(), "--", victim("puppet") }));

	puppet.fill(1, 20, 4 * MiB);
	puppet.free(1, 20);
	auto config = command_json({ "config", "--json", std::to_string(puppet.pid()) });

	EXPECT_EQ("48M", config["WEIR_LIMIT"]["value"]);
	EXPECT_EQ("environment", config["WEIR_LIMIT"]["origin"]);
	EXPECT_EQ("32M", config["WEIR_MAX"]["value"]);
	EXPECT_EQ("preset", config["WEIR_MAX"]["origin"]);
	EXPECT_EQ("3s", config["WEIR_DECAY"]["value"]);
	EXPECT_TRUE(eventually([&] { return listed(puppet.pid())["channel"] == "socket"; }));
	EXPECT_EQ(directory.path(), fs::path(status_of(puppet.pid()).text("socket")).parent_path());
	puppet.finish();
	Report report(read_file(directory.file("report")));

	EXPECT_EQ(48 * MiB, report.number("limit_bytes"));
	EXPECT_EQ(static_cast<uint64_t>(puppet.pid()), report.number("pid"));
	EXPECT_LE(report.number("peak_retained_bytes"), 48 * MiB);
}

TEST(Run, TakesTheLastOfTwoSettings)
{
	Outcome outcome = running({ "--limit=1M", "--set", "limit=2M", "--limit", "3M", "sh", "-c",
				    "echo $WEIR_LIMIT" })
				  .env("WEIR_LIMIT", "4M")
				  .run();

	EXPECT_EQ("3M\n", outcome.out);
}

TEST(Run, LeavesWhatStandsBehindTheProgramToIt)
{
	EXPECT_EQ("--limit 5\n", running({ "echo", "--limit", "5" }).run().out);
	EXPECT_EQ("-- x\n", running({ "--limit=1M", "--", "echo", "--", "x" }).run().out);
}

/* LD_PRELOAD */

TEST(Run, KeepsWhatIsPreloadedAlreadyBehindWeir)
{
	std::string early = victim_library("early.so");
	Outcome outcome =
		running({ "sh", "-c", "echo $LD_PRELOAD; " + is_loaded }).behind(early).run();

	expect_status(0, outcome);
	EXPECT_EQ(std::getenv("LIBWEIR_PATH") + (":" + early + "\n"), outcome.out);
}

TEST(Run, NamesWeirOnce)
{
	std::string weir = std::getenv("LIBWEIR_PATH");
	Outcome outcome = running({ command_path(), "run", "sh", "-c", "echo $LD_PRELOAD" }).run();

	EXPECT_EQ(weir + "\n", outcome.out);
}

TEST(Run, PutsTheBackendBehindWeir)
{
	const struct {
		const char *name;
		const char *library;
	} backends[] = { { "jemalloc", "libjemalloc.so.2" },
			 { "mimalloc", "libmimalloc.so.2.0" },
			 { "tcmalloc", "libtcmalloc_minimal.so.4" } };

	for (const auto &backend : backends) {
		NEED_FOUND(find_library(backend.library), backend.library);
		Puppet puppet(running({ "--backend", backend.name, "--", victim("puppet") })
				      .behind(victim_library("early.so")));

		puppet.ask("malloc 1 1000");
		puppet.fill(2, 2, MiB);
		EXPECT_TRUE(contains(status_of(puppet.pid()).text("backend"), backend.name))
			<< status_of(puppet.pid()).text("backend");
		EXPECT_EQ(MiB + 1000, puppet.ask("check"));
	}
	EXPECT_TRUE(contains(
		running({ "-b", find_library("libjemalloc.so.2"), "sh", "-c", "echo $LD_PRELOAD" })
			.run()
			.out,
		"libweir.so.0:/"));
}

TEST(Run, KeepsWeirOutOfChildrenWhenOnly)
{
	expect_status(0, running({ "sh", "-c", is_loaded + " && " + child_is_loaded }).run());
	expect_status(
		0, running({ "--only", "sh", "-c", is_loaded + " && ! " + child_is_loaded }).run());
	EXPECT_EQ(victim_library("early.so") + "\n",
		  running({ "--only", "sh", "-c", "echo $LD_PRELOAD" })
			  .behind(victim_library("early.so"))
			  .run()
			  .out)
		<< "what others preload stays";
}

/* How it ends */

TEST(Run, EndsAsTheProgramDoes)
{
	expect_status(7, running({ "sh", "-c", "exit 7" }).run());
	expect_status(0, running({ "true" }).run());
	EXPECT_EQ(SIGTERM, running({ "sh", "-c", "kill -TERM $$" }).run().end.signal);
}

TEST(Run, EndsAsEnvDoesWithoutAProgram)
{
	Directory directory;

	write_file(directory.file("data"), "no program\n");
	expect_status(127,
		      running({ "--", "weir-has-no-such-program" }).env("PATH", "/usr/bin").run());
	expect_status(127, running({ directory.file("missing") }).run());
	expect_status(126, running({ directory.file("data") }).run());
	expect_status(126, running({ directory.path() }).run());
}

TEST(Run, EndsWith125WhenItFailsItself)
{
	const std::vector<std::vector<std::string>> wrong = {
		{},
		{ "--" },
		{ "--limit" },
		{ "--everything", "true" },
		{ "--limit", "lots", "true" },
		{ "--preset", "huge", "true" },
		{ "--set", "limit", "true" },
		{ "--set", "limits=1M", "true" },
		{ "--set", "signal=SEGV", "true" },
		{ "--backend", "nothing", "true" },
		{ "--backend", "/etc/passwd", "true" },
	};

	for (const auto &words : wrong) {
		Outcome outcome = running(words).run();

		expect_status(125, outcome);
		EXPECT_EQ(0U, outcome.err.find("weir run: ")) << outcome.err;
	}
}

/* Programs that cannot be preloaded into */

std::string compile_static(const Directory &directory)
{
	std::string gcc = find_program({ "gcc" });

	write_file(directory.file("p.c"),
		   "#include <string.h>\n#include <unistd.h>\n"
		   "int main(int n, char **a)\n"
		   "{ return n > 1 && !strcmp(a[1], \"wait\") ? pause() : 7; }\n");
	if (gcc.empty() || !Launch({ gcc, "-static", "-o", "static", "p.c" })
				    .plain()
				    .in(directory.path())
				    .run()
				    .succeeded())
		return "";
	return directory.file("static");
}

TEST(Run, SaysThatAProgramIsStaticAndRunsIt)
{
	Directory directory;
	std::string program = compile_static(directory);

	NEED_FOUND(program, "gcc with a static C library");
	Outcome outcome = running({ program }).run();

	expect_status(7, outcome);
	EXPECT_EQ("weir run: " + program +
			  " is linked statically: nothing can be preloaded into "
			  "it; it runs without weir\n",
		  outcome.err);
}

/* Another user's file for root, root's for everybody else; empty where none lends rights. */
std::string lending_program(const Directory &directory)
{
	std::string copy = directory.file("lending");
	struct statvfs mounted = {};

	if (geteuid() != 0)
		return find_program({ "su", "mount", "passwd" });
	if (statvfs(directory.path().c_str(), &mounted) != 0 || (mounted.f_flag & ST_NOSUID) != 0)
		return "";
	fs::copy_file(find_program({ "true" }), copy);
	if (chown(copy.c_str(), 65534, 65534) != 0 || chmod(copy.c_str(), 04755) != 0)
		return "";
	fs::permissions(directory.path(), fs::perms(0755));
	return copy;
}

TEST(Run, SaysThatAProgramLendsRightsAndRunsIt)
{
	Directory directory;
	std::string program = lending_program(directory);

	if (program.empty())
		GTEST_SKIP() << "no program here lends rights";
	Outcome outcome = running({ program, "--version" }).run();

	expect_status(0, outcome);
	EXPECT_EQ(0U, outcome.err.find("weir run: " + program +
				       " runs with its owner's rights (set-user-id"))
		<< outcome.err;
}

TEST(Run, LooksAtTheInterpreterOfAScript)
{
	Directory directory;
	auto script = [&](const std::string &first_line) {
		write_file(directory.file("script"), first_line + "\n" + is_loaded + "\n");
		fs::permissions(directory.file("script"), fs::perms(0755));
		return directory.file("script");
	};
	std::string interpreter = compile_static(directory);

	for (const char *line : { "#!/bin/sh", "#!/usr/bin/env sh", "# the shell's" }) {
		Outcome outcome = running({ script(line) }).run();

		expect_status(0, outcome);
		EXPECT_EQ("", outcome.err) << line;
	}
	EXPECT_TRUE(contains(running({ "--only", script("#!/usr/bin/env sh") }).run().err,
			     "is started by env, so that --only holds for env alone"));
	NEED_FOUND(interpreter, "gcc with a static C library");
	EXPECT_TRUE(contains(running({ script("#!" + interpreter) }).run().err,
			     interpreter + " is linked statically"));
}

/* weir doctor */

struct Diagnosis {
	nlohmann::json checks;
	int status;

	/* The result of a check, and with it what it found and advises. */
	std::string result(const std::string &name) const { return of(name, "result"); }
	std::string of(const std::string &name, const std::string &member) const
	{
		for (const nlohmann::json &check : checks)
			if (check.at("check") == name)
				return check.value(member, "");
		return "";
	}
};

Diagnosis examine(const Launch &doctor)
{
	Outcome outcome = doctor.run();
	nlohmann::json sheet = parse_json(outcome.out);
	size_t problems = 0;

	for (const nlohmann::json &check : sheet["checks"])
		problems += check["result"] == "problem";
	EXPECT_EQ(problems, sheet["problems"]) << sheet;
	EXPECT_EQ(problems == 0 ? 0 : 1, outcome.end.exit_status) << outcome.describe();
	return { sheet["checks"], outcome.end.exit_status };
}

Diagnosis examine(const Running &process)
{
	return examine(command({ "doctor", "--json", std::to_string(process.pid()) }));
}

Diagnosis examine_program(const std::string &program)
{
	return examine(command({ "doctor", "--json", "--", program }));
}

void expect_problem(const Diagnosis &diagnosis, const std::string &check,
		    const std::string &finding)
{
	EXPECT_EQ("problem", diagnosis.result(check)) << diagnosis.checks;
	EXPECT_TRUE(contains(diagnosis.of(check, "finding"), finding)) << diagnosis.checks;
	EXPECT_NE("", diagnosis.of(check, "advice") + (check == "library" ? "-" : ""));
}

TEST(Doctor, FindsAHealthyProcess)
{
	Puppet puppet(e2e::puppet());

	puppet.fill(1, 2, MiB);
	Diagnosis diagnosis = examine(puppet);

	EXPECT_EQ(0, diagnosis.status);
	for (const char *check : { "library", "state", "signal", "limit", "hits" })
		EXPECT_EQ("ok", diagnosis.result(check)) << check << diagnosis.checks;
}

TEST(Doctor, FindsThatWeirIsNotLoaded)
{
	Running sleep(Launch({ "sleep", "60" }).plain());
	Diagnosis diagnosis = examine(sleep);

	expect_problem(diagnosis, "library", "not under weir");
	expect_problem(diagnosis, "preload", "LD_PRELOAD is not in its environment");
	EXPECT_EQ("ok", diagnosis.result("program"));
}

TEST(Doctor, FindsAnotherPreload)
{
	Running cat(Launch({ "cat" }).plain().behind(victim_library("early.so")));

	cat.say("started");
	EXPECT_EQ("started", cat.hear());
	expect_problem(examine(cat), "preload", "does not name weir");
}

/* What LD_PRELOAD of a process names is looked for in that process's file system, and only a
 * file is opened. */
TEST(Doctor, LooksForTheLibraryWhereTheProcessIs)
{
	Directory directory;
	std::string root = directory.file("root"), library = root + "/libweir.so";
	std::string perl = find_program({ "perl" });

	NEED_FOUND(perl, "perl");
	if (geteuid() != 0)
		GTEST_SKIP() << "only root may change the root";
	fs::create_directory(root);
	Running inside(
		Launch({ perl, "-e", "chroot $ARGV[0]; $| = 1; print \"in\\n\"; <STDIN>", root })
			.plain()
			.behind("/libweir.so"));
	auto result = [&] {
		Diagnosis diagnosis = examine(inside);

		fs::remove(library);
		return diagnosis.result("preload");
	};

	ASSERT_EQ("in", inside.hear());
	fs::copy_file(std::getenv("LIBWEIR_PATH"), root + "/real.so");
	fs::create_symlink("/real.so", library);
	EXPECT_EQ("note", result());
	fs::create_symlink(std::getenv("LIBWEIR_PATH"), library);
	EXPECT_EQ("problem", result());
	ASSERT_EQ(0, mkfifo(library.c_str(), 0600));
	EXPECT_EQ("problem", result());
}

TEST(Doctor, FindsAStaticProgram)
{
	Directory directory;
	std::string program = compile_static(directory);

	NEED_FOUND(program, "gcc with a static C library");
	Running running(Launch({ program, "wait" }));

	EXPECT_TRUE(eventually([&] {
		return fs::read_symlink("/proc/" + std::to_string(running.pid()) + "/exe") ==
		       program;
	}));
	expect_problem(examine(running), "program", "is linked statically");
	expect_problem(examine_program(program), "program", "is linked statically");
}

TEST(Doctor, FindsThatWeirIsOff)
{
	Puppet disabled(e2e::puppet().env("WEIR_DISABLE", "1"));
	Puppet unnamed(e2e::puppet().env("WEIR_PROGRAMS", "node,python*"));

	expect_problem(examine(disabled), "state", "weir is off there: WEIR_DISABLE");
	expect_problem(examine(unnamed), "state", "WEIR_PROGRAMS=node,python*");
}

TEST(Doctor, FindsThatNothingLargeWasAskedFor)
{
	Puppet puppet(e2e::puppet());
	Diagnosis diagnosis = examine(puppet);

	EXPECT_EQ(0, diagnosis.status);
	EXPECT_EQ("note", diagnosis.result("state"));
	EXPECT_TRUE(contains(diagnosis.of("state", "finding"), "WEIR_MIN=64K"));
}

TEST(Doctor, FindsThatTheProgramHasTheSignal)
{
	Puppet puppet(e2e::puppet().behind(victim_library("early.so")).env("EARLY_HANDLER", "1"));

	puppet.fill(1, 1, MiB);
	expect_problem(examine(puppet), "signal", "handles or ignores WEIR_SIGNAL itself");
}

TEST(Doctor, FindsALimitThatIsTooSmall)
{
	Served puppet(e2e::puppet().env("WEIR_LIMIT", "2M"));

	for (int i = 0; i < 5; i++) {
		puppet.fill(1, 1, 8 * MiB);
		puppet.free(1, 1);
	}
	Diagnosis before = examine(puppet);
	std::string advice = before.of("limit", "advice");

	expect_problem(before, "limit", "WEIR_LIMIT is 2.0 MiB: they are cut");
	ASSERT_EQ(0U, advice.find("weir set " + std::to_string(puppet.pid()) + " limit="));
	EXPECT_TRUE(Launch({ "sh", "-c",
			     "PATH=" + fs::path(command_path()).parent_path().string() +
				     ":$PATH; " + advice })
			    .plain()
			    .run()
			    .succeeded());
	EXPECT_EQ("ok", examine(puppet).result("limit")) << "the advice helps";
}

TEST(Doctor, LooksAtProgramsBeforeTheyStart)
{
	Directory directory;
	std::string lending = lending_program(directory);
	Diagnosis fine = examine_program("true");

	EXPECT_EQ(0, fine.status);
	EXPECT_EQ("ok", fine.result("program"));
	EXPECT_EQ("note", fine.result("library"));
	expect_problem(examine_program(directory.file("missing")), "program", "is not there");
	if (!lending.empty())
		expect_problem(examine_program(lending), "program", "set-user-id");
}

TEST(Doctor, LooksAtTheEnvironmentOfWhatIsToStart)
{
	auto doctor = [] { return command({ "doctor", "--json", "--", "true" }); };

	expect_problem(examine(doctor().env("WEIR_PROGRAMS", "node")), "switch",
		       "WEIR_PROGRAMS=node leaves true out");
	expect_problem(examine(doctor().env("WEIR_LIMIT", "lots")), "settings", "WEIR_LIMIT=lots");
	expect_problem(examine(doctor().env("WEIR_LIMIT", "0")), "limit", "WEIR_LIMIT is 0");
	expect_problem(examine(doctor().env("LD_PRELOAD", "/missing/libweir.so.0")), "library",
		       "which is no library");
}

TEST(Doctor, KnowsProgramsThatUseTheSignal)
{
	std::string node = find_program({ "node" });
	auto doctor = [&] { return command({ "doctor", "--json", "--", node }); };

	NEED_FOUND(node, "node");
	expect_problem(examine(doctor()), "signal", "on SIGUSR1 node opens its debugger");
	EXPECT_EQ("ok", examine(doctor().env("WEIR_SIGNAL", "RTMIN+18")).result("signal"));
}

TEST(Doctor, FindsAnAllocatorBeforeWeir)
{
	std::string other = find_library("libjemalloc.so.2");

	NEED_FOUND(other, "libjemalloc");
	expect_problem(examine(command({ "doctor", "--json", "--", "true" })
				       .behind(other)
				       .behind(std::getenv("LIBWEIR_PATH"))),
		       "order", "libjemalloc.so.2 before weir");
}

TEST(Doctor, SaysTheSameToPeople)
{
	Running sleep(Launch({ "sleep", "60" }).plain());
	std::string sheet = command_output({ "doctor", std::to_string(sleep.pid()) }, 1);

	EXPECT_EQ(0U, sheet.find("problem  library    not under weir")) << sheet;
	EXPECT_TRUE(contains(sheet, "\n                    -> ")) << sheet;
	EXPECT_FALSE(contains(sheet, "\033"));
}

} // namespace
