#include <gtest/gtest.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unistd.h>

extern "C" {
#include "tally.h"
}

namespace
{

std::string report(const std::string &requests, const std::string &peak, const std::string &classes)
{
	return "{\"version\":\"1\",\"peak_retained_bytes\":" + peak + ",\"requests\":" + requests +
	       ",\"hits\":7,\"misses\":1,\"classes\":[" + classes +
	       "],\"pools\":[{\"name\":\"p\",\"peak_retained_bytes\":999,\"hits\":50}]}\n";
}

const char small[] = "{\"size_bytes\":81920,\"hits\":5,\"misses\":2,\"retained_bytes\":100,"
		     "\"retained_blocks\":1,\"live_blocks\":0}";
const char large[] = "{\"size_bytes\":4194304,\"hits\":2,\"misses\":3,\"retained_bytes\":0,"
		     "\"retained_blocks\":0,\"live_blocks\":0}";

TEST(Tally, AddsWhatProcessesReport)
{
	tally all = {};

	tally_add(&all, report("10", "4096", std::string(small) + "," + large).c_str());
	tally_add(&all, report("0", "0", "").c_str());
	tally_add(&all, report("5", "100", large).c_str());

	EXPECT_EQ(2U, all.processes) << "one asked for nothing large";
	EXPECT_EQ(15U, all.requests);
	EXPECT_EQ(21U, all.hits);
	EXPECT_EQ(4096U, all.peak_retained_bytes) << "of one process, and of no pool";
	ASSERT_EQ(2U, all.class_count);
	EXPECT_EQ(81920U, all.classes[0].size_bytes);
	EXPECT_EQ(5U, all.classes[0].hits);
	EXPECT_EQ(100U, all.classes[0].retained_bytes);
	EXPECT_EQ(4194304U, all.classes[1].size_bytes);
	EXPECT_EQ(4U, all.classes[1].hits);
	EXPECT_EQ(6U, all.classes[1].misses);
}

TEST(Tally, BearsWhatIsNoReport)
{
	tally all = {};

	for (const char *text : { "", "{", "{\"classes\":[", "{\"classes\":[{", "\"requests\":x",
				  "{\"classes\":[{}]}" })
		tally_add(&all, text);
	EXPECT_EQ(0U, all.requests);
}

TEST(Tally, HasRoomForAllClassesAndNoMore)
{
	std::string classes;
	tally all = {};

	for (int i = 0; i < 3 * WEIR_CLASS_COUNT; i++)
		classes += (i == 0 ? "" : ",") + ("{\"size_bytes\":" + std::to_string(i + 1)) +
			   ",\"hits\":1}";
	tally_add(&all, report("1", "1", classes).c_str());
	EXPECT_EQ(static_cast<size_t>(WEIR_CLASS_COUNT), all.class_count);
}

TEST(Tally, ReadsAllLinesOfAFile)
{
	char path[] = "/tmp/tally.XXXXXX";
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");
	tally all = {};

	for (int i = 0; i < 3; i++)
		fputs(report("4", "8", small).c_str(), file);
	fclose(file);
	EXPECT_TRUE(tally_read(&all, path));
	EXPECT_EQ(12U, all.requests);
	EXPECT_EQ(15U, all.classes[0].hits);
	unlink(path);
	EXPECT_FALSE(tally_read(&all, path));
	EXPECT_EQ(ENOENT, errno);
}

} // namespace
