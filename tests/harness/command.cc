#include "command.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace e2e
{

namespace
{

constexpr char python_work[] = "import sys, numpy as np\n"
			       "print('ok', flush=True)\n"
			       "for line in sys.stdin:\n"
			       "    exec(line)\n"
			       "    print('ok', flush=True)\n";

constexpr char node_work[] = "console.log('ok');\n"
			     "require('readline').createInterface({ input: process.stdin })\n"
			     "  .on('line', line => { (0, eval)(line); console.log('ok'); });\n";

std::string directory_of(const char *variable)
{
	const char *directory = std::getenv(variable);

	if (directory == nullptr || *directory == '\0')
		throw std::runtime_error(std::string(variable) +
					 " is not set; run through make check");
	return directory;
}

bool has_numpy(const std::string &python)
{
	return !python.empty() &&
	       Launch({ python, "-c", "import numpy" }).plain().run().succeeded();
}

std::string find_python()
{
	for (const std::string &python :
	     { std::string("/usr/bin/python3"), find_program({ "python3" }) })
		if (has_numpy(python))
			return python;
	return "";
}

} // namespace

std::string command_path()
{
	return directory_of("LIBWEIR_BUILDDIR") + "/weir";
}

std::string source_file(const std::string &name)
{
	return directory_of("LIBWEIR_SRCDIR") + "/" + name;
}

Launch command(const std::vector<std::string> &arguments)
{
	std::vector<std::string> argv = { command_path() };

	argv.insert(argv.end(), arguments.begin(), arguments.end());
	return Launch(argv).plain();
}

Outcome run_command(const std::vector<std::string> &arguments)
{
	return command(arguments).run();
}

std::string command_output(const std::vector<std::string> &arguments, int status)
{
	Outcome outcome = run_command(arguments);

	EXPECT_EQ(status, outcome.end.exit_status)
		<< "weir " << arguments[0] << ": " << outcome.describe();
	return outcome.out;
}

nlohmann::json parse_json(const std::string &text)
{
	nlohmann::json parsed = nlohmann::json::parse(text, nullptr, false);

	if (parsed.is_discarded())
		ADD_FAILURE() << "no JSON: " << text;
	return parsed;
}

nlohmann::json command_json(const std::vector<std::string> &arguments, int status)
{
	return parse_json(command_output(arguments, status));
}

Report status_of(pid_t pid)
{
	return Report(command_output({ "status", "--json", std::to_string(pid) }));
}

nlohmann::json listed(pid_t pid)
{
	for (const nlohmann::json &process : command_json({ "ps", "--json" }))
		if (process.at("pid") == pid)
			return process;
	return nullptr;
}

std::string printed_size(uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB" };
	double value = static_cast<double>(bytes);
	unsigned unit = 0;
	char text[32];

	for (; value >= 1024 && unit < 2; unit++)
		value /= 1024;
	snprintf(text, sizeof(text), unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
	return text;
}

pid_t ended_process()
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	waitpid(child, nullptr, 0);
	return child;
}

Interpreter::Interpreter(const Launch &launch) : Running(launch)
{
	EXPECT_EQ("ok", hear()) << errors();
}

void Interpreter::tell(const std::string &line)
{
	say(line);
	EXPECT_EQ("ok", hear()) << line << ": " << errors();
}

std::string python_with_numpy()
{
	static const std::string found = find_python();

	return found;
}

Launch python_interpreter(const std::string &python)
{
	return Launch({ python, "-c", python_work });
}

Launch node_interpreter(const std::string &node)
{
	return Launch({ node, "--expose-gc", "-e", node_work });
}

} // namespace e2e
