#include <gtest/gtest.h>

#include <string>

extern "C" {
#include "text.h"
}

namespace
{

struct Text {
	explicit Text(size_t size = 64) : data(size, 'x')
	{
		weir_text_init(&text, data.data(), size);
	}
	std::string string() const { return std::string(text.data); }

	std::string data;
	struct weir_text text;
};

TEST(Text, StartsEmptyAndTerminated)
{
	Text t(1);

	EXPECT_EQ("", t.string());
	EXPECT_EQ(0U, t.text.used);
	EXPECT_TRUE(weir_text_fits(&t.text));
}

TEST(Text, AppendsPiecesInOrder)
{
	Text t;

	weir_text_char(&t.text, 'a');
	weir_text_string(&t.text, "bc");
	weir_text_bytes(&t.text, "defg", 2);
	weir_text_string(&t.text, "");
	EXPECT_EQ("abcde", t.string());
	EXPECT_EQ(5U, t.text.used);
	EXPECT_TRUE(weir_text_fits(&t.text));
}

TEST(Text, HoldsExactlyOneByteLessThanItsBuffer)
{
	Text t(4);

	weir_text_string(&t.text, "abc");
	EXPECT_EQ("abc", t.string());
	EXPECT_TRUE(weir_text_fits(&t.text));
	weir_text_char(&t.text, 'd');
	EXPECT_EQ("abc", t.string());
	EXPECT_FALSE(weir_text_fits(&t.text));
}

TEST(Text, CutsAtTheEndAndStaysTerminatedInsideItsBuffer)
{
	std::string buffer(8, '#');
	struct weir_text text;

	weir_text_init(&text, &buffer[0], 4);
	weir_text_string(&text, "abcdef");
	EXPECT_STREQ("abc", text.data);
	EXPECT_EQ(3U, text.used);
	EXPECT_FALSE(weir_text_fits(&text));
	EXPECT_EQ("####", buffer.substr(4));
}

TEST(Text, StaysCutWhenSomethingShorterWouldFit)
{
	Text t(4);

	weir_text_string(&t.text, "abcd");
	weir_text_string(&t.text, "");
	EXPECT_FALSE(weir_text_fits(&t.text));
}

TEST(Text, WritesDecimalNumbers)
{
	Text t;

	weir_text_decimal(&t.text, 0);
	weir_text_char(&t.text, ' ');
	weir_text_decimal(&t.text, 1090);
	weir_text_char(&t.text, ' ');
	weir_text_decimal(&t.text, UINT64_MAX);
	EXPECT_EQ("0 1090 18446744073709551615", t.string());
}

TEST(Text, WritesHexadecimalWithoutLeadingZeros)
{
	Text t;

	weir_text_hex(&t.text, 0);
	weir_text_char(&t.text, ' ');
	weir_text_hex(&t.text, 0xdeadbeef);
	weir_text_char(&t.text, ' ');
	weir_text_hex(&t.text, UINT64_MAX);
	EXPECT_EQ("0x0 0xdeadbeef 0xffffffffffffffff", t.string());
}

struct Fixed {
	uint64_t value;
	unsigned digits;
	const char *expected;
};

TEST(Text, WritesFixedPointWithAllItsPlaces)
{
	const Fixed cases[] = {
		{ 15, 1, "1.5" },
		{ 0, 1, "0.0" },
		{ 5, 2, "0.05" },
		{ 4120, 1, "412.0" },
		{ 100001, 3, "100.001" },
		{ 7, 0, "7" },
		{ UINT64_MAX, 1, "1844674407370955161.5" },
	};

	for (const Fixed &c : cases) {
		Text t;

		weir_text_fixed(&t.text, c.value, c.digits);
		EXPECT_EQ(c.expected, t.string());
	}
}

std::string pattern(const char *from, uint64_t pid)
{
	Text t;

	weir_text_pattern(&t.text, from, pid);
	EXPECT_TRUE(weir_text_fits(&t.text));
	return t.string();
}

TEST(Text, PutsTheProcessIdIntoAPattern)
{
	EXPECT_EQ("/tmp/weir.4711.json", pattern("/tmp/weir.%p.json", 4711));
	EXPECT_EQ("77", pattern("%p%p", 7));
	EXPECT_EQ("18446744073709551615", pattern("%p", UINT64_MAX));
	EXPECT_EQ("/tmp/weir", pattern("/tmp/weir", 4711));
	EXPECT_EQ("", pattern("", 4711));
}

TEST(Text, LeavesOtherPercentSignsOfAPatternAlone)
{
	EXPECT_EQ("100%", pattern("100%", 7));
	EXPECT_EQ("%d %P %% %7", pattern("%d %P %% %%p", 7));
}

TEST(Text, CutsAPatternThatDoesNotFit)
{
	Text t(6);

	weir_text_pattern(&t.text, "ab%pcd", 4711);
	EXPECT_EQ("ab471", t.string());
	EXPECT_FALSE(weir_text_fits(&t.text));
}

} // namespace
