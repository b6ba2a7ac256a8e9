/* The examples of weir.h's pools, as somebody else builds them: against weir as `make install`
 * leaves it, with what pkg-config says. And that the headers need nothing but themselves. */
#include "command.h"

#include <filesystem>
#include <regex>
#include <set>

using namespace e2e;

namespace
{

namespace fs = std::filesystem;

Launch shell(const std::string &script, const std::vector<std::string> &arguments)
{
	std::vector<std::string> argv = { "sh", "-ec", script, "sh" };

	argv.insert(argv.end(), arguments.begin(), arguments.end());
	return Launch(argv).plain();
}

/* weir installed below a directory, as a package is made. */
class Installed : private Directory
{
public:
	static const Installed &weir()
	{
		static const Installed only;

		return only;
	}
	/* Where weirpool.pc was found, or empty. */
	const std::string &pkgconfig() const { return pkgconfig_; }
	std::string libraries() const { return fs::path(pkgconfig_).parent_path(); }
	std::string root() const { return file("root"); }

	/* Has pkg-config look here alone. */
	Launch with_flags(Launch launch) const
	{
		return launch.env("PKG_CONFIG_LIBDIR", pkgconfig_)
			.env("PKG_CONFIG_PATH", "")
			.env("PKG_CONFIG_SYSROOT_DIR", root());
	}
	/* The program, made from a file of the sources by this command once. */
	std::string built(const std::string &source, const std::string &command) const
	{
		std::string program = file(fs::path(source).stem());

		if (!fs::exists(program)) {
			Outcome outcome =
				with_flags(shell(command, { program, source_file(source) })).run();

			EXPECT_TRUE(outcome.succeeded()) << source << outcome.describe();
			EXPECT_EQ("", outcome.err) << source;
		}
		return program;
	}

private:
	Installed()
	{
		/* The make that runs the tests has a job server, of which this one knows nothing.
		 */
		Outcome outcome = shell("unset MAKEFLAGS MFLAGS MAKELEVEL;"
					"make -s -C \"$1\" install DESTDIR=\"$2\"",
					{ std::getenv("LIBWEIR_BUILDDIR"), root() })
					  .run();

		EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
		for (const auto &entry : fs::recursive_directory_iterator(root()))
			if (entry.path().filename() == "weirpool.pc")
				pkgconfig_ = entry.path().parent_path();
	}

