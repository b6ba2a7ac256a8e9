/* What stands behind an object, found without dlsym: here this program is the object. */
#include <gtest/gtest.h>

#include <dlfcn.h>

#include <string>

extern "C" {
#include "objects.h"
}

namespace
{

TEST(Objects, HaveTheFunctionsThatDlsymFindsBehindThisOne)
{
	for (std::string name : { "malloc", "free", "calloc", "realloc", "posix_memalign",
				  "malloc_usable_size", "malloc_trim", "sigaction", "signal",
				  "sigset", "bsd_signal", "dlsym", "pthread_create" }) {
		SCOPED_TRACE(name);
		EXPECT_EQ(dlsym(RTLD_NEXT, name.c_str()), weir_objects_next(name.c_str()));
	}
	EXPECT_NE(nullptr, weir_objects_next("malloc"));
}

TEST(Objects, HaveNothingThatOnlyOlderProgramsHave)
{
	EXPECT_EQ(nullptr, weir_objects_next("svc_run"));
}

/* The test's own main is the program's: it is not behind it. */
TEST(Objects, HaveNothingOfThisOneAndNothingThatIsNot)
{
	EXPECT_EQ(nullptr, weir_objects_next("main"));
	EXPECT_EQ(nullptr, weir_objects_next("no such function"));
	EXPECT_EQ(nullptr, weir_objects_next(""));
}

} // namespace
