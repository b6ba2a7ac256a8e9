/* The victims that misuse memory, and what weir says of each. */
#ifndef WEIR_TESTS_HARNESS_MISUSE_H
#define WEIR_TESTS_HARNESS_MISUSE_H

#include "preloaded.h"

namespace e2e
{

struct Fault {
	const char *victim;
	const char *call;
	const char *what;
};

extern const std::vector<Fault> faults;
extern const std::vector<Fault> faults_if_hardened; /* what WEIR_HARDEN says of some */
extern const Fault fault_in_a_race;

/* It ends by SIGABRT, with one line that names the call and the address; and what an emulator adds
 * of its own. */
void expect_stopped(const Fault &fault, const Launch &launch, const std::string &added = "");

} // namespace e2e

#endif
