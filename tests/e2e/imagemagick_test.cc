/* ImageMagick: pixel caches from posix_memalign, freed by other threads. */
#include "preloaded.h"

using namespace e2e;

namespace
{

TEST(ImageMagick, MakesTheSamePicture)
{
	std::string convert = find_program({ "convert-im6.q16", "magick", "convert" });
	Directory directory;

	NEED_FOUND(convert, "ImageMagick");
	std::string source = directory.file("source.ppm");
	auto made = Launch({ convert, "-size", "1600x1200", "gradient:tomato-steelblue", "-swirl",
			     "90", source })
			    .plain()
			    .run();

	ASSERT_TRUE(made.succeeded()) << made.describe();

	auto edit = [&](const std::string &out) {
		return Launch({ convert, source, "-resize", "140%", "-rotate", "20", "-blur",
				"0x1.5", "-depth", "8", "rgb:" + directory.file(out) });
	};
	auto plain = edit("plain").plain().run();
	auto preloaded = edit("preloaded").run();

	expect_same(plain, preloaded);
	EXPECT_GT(read_file(directory.file("plain")).size(), 5 * MiB);
	EXPECT_TRUE(read_file(directory.file("plain")) == read_file(directory.file("preloaded")));
	EXPECT_GT(preloaded.report().number("requests"), 5U);
	EXPECT_GT(preloaded.report().number("peak_live_bytes"), 10 * MiB);
}

} // namespace
