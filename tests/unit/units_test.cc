#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>

extern "C" {
#include "units.h"
}

namespace
{

const uint64_t kib = 1024;
const uint64_t mib = 1024 * kib;
const uint64_t gib = 1024 * mib;
const uint64_t tib = 1024 * gib;
const uint64_t untouched = 0x5a5a5a5a;

bool ParseSize(const std::string &text, uint64_t *bytes)
{
	return weir_units_parse_size(text.data(), text.size(), bytes);
}

bool ParseShare(const std::string &text, unsigned *share)
{
	return weir_units_parse_share(text.data(), text.size(), share);
}

bool ParseTime(const std::string &text, uint64_t *ms)
{
	return weir_units_parse_time(text.data(), text.size(), ms);
}

template <class Format, class Value> std::string Formatted(Format format, Value value)
{
	char data[64];
	struct weir_text text;

	weir_text_init(&text, data, sizeof data);
	format(&text, value);
	return data;
}

struct Size {
	const char *text;
	uint64_t bytes;
};

TEST(Units, ReadsSizes)
{
	const Size cases[] = {
		{ "0", 0 },
		{ "4096", 4096 },
		{ "4096B", 4096 },
		{ "4096b", 4096 },
		{ "64K", 64 * kib },
		{ "64k", 64 * kib },
		{ "64KB", 64 * kib },
		{ "64KiB", 64 * kib },
		{ "64kIb", 64 * kib },
		{ "64M", 64 * mib },
		{ "64MiB", 64 * mib },
		{ "1.5G", 1536 * mib },
		{ "1.5gb", 1536 * mib },
		{ "2T", 2 * tib },
		{ "2tib", 2 * tib },
		{ "007M", 7 * mib },
		{ "0.000001M", 1 },
		{ "18446744073709551615", UINT64_MAX },
		{ "16777215.999999T", 16777215 * tib + 999999 * tib / 1000000 },
	};

	for (const Size &c : cases) {
		uint64_t bytes = untouched;

		EXPECT_TRUE(ParseSize(c.text, &bytes)) << c.text;
		EXPECT_EQ(c.bytes, bytes) << c.text;
	}
}

TEST(Units, RoundsAFractionOfAByteDown)
{
	uint64_t bytes = 0;

	EXPECT_TRUE(ParseSize("0.3K", &bytes));
	EXPECT_EQ(307U, bytes);
	EXPECT_TRUE(ParseSize("0.0001K", &bytes));
	EXPECT_EQ(0U, bytes);
}

TEST(Units, RefusesWhatIsNotASizeAndStoresNothing)
{
	const char *cases[] = {
		"",
		" ",
		"K",
		"-1",
		"+1",
		"-0",
		"12Q",
		"12 K",
		" 12K",
		"12K ",
		"1..5G",
		"1.5.5G",
		".5G",
		"1.G",
		"1.5",
		"1.5B",
		"0x10",
		"1e6",
		"64Ki",
		"64iB",
		"64KK",
		"64KBB",
		"64P",
		"25%",
		"1,5G",
		"12\n",
		"none",
		"1.1234567M",
		"16777216T",
		"18446744073709551616",
		"99999999999999999999999999999",
		"17179869184G",
	};

	for (const char *text : cases) {
		uint64_t bytes = untouched;

		EXPECT_FALSE(ParseSize(text, &bytes)) << text;
		EXPECT_EQ(untouched, bytes) << text;
	}
}

TEST(Units, RefusesATimeThatOverflowsByItsFractionAlone)
{
	uint64_t ms = untouched;

	EXPECT_FALSE(ParseTime("18446744073709551.999s", &ms));
	EXPECT_EQ(untouched, ms);
	EXPECT_TRUE(ParseTime("18446744073709551.615s", &ms));
	EXPECT_EQ(UINT64_MAX, ms);
}

TEST(Units, ReadsNoFurtherThanTheGivenLength)
{
	const char text[] = "64Kjunk";
	uint64_t bytes = 0;

	EXPECT_TRUE(weir_units_parse_size(text, 3, &bytes));
	EXPECT_EQ(64 * kib, bytes);
	EXPECT_TRUE(weir_units_parse_size(text, 2, &bytes));
	EXPECT_EQ(64U, bytes);
	EXPECT_FALSE(weir_units_parse_size(text, 4, &bytes));
}

TEST(Units, ReadsSharesInHundredthsOfAPercent)
{
	const struct {
		const char *text;
		unsigned share;
	} cases[] = {
		{ "0%", 0 },	   { "25%", 2500 },    { "12.5%", 1250 },   { "0.01%", 1 },
		{ "100%", 10000 }, { "99.99%", 9999 }, { "12.345%", 1234 },
	};

	for (const auto &c : cases) {
		unsigned share = untouched;

		EXPECT_TRUE(ParseShare(c.text, &share)) << c.text;
		EXPECT_EQ(c.share, share) << c.text;
	}
}

TEST(Units, RefusesWhatIsNotAShare)
{
	const char *cases[] = { "",	"%",	"25",	"-1%",	"101%", "100.01%",
				"25%%", "25 %", "25%x", "25K%", "25%K", "184467440737095517%" };

	for (const char *text : cases) {
		unsigned share = untouched;

		EXPECT_FALSE(ParseShare(text, &share)) << text;
		EXPECT_EQ(untouched, share) << text;
	}
}

TEST(Units, ReadsTimesAndTakesABareNumberAsSeconds)
{
	const struct {
		const char *text;
		uint64_t ms;
	} cases[] = {
		{ "500ms", 500 },
		{ "10s", 10000 },
		{ "10S", 10000 },
		{ "2m", 120000 },
		{ "2h", 7200000 },
		{ "1.5s", 1500 },
		{ "10", 10000 },
		{ "0.25", 250 },
		{ "0", 0 },
		{ "0ms", 0 },
		{ "0.0005s", 0 },
		{ "1.5m", 90000 },
		{ "18446744073709551615ms", UINT64_MAX },
	};

	for (const auto &c : cases) {
		uint64_t ms = untouched;

		EXPECT_TRUE(ParseTime(c.text, &ms)) << c.text;
		EXPECT_EQ(c.ms, ms) << c.text;
	}
}

TEST(Units, RefusesWhatIsNotATime)
{
	const char *cases[] = { "",
				"s",
				"-1s",
				"10 s",
				"10d",
				"10sec",
				"1.5ms",
				"off",
				"10K",
				"10%",
				" 10s",
				"10s ",
				"18446744073709552s",
				"5124095576030432h" };

	for (const char *text : cases) {
		uint64_t ms = untouched;

		EXPECT_FALSE(ParseTime(text, &ms)) << text;
		EXPECT_EQ(untouched, ms) << text;
	}
}

TEST(Units, ReadsCountsOfDigitsAlone)
{
	uint64_t count = untouched;

	EXPECT_TRUE(weir_units_parse_count("16", 2, &count));
	EXPECT_EQ(16U, count);
	EXPECT_TRUE(weir_units_parse_count("18446744073709551615", 20, &count));
	EXPECT_EQ(UINT64_MAX, count);
	for (const char *text : { "", "1K", "-1", "1.5", " 1", "18446744073709551616" }) {
		count = untouched;
		EXPECT_FALSE(weir_units_parse_count(text, strlen(text), &count)) << text;
		EXPECT_EQ(untouched, count) << text;
	}
}

TEST(Units, KnowsAWordInEitherCaseAndNoPartOfIt)
{
	EXPECT_TRUE(weir_units_is_word("off", 3, "off"));
	EXPECT_TRUE(weir_units_is_word("OfF", 3, "off"));
	EXPECT_TRUE(weir_units_is_word("offer", 3, "off"));
	EXPECT_TRUE(weir_units_is_word("", 0, ""));
	EXPECT_FALSE(weir_units_is_word("of", 2, "off"));
	EXPECT_FALSE(weir_units_is_word("offer", 5, "off"));
	EXPECT_FALSE(weir_units_is_word("", 0, "off"));
	EXPECT_FALSE(weir_units_is_word("ofg", 3, "off"));
}

TEST(Units, WritesSizesForPeople)
{
	const Size cases[] = {
		{ "0 B", 0 },
		{ "1023 B", 1023 },
		{ "1.0 KiB", kib },
		{ "64.0 KiB", 64 * kib },
		{ "1.5 KiB", kib + 512 },
		{ "1.1 KiB", kib + 52 },
		{ "1.0 KiB", kib + 51 },
		{ "1023.9 KiB", mib - 103 },
		{ "1.0 MiB", mib - 1 },
		{ "412.0 MiB", 412 * mib },
		{ "1.5 GiB", 1536 * mib },
		{ "2.0 TiB", 2 * tib },
		{ "16777216.0 TiB", UINT64_MAX },
	};

	for (const Size &c : cases)
		EXPECT_EQ(c.text, Formatted(weir_units_format_size, c.bytes));
}

TEST(Units, WritesSizesAsTheShortestExactOption)
{
	const Size cases[] = {
		{ "0", 0 },
		{ "1", 1 },
		{ "4095", 4095 },
		{ "4K", 4 * kib },
		{ "64K", 64 * kib },
		{ "1M", mib },
		{ "1536M", 1536 * mib },
		{ "4G", 4 * gib },
		{ "4T", 4 * tib },
		{ "1025K", mib + kib },
	};

	for (const Size &c : cases)
		EXPECT_EQ(c.text, Formatted(weir_units_format_size_option, c.bytes));
}

TEST(Units, ReadsBackEverySizeItWrote)
{
	std::mt19937_64 random(2);

	for (int i = 0; i < 10000; i++) {
		uint64_t size = random() >> (random() % 64) << (random() % 40);
		uint64_t back = ~size;

		ASSERT_TRUE(ParseSize(Formatted(weir_units_format_size_option, size), &back))
			<< size;
		ASSERT_EQ(size, back);
	}
}

TEST(Units, WritesTimesAndSharesAsTheShortestExactOption)
{
	const struct {
		const char *text;
		uint64_t ms;
	} times[] = { { "0ms", 0 },	{ "500ms", 500 }, { "1s", 1000 },   { "1500ms", 1500 },
		      { "10s", 10000 }, { "90s", 90000 }, { "2m", 120000 }, { "3h", 10800000 } };

	for (const auto &c : times)
		EXPECT_EQ(c.text, Formatted(weir_units_format_time_option, c.ms));
	EXPECT_EQ("25%", Formatted(weir_units_format_share_option, 2500U));
	EXPECT_EQ("12.5%", Formatted(weir_units_format_share_option, 1250U));
	EXPECT_EQ("0.01%", Formatted(weir_units_format_share_option, 1U));
}

TEST(Units, ReadsBackEveryShareItWrote)
{
	for (unsigned share = 0; share <= WEIR_SHARE_WHOLE; share++) {
		unsigned back = ~share;

		ASSERT_TRUE(ParseShare(Formatted(weir_units_format_share_option, share), &back));
		ASSERT_EQ(share, back);
	}
}

} // namespace