	std::string pkgconfig_;
};

const char strict[] = " -O2 -Wall -Wextra -Wpedantic -Wconversion -Werror ";
const char linked[] = "$(pkg-config --cflags --libs weirpool)";
const char unlinked[] = "$(pkg-config --cflags weirpool)";

std::string compile(const std::string &compiler, const char *flags)
{
	return compiler + strict + "-o \"$1\" \"$2\" " + flags;
}

const std::string c_compiler = "cc -std=c11";
const std::string cxx_compiler = "c++ -std=c++17";

#define LOST \
	"pool requests: 878\\.9 KiB in 3 blocks leased\n" \
	"(  [0-9.]+ KiB in [0-9] blocks?, the oldest for [0-9.]+ s by thread [0-9]+: 0x[0-9a-f]+\n" \
	"(    .+\n)+)+"

struct Example {
	const char *source;
	const char *input;
	const char *output; /* regular expressions */
	const char *errors;
};

const Example examples[] = {
	{ "examples/pool-blocks.c", "",
	  "1000 blocks of 4000 KiB are out\n"
	  "0 blocks of 0 KiB are out\n"
	  "all of their slabs are released\n",
	  "" },
	{ "examples/pool-buffers.c", "", "100 leases, 99 served by what was kept\n", "" },
	{ "examples/pool-clean.c", "the cat sat on the mat\n", "at 3 times\n", "" },
	{ "examples/pool-limits.c", "",
	  "at their limits: 32768 and 4096 KiB are kept\n"
	  "a lower one: 8192 and 4096 KiB are kept\n"
	  "one released: 8192 and 0 KiB are kept\n",
	  "" },
	{ "examples/pool-lost.c", "", LOST "3 blocks are out\n",
	  "weir\\[[0-9]+\\]: disposed of while blocks are leased:\n" LOST },
	{ "examples/pool-pmr.cc", "",
	  "10000000 elements\n"
	  "100000 bytes\n"
	  "0 blocks are out, 63 of 71 leases were served by what was kept\n",
	  "" },
	{ "examples/pool-process.c", "",
	  "0 KiB live, ([0-9]+) KiB retained\n"
	  "\\1 KiB went back to the system\n"
	  "0 KiB live, 0 KiB retained\n",
	  "" },
};

void PrintTo(const Example &example, std::ostream *out)
{
	*out << example.source;
}

const char optional[] = "examples/pool-optional.c";
const char numpy[] = "examples/pool-numpy.py";

class PoolExample : public testing::TestWithParam<Example>
{
protected:
	void SetUp() override
	{
		NEED_FOUND(find_program({ "pkg-config" }), "pkg-config");
		ASSERT_NE("", Installed::weir().pkgconfig()) << "weirpool.pc was not installed";
		write_file(input_.file("input"), GetParam().input);
	}
	Launch program() const
	{
		std::string source = GetParam().source;
		const std::string &compiler =
			fs::path(source).extension() == ".cc" ? cxx_compiler : c_compiler;

		return Launch({ Installed::weir().built(source, compile(compiler, linked)) })
			.env("LD_LIBRARY_PATH", Installed::weir().libraries())
			.input(input_.file("input"));
	}
	static void expect_output(const Outcome &outcome)
	{
		EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
		EXPECT_TRUE(std::regex_match(outcome.out, std::regex(GetParam().output)))
			<< outcome.out;
		EXPECT_TRUE(std::regex_match(outcome.err, std::regex(GetParam().errors)))
			<< outcome.err;
	}

private:
	Directory input_;
};

TEST_P(PoolExample, PrintsWhatItShows)
{
	expect_output(program().plain().run());
}

TEST_P(PoolExample, PrintsTheSameWhereWeirIsPreloaded)
{
	Outcome outcome = program().run();

	expect_output(outcome);
	EXPECT_EQ("libc.so.6", outcome.report().text("backend")) << "libweir.so was not asked";
	EXPECT_GT(outcome.report().number("peak_live_bytes"), 0U);
}

INSTANTIATE_TEST_SUITE_P(Each, PoolExample, testing::ValuesIn(examples), [](const auto &each) {
	return fs::path(each.param.source).stem().string().substr(strlen("pool-"));
});

TEST(OptionalPoolExample, NeedsNoLibraryAndWorksWithoutWeir)
{
	NEED_FOUND(find_program({ "pkg-config" }), "pkg-config");
	std::string program = Installed::weir().built(optional, compile(c_compiler, unlinked));
	Outcome outcome = Launch({ program }).plain().run();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("malloc: 100 frames, 0 of them without new memory\n0 KiB released\n",
		  outcome.out);
}

TEST(OptionalPoolExample, UsesWeirWhereItIsPreloaded)
{
	NEED_FOUND(find_program({ "pkg-config" }), "pkg-config");
	std::string program = Installed::weir().built(optional, compile(c_compiler, unlinked));
	Outcome outcome = Launch({ program }).run();

	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("weir: 100 frames, 99 of them without new memory\n6148 KiB released\n",
		  outcome.out);
}

Launch numpy_example()
{
	return Launch({ python_with_numpy(), source_file(numpy) })
		.env("LD_LIBRARY_PATH", Installed::weir().libraries());
}

void expect_numpy_output(const Outcome &outcome)
{
	EXPECT_TRUE(outcome.succeeded()) << outcome.describe();
	EXPECT_EQ("1 place for 10 arrays, one after the other\n8 MB kept\n1 block out\n"
		  "still good: 1000\n",
		  outcome.out);
	EXPECT_EQ("", outcome.err);
}

TEST(NumpyPoolExample, GivesBlocksBackWithTheirArrays)
{
	NEED_FOUND(python_with_numpy(), "python3 with numpy");
	expect_numpy_output(numpy_example().plain().run());
}

TEST(NumpyPoolExample, DoesTheSameWhereWeirIsPreloaded)
{
	NEED_FOUND(python_with_numpy(), "python3 with numpy");
	expect_numpy_output(numpy_example().run());
}

TEST(PoolExamples, AreAllRun)
{
	std::set<std::string> run = { optional, numpy }, there;

	for (const Example &example : examples)
		run.insert(example.source);
	for (const auto &entry : fs::directory_iterator(source_file("examples")))
		if (entry.path().filename().string().rfind("pool-", 0) == 0)
			there.insert("examples/" + entry.path().filename().string());
	EXPECT_EQ(there, run);
}

/* What is installed */

TEST(PoolHeaders, CompileByThemselvesInEveryLanguageTheyAreFor)
{
	static const std::pair<const char *, const char *> uses[] = {
		{ "weir.h", "gcc -x c -std=c11" },
		{ "weir.h", "clang -x c -std=c11" },
		{ "weir.h", "g++ -x c++ -std=c++11" },
		{ "weir_preloaded.h", "gcc -x c -std=c11" },
		{ "weir_preloaded.h", "clang -x c -std=c11" },
		{ "weir_preloaded.h", "g++ -x c++ -std=c++11" },
		{ "weir_preloaded.h", "clang++ -x c++ -std=c++20" },
		{ "weir.hpp", "g++ -x c++ -std=c++17" },
		{ "weir.hpp", "clang++ -x c++ -std=c++20" },
	};

	NEED_FOUND(find_program({ "pkg-config" }), "pkg-config");
	NEED_FOUND(find_program({ "clang" }), "clang");
	for (const auto &use : uses) {
		std::string script = "echo \"#include <$1>\" | " + std::string(use.second) +
				     strict + "-Wshadow -fsyntax-only " + unlinked + " -";
		Outcome outcome = Installed::weir().with_flags(shell(script, { use.first })).run();

		EXPECT_TRUE(outcome.succeeded()) << use.first << outcome.describe();
		EXPECT_EQ("", outcome.err);
	}
}

TEST(PkgConfig, NamesTheVersionOfTheCommand)
{
	NEED_FOUND(find_program({ "pkg-config" }), "pkg-config");
	Outcome outcome =
		Installed::weir().with_flags(shell("pkg-config --modversion weirpool", {})).run();

	EXPECT_EQ(command_output({ "--version" }), "weir " + outcome.out);
}

} // namespace
