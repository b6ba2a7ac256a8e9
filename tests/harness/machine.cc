#include "machine.h"

#include <cstdlib>

namespace e2e
{

namespace
{

std::string directory(const char *variable)
{
	const char *value = std::getenv(variable);

	return value != nullptr ? value : ".";
}

} // namespace

std::string Machine::file(const std::string &file) const
{
	return directory("LIBWEIR_BUILDDIR") + "/machines/" + name + "/" + file;
}

Launch Machine::launch(const std::string &victim, std::vector<std::string> arguments) const
{
	std::vector<std::string> argv = runner;

	argv.push_back(file("tests/victims/" + victim));
	argv.insert(argv.end(), arguments.begin(), arguments.end());
	return Launch(argv).library(file(".libs/libweir.so.0"));
}

std::string missing(const Machine &machine)
{
	for (const std::string &program :
	     { machine.compiler, machine.runner.empty() ? "sh" : machine.runner[0] })
		if (!Launch({ "sh", "-c", "command -v " + program }).plain().run().succeeded())
			return program;
	return "";
}

void build(const Machine &machine, const std::vector<std::string> &targets)
{
	static std::map<std::vector<std::string>, Outcome> made;
	std::vector<std::string> argv = { directory("LIBWEIR_SRCDIR") + "/tests/machines/build",
					  directory("LIBWEIR_BUILDDIR"), machine.name };

	argv.insert(argv.end(), targets.begin(), targets.end());
	if (made.count(argv) == 0)
		made[argv] = Launch(argv).plain().seconds(1200).run();
	ASSERT_TRUE(made[argv].succeeded()) << made[argv].describe();
}

} // namespace e2e
