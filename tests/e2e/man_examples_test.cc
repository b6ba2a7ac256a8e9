/* The examples of weir(1) work as they stand there: lines that begin with `$ `. */
#include "command.h"

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

using namespace e2e;

namespace
{

namespace fs = std::filesystem;

/* As man shows it. */
std::string plain(std::string line)
{
	static const std::pair<const char *, const char *> escapes[] = {
		{ R"(\\f(\(..|\[[A-Z]*\]|.))", "" },
		{ R"(\\&)", "" },
		{ R"(\\-)", "-" },
		{ R"(\\\(aq)", "'" },
		{ R"(\\\(dq)", "\"" },
		{ R"(\\e|\\\(rs)", "\\" },
	};

	for (const auto &escape : escapes)
		line = std::regex_replace(line, std::regex(escape.first), escape.second);
	return line;
}

std::vector<std::string> examples()
{
	std::ifstream page(source_file("man/weir.1"));
	std::vector<std::string> examples;

	for (std::string line; std::getline(page, line);)
		if (line.rfind("$ ", 0) == 0)
			examples.push_back(plain(line.substr(2)));
	return examples;
}

/* What the examples call $PID: it holds blocks, retains others and can be asked. */
class Example : private Directory, public testing::TestWithParam<std::string>
{
protected:
	Outcome run()
	{
		std::string python = python_with_numpy();
		Interpreter target(python_interpreter(python).env("WEIR_SOCKET", file("socket")));
		std::string weir = fs::path(command_path()).parent_path();
		std::string own = fs::path(python).parent_path();

		target.tell("kept = np.ones(1 << 20)");
		target.tell("made = [np.ones(1 << 20) for i in range(10)]");
		target.tell("del made");
		ask_socket(file("socket"), "ping");
		return Launch({ "sh", "-c", GetParam() })
			.plain()
			.in(Directory::path())
			.env("PATH", weir + ":" + own + ":" + std::getenv("PATH"))
			.env("PID", std::to_string(target.pid()))
			.env("WEIR_SOCKET_DIR", Directory::path())
			.seconds(20)
			.run();
	}
};

TEST_P(Example, Works)
{
	NEED_FOUND(python_with_numpy(), "python3 with numpy");
	NEED_FOUND(find_library("libjemalloc.so.2"), "libjemalloc");
	Outcome outcome = run();

	EXPECT_TRUE(outcome.succeeded()) << GetParam() << "\n" << outcome.describe();
	EXPECT_EQ("", outcome.err) << GetParam();
	EXPECT_NE("", outcome.out) << GetParam();
}

INSTANTIATE_TEST_SUITE_P(ManPage, Example, testing::ValuesIn(examples()));

TEST(Examples, AreThereForEveryCommand)
{
	static const std::regex entry("\n  ([a-z]+) +[a-z]");
	std::string help = command_output({ "help" });
	std::set<std::string> shown;

	for (const std::string &example : examples())
		shown.insert(example.substr(0, example.find(' ', strlen("weir "))));
	for (std::sregex_iterator at(help.begin(), help.end(), entry), end; at != end; ++at)
		EXPECT_EQ(1U, shown.count("weir " + (*at)[1].str())) << (*at)[1];
}

} // namespace
