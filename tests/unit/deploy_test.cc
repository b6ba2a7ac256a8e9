#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

extern "C" {
#include "deploy.h"
}

namespace
{

const deploy_variable variables[] = { { "LD_PRELOAD", "libweir.so.0" }, { "WEIR_LIMIT", "25%" } };

std::string printed(const char *format)
{
	char *bytes = nullptr;
	size_t size = 0;
	FILE *to = open_memstream(&bytes, &size);

	deploy_print(to, format, variables, 2);
	fclose(to);
	std::string text(bytes, size);

	free(bytes);
	return text;
}

TEST(Deploy, WritesAContainerfile)
{
	EXPECT_EQ("ENV LD_PRELOAD=\"libweir.so.0\" \\\n    WEIR_LIMIT=\"25%\"\n",
		  printed("containerfile"));
}

TEST(Deploy, WritesTheEnvironmentOfAPod)
{
	EXPECT_EQ("env:\n- { name: LD_PRELOAD, value: \"libweir.so.0\" }\n"
		  "- { name: WEIR_LIMIT, value: \"25%\" }\n",
		  printed("pod"));
}

TEST(Deploy, DoublesPercentSignsForSystemd)
{
	EXPECT_EQ("[Service]\nEnvironment=\"LD_PRELOAD=libweir.so.0\"\n"
		  "Environment=\"WEIR_LIMIT=25%%\"\n",
		  printed("systemd"));
}

TEST(Deploy, WritesAllWithTheirNames)
{
	EXPECT_EQ("# Containerfile\n" + printed("containerfile") +
			  "\n# pod manifest, of a container\n" + printed("pod") +
			  "\n# systemd unit\n" + printed("systemd"),
		  printed("all"));
}

TEST(Deploy, KnowsItsFormats)
{
	for (const char *name : { "containerfile", "pod", "systemd", "all" })
		EXPECT_TRUE(deploy_is_format(name)) << name;
	EXPECT_FALSE(deploy_is_format("compose"));
}

} // namespace
