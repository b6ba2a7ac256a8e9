#include <gtest/gtest.h>

#include <string>

extern "C" {
#include "census.h"
}

namespace
{

constexpr uint64_t KiB = 1024;

struct Mapping {
	const char *head;
	unsigned long kib; /* Pss */
};

std::string smaps(const std::vector<Mapping> &mappings)
{
	std::string text;

	for (const Mapping &mapping : mappings) {
		text += mapping.head;
		text += "\nSize: 9999 kB\nRss: 7777 kB\nPss:   " + std::to_string(mapping.kib);
		text += " kB\nPss_Dirty: 5555 kB\nAnonymous: 3333 kB\nVmFlags: rd wr mr\n";
	}
	return text;
}

census counted(const std::string &text, census_range weir = { 0, 0 })
{
	census found = {};
	FILE *from = fmemopen((void *)text.data(), text.size(), "r");

	census_add(&found, from, &weir);
	fclose(from);
	return found;
}

TEST(Census, SaysWhoseMemoryIsWhose)
{
	census found = counted(
		smaps({
			{ "55d121361000-55d121363000 r--p 00000000 fe:00 247134    /usr/bin/cat",
			  1 },
			{ "55d1214a5000-55d1214c6000 rw-p 00000000 00:00 0         [heap]", 2 },
			{ "700000000000-700000100000 rw-p 00000000 00:00 0 ", 4 },
			{ "700000100000-710000000000 ---p 00000000 00:00 0 ", 8 },
			{ "7f0000000000-7f0000200000 rw-p 00000000 00:00 0 ", 16 },
			{ "7f0000200000-7f0004000000 ---p 00000000 00:00 0 ", 0 },
			{ "7f1000001000-7f1000002000 rw-p 00000000 00:00 0 ", 32 },
			{ "7f1000003000-7f1000004000 rw-s 00000000 00:01 9         /dev/shm/a",
			  64 },
			{ "7f1000005000-7f1000006000 rw-s 00000000 00:01 9         /memfd:x (deleted)",
			  128 },
			{ "7f1000007000-7f1000008000 rw-p 00000000 00:00 0         [anon:v8]",
			  256 },
			{ "7ffc1d0b2000-7ffc1d0d3000 rw-p 00000000 00:00 0         [stack]", 512 },
		}),
		{ 0x700000000000, 0x710000000000 });

	EXPECT_EQ(12 * KiB, found.bytes[CENSUS_WEIR]);
	EXPECT_EQ(18 * KiB, found.bytes[CENSUS_HEAP]) << "an arena has its reservation behind it";
	EXPECT_EQ((32 + 256) * KiB, found.bytes[CENSUS_DIRECT]);
	EXPECT_EQ(512 * KiB, found.bytes[CENSUS_STACK]);
	EXPECT_EQ((64 + 128) * KiB, found.bytes[CENSUS_SHARED]);
	EXPECT_EQ(1 * KiB, found.bytes[CENSUS_FILES]);
	EXPECT_EQ(1023 * KiB, census_sum(&found));
	EXPECT_EQ((1023 - 64 - 128 - 1) * KiB, census_private(&found));
}

TEST(Census, TellsArenasFromWhatOnlyLooksLikeThem)
{
	/* Full; longer; not aligned; nothing behind it; something else behind it; read-only. */
	census found = counted(smaps({
		{ "7f0000000000-7f0004000000 rw-p 00000000 00:00 0 ", 1 },
		{ "7f0040000000-7f0050000000 rw-p 00000000 00:00 0 ", 64 },
		{ "7f0050000000-7f0080000000 ---p 00000000 00:00 0 ", 0 },
		{ "7f1000001000-7f1000100000 rw-p 00000000 00:00 0 ", 2 },
		{ "7f1000100000-7f1004000000 ---p 00000000 00:00 0 ", 0 },
		{ "7f2000000000-7f2000100000 rw-p 00000000 00:00 0 ", 4 },
		{ "7f3000000000-7f3000100000 rw-p 00000000 00:00 0 ", 8 },
		{ "7f3000100000-7f3004000000 r--p 00000000 00:00 0 ", 16 },
		{ "7f4000000000-7f4000100000 r--p 00000000 00:00 0 ", 32 },
		{ "7f4000100000-7f4004000000 ---p 00000000 00:00 0 ", 0 },
	}));

	EXPECT_EQ(1 * KiB, found.bytes[CENSUS_HEAP]);
	EXPECT_EQ(126 * KiB, found.bytes[CENSUS_DIRECT]);
}

TEST(Census, AddsUp)
{
	std::string text = smaps({ { "1000-2000 rw-p 00000000 00:00 0    [heap]", 3 } });
	census found = {};

	for (int i = 0; i < 2; i++) {
		FILE *from = fmemopen((void *)text.data(), text.size(), "r");
		census_range none = { 0, 0 };

		census_add(&found, from, &none);
		fclose(from);
	}
	EXPECT_EQ(6 * KiB, found.bytes[CENSUS_HEAP]);
}

TEST(Census, TakesTextThatIsNone)
{
	for (const char *text :
	     { " ", "\n", "Pss: 5 kB\n", "1000-2000 rw-p\nPss: 5 kB\n", "x\nPss: -1 kB\n",
	       "1000-2000 rw-p 00000000 00:00 0    [heap]\nPss: lots\n" }) {
		census found = counted(text);

		EXPECT_EQ(0U, found.bytes[CENSUS_HEAP]) << text;
		EXPECT_EQ(0U, found.bytes[CENSUS_WEIR]) << text;
	}
}

/* This very process. */
TEST(Census, ReadsWhatTheKernelWrites)
{
	std::vector<char> touched(8 << 20, 1);
	census found = {};
	census_range none = { 0, 0 };
	FILE *from = fopen("/proc/self/smaps", "re");

	ASSERT_NE(nullptr, from);
	census_add(&found, from, &none);
	fclose(from);
	EXPECT_LE(8U << 20, found.bytes[CENSUS_DIRECT] + found.bytes[CENSUS_HEAP]);
	EXPECT_LT(0U, found.bytes[CENSUS_FILES]);
	EXPECT_LT(0U, found.bytes[CENSUS_STACK]);
	EXPECT_EQ(0U, found.bytes[CENSUS_WEIR]);
	EXPECT_EQ(1, touched[touched.size() - 1]);
}

TEST(Census, NamesEachKind)
{
	EXPECT_STREQ("heap", census_name(CENSUS_HEAP));
	for (int kind = 0; kind < CENSUS_KINDS; kind++) {
		EXPECT_TRUE(census_name((census_kind)kind));
		EXPECT_TRUE(census_label((census_kind)kind));
	}
}

} // namespace
