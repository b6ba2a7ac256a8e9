/* The blocks of docs/containers.md that are commands do what the text says, as they stand there. */
#include "command.h"
#include "snippet.h"

#include <filesystem>
#include <regex>
#include <sstream>

using namespace e2e;

namespace
{

namespace fs = std::filesystem;

std::string block(const std::string &name)
{
	return snippet("docs/containers.md", "tests/e2e/containers_doc_test.cc", name);
}

/* Runs a block by a shell that stops at the first command that fails. */
Outcome run_block(const std::string &name, const std::map<std::string, std::string> &variables)
{
	std::string weir = fs::path(command_path()).parent_path();
	Launch launch = Launch({ "sh", "-e", "-c", block(name) })
				.plain()
				.env("PATH", weir + ":" + std::getenv("PATH"));

	for (const auto &variable : variables)
		launch.env(variable.first, variable.second);
	return launch.run();
}

/* A process that retains 20 MiB, and what a block about it prints, in the order of `patterns`. */
class Runbook : public testing::Test
{
protected:
	void SetUp() override
	{
		process_.fill(1, 8, 5 * MiB);
		process_.free(1, 4);
	}
	void expect_output(const std::string &name, const std::vector<std::string> &patterns)
	{
		Outcome outcome = run_block(name, { { "PID", std::to_string(process_.pid()) },
						    { "SOCKET", process_.socket() } });
		std::string rest = outcome.out;
		std::smatch found;

		EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
		EXPECT_EQ("", outcome.err);
		for (const std::string &pattern : patterns) {
			ASSERT_TRUE(std::regex_search(rest, found, std::regex(pattern)))
				<< pattern << "\n"
				<< outcome.describe();
			rest = found.suffix();
		}
	}
	std::string pid() const { return std::to_string(process_.pid()); }
	uint64_t retained() const { return status_of(process_.pid()).number("retained_bytes"); }

	Served process_{ puppet().env("WEIR_LIMIT", "100M") };
};

TEST_F(Runbook, SaysWhoHoldsWhat)
{
	expect_output("who",
		      { "RETAINED", "\n *" + pid() + " +puppet .* 20\\.[0-9] MiB +100\\.0 MiB",
			"retained +20\\.[0-9] MiB" });
}

TEST_F(Runbook, ReleasesInTwoSteps)
{
	expect_output("release", { "released 5\\.[0-9] MiB|released 4\\.[0-9] MiB",
				   "released 16\\.0 MiB|released 15\\.[0-9] MiB" });
	EXPECT_EQ(0U, retained());
}

TEST_F(Runbook, SetsALimitThatStays)
{
	expect_output("set", { "WEIR_LIMIT +32M +set", "WEIR_DECAY +2s +set" });
}

TEST_F(Runbook, AsksWhatWeirDoesNotSee)
{
	expect_output("doctor", { "ok" });
}

TEST_F(Runbook, ReleasesOverASocketWithoutTheCommand)
{
	expect_output("socket", { "ok released_bytes=" + std::to_string(4 * counted(5 * MiB)),
				  "ok WEIR_LIMIT=64M\tset",
				  "\n" + std::to_string(4 * counted(5 * MiB) + counted(64 * KiB)) +
					  "\n0\n" });
}

TEST(Settings, ThatAreAdvisedAreAllInForce)
{
	Directory sockets;
	Launch launch = puppet().env("WEIR_SOCKET_DIR", sockets.path());
	std::istringstream lines(block("settings"));
	std::vector<std::string> names;

	for (std::string line; std::getline(lines, line);) {
		std::string name = line.substr(0, line.find('='));

		if (name == "LD_PRELOAD") {
			EXPECT_EQ(fs::path(std::getenv("LIBWEIR_PATH")).filename(),
				  line.substr(name.size() + 1));
			continue;
		}
		launch.env(name, line.substr(name.size() + 1));
		names.push_back(name);
	}
	Puppet process(launch);
	std::string config;

	process.fill(1, 1, MiB);
	config = command_output({ "config", std::to_string(process.pid()) });
	EXPECT_EQ(4U, names.size());
	for (const std::string &name : names)
		EXPECT_TRUE(std::regex_search(config, std::regex(name + " +[^ ]+ +environment")))
			<< name << "\n"
			<< config;
	EXPECT_EQ("", process.finish().err);
}

} // namespace
