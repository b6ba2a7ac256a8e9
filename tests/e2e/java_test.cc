/* Java with direct buffers, more of them than it may hold at once, so that its
 * collector frees them on another thread. OpenJDK 17 leaves SIGUSR1 alone, other JVMs and native
 * libraries may not, so weir is given another signal. */
#include "preloaded.h"

using namespace e2e;

namespace
{

constexpr char work[] = R"(
import java.nio.ByteBuffer;
import java.util.zip.CRC32;

public class Work {
	public static void main(String[] args) {
		CRC32 sum = new CRC32();
		for (int i = 0; i < 150; i++) {
			ByteBuffer buffer = ByteBuffer.allocateDirect(1000000 + i * 10000);
			while (buffer.remaining() >= 8)
				buffer.putLong((long) i * buffer.position());
			buffer.flip();
			sum.update(buffer);
		}
		System.out.println(sum.getValue());
	}
}
)";

TEST(Java, SumsTheSame)
{
	std::string java = find_program({ "java" });
	Directory directory;

	NEED_FOUND(java, "java");
	write_file(directory.file("Work.java"), work);

	auto compiled = Launch({ "javac", "Work.java" }).plain().in(directory.path()).run();

	ASSERT_TRUE(compiled.succeeded()) << compiled.describe();

	auto run = Launch({ java, "-XX:MaxDirectMemorySize=32m", "-XX:+UseSerialGC", "-cp",
			    directory.path(), "Work" })
			   .env("WEIR_SIGNAL", "RTMIN+18");
	auto preloaded = run.run();
	auto plain = run.plain().run();

	expect_same(plain, preloaded);
	EXPECT_GE(preloaded.report().number("requests"), 150U);
	EXPECT_GT(preloaded.report().number("hits"), 0U);
}

} // namespace
