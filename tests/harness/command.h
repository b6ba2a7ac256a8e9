/* The `weir` command, for the tests of tests/e2e: run as it was built, itself without weir,
 * its output parsed. And programs that do what they are told, for it to look at. */
#ifndef WEIR_TESTS_COMMAND_H
#define WEIR_TESTS_COMMAND_H

#include "preloaded.h"

#include <nlohmann/json.hpp>

namespace e2e
{

/* The path of the command, and of a file that the sources come with. */
std::string command_path();
std::string source_file(const std::string &name);

Launch command(const std::vector<std::string> &arguments);
Outcome run_command(const std::vector<std::string> &arguments);

/* What it printed; the test fails where its exit status is another one. */
std::string command_output(const std::vector<std::string> &arguments, int status = 0);
nlohmann::json command_json(const std::vector<std::string> &arguments, int status = 0);

nlohmann::json parse_json(const std::string &text);

/* The figures of a process: of `weir status --json`, and its object of `weir ps --json`,
 * which is null when it is not there. */
Report status_of(pid_t pid);
nlohmann::json listed(pid_t pid);

/* As the command prints it, up to a GiB: "400.2 MiB". */
std::string printed_size(uint64_t bytes);

/* The id of a process that has ended. */
pid_t ended_process();

/* A program that does what each line of its stdin says, and then prints `ok`. */
class Interpreter : public Running
{
public:
	explicit Interpreter(const Launch &launch);
	void tell(const std::string &line);
};

/* The first python on PATH may be one without numpy; in the interpreter it is np. */
std::string python_with_numpy();
Launch python_interpreter(const std::string &python);
/* With gc(). */
Launch node_interpreter(const std::string &node);

} // namespace e2e

#endif
