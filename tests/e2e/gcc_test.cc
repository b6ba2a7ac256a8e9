/* gcc with its driver, compiler, assembler and linker. */
#include "preloaded.h"

#include <sstream>

using namespace e2e;

namespace
{

/* A program of many functions and a large table. */
std::string source()
{
	std::ostringstream text;

	text << "#include <stdio.h>\nstatic const unsigned table[] = {";
	for (unsigned i = 0; i < 15000; i++)
		text << i * 2654435761U << "u,";
	text << "};\n";
	for (unsigned i = 0; i < 150; i++)
		text << "unsigned f" << i << "(unsigned x) { for (unsigned k = 0; k < " << i
		     << "; k++) x = x * 31 + table[(x + k) % 30000]; return x; }\n";
	text << "int main(void) { unsigned x = 1;\n";
	for (unsigned i = 0; i < 150; i++)
		text << "x += f" << i << "(x);\n";
	text << "printf(\"%u\\n\", x); return 0; }\n";
	return text.str();
}

TEST(Gcc, MakesTheSameProgram)
{
	std::string gcc = find_program({ "gcc" });
	Directory directory;

	NEED_FOUND(gcc, "gcc");
	write_file(directory.file("program.c"), source());

	auto compile = [&](const std::string &out) {
		return Launch({ gcc, "-O2", "-g", "-o", out, "program.c" }).in(directory.path());
	};
	auto plain = compile("plain").plain().run();
	auto preloaded = compile("preloaded").run();

	expect_same(plain, preloaded);
	EXPECT_TRUE(read_file(directory.file("plain")) == read_file(directory.file("preloaded")));
	EXPECT_GE(preloaded.reports.size(), 3U);
	EXPECT_GT(preloaded.total("requests"), 0U);
}

} // namespace
