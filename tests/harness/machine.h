/* Builds of weir for other machines or by other compilers, whose programs run here: by the
 * kernel, or by an emulator. The build is tests/machines/build's, and made when a test wants it. */
#ifndef WEIR_TESTS_MACHINE_H
#define WEIR_TESTS_MACHINE_H

#include "preloaded.h"

namespace e2e
{

struct Machine {
	std::string name;		 /* as tests/machines/build knows it */
	std::string compiler;		 /* without which there is no build */
	std::vector<std::string> runner; /* the emulator and its options; empty for the kernel */
	std::string abort_says;		 /* what the emulator says of a program that aborts */

	/* A file of its build. */
	std::string file(const std::string &name) const;

	/* A victim of its build, preloaded with its library. */
	Launch launch(const std::string &victim, std::vector<std::string> arguments = {}) const;
};

/* What the machine needs here and does not find; empty when it has all. */
std::string missing(const Machine &machine);

/* Makes these targets in its build, the first time; each test fails where that failed. */
void build(const Machine &machine, const std::vector<std::string> &targets);

} // namespace e2e

#endif
