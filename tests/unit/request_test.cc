#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include "option.h"
#include "request.h"
}

namespace
{

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr size_t kib = WEIR_KIB;
constexpr size_t mib = WEIR_MIB;
constexpr size_t gib = WEIR_GIB;

/* A line as it comes from a peer: no zero byte behind it, and nothing that may be read. */
struct Parsed {
	explicit Parsed(const std::string &line)
	{
		std::vector<char> bytes(line.begin(), line.end());
		weir_text text;

		bytes.reserve(1);
		weir_text_init(&text, data, sizeof data);
		memset(&request, 0xa5, sizeof request);
		accepted = weir_request_parse(&request, bytes.data(), bytes.size(), &text);
		reason = data;
	}

	bool accepted;
	std::string reason;
	weir_request request;
	char data[256];
};

void expect_verb(weir_verb verb, const char *line)
{
	Parsed parsed(line);

	EXPECT_TRUE(parsed.accepted) << line << ": " << parsed.reason;
	EXPECT_EQ(verb, parsed.request.verb) << line;
	EXPECT_EQ("", parsed.reason) << line;
}

void expect_refused(const char *why, std::initializer_list<const char *> lines)
{
	for (const char *line : lines) {
		Parsed parsed(line);

		EXPECT_FALSE(parsed.accepted) << line;
		EXPECT_THAT(parsed.reason, HasSubstr(why)) << line;
	}
}

void expect_release(const char *line, size_t keep, size_t min, size_t max)
{
	Parsed parsed(line);

	EXPECT_TRUE(parsed.accepted) << line << ": " << parsed.reason;
	EXPECT_EQ(WEIR_VERB_RELEASE, parsed.request.verb) << line;
	EXPECT_TRUE(parsed.request.is_partial) << line;
	EXPECT_EQ(keep, parsed.request.keep_bytes) << line;
	EXPECT_EQ(min, parsed.request.min_bytes) << line;
	EXPECT_EQ(max, parsed.request.max_bytes) << line;
}

TEST(Request, KnowsEveryVerbOfTheProtocol)
{
	expect_verb(WEIR_VERB_PING, "ping");
	expect_verb(WEIR_VERB_STATS, "stats");
	expect_verb(WEIR_VERB_METRICS, "metrics");
	expect_verb(WEIR_VERB_RELEASE, "release");
	expect_verb(WEIR_VERB_GET, "get WEIR_LIMIT");
	expect_verb(WEIR_VERB_SET, "set WEIR_LIMIT 64M");
}

TEST(Request, TakesVerbsInEitherCase)
{
	expect_verb(WEIR_VERB_PING, "PING");
	expect_verb(WEIR_VERB_RELEASE, "Release");
	expect_verb(WEIR_VERB_GET, "gEt WEIR_LIMIT");
}

TEST(Request, IgnoresSpacesTabsAndACarriageReturnAroundWords)
{
	expect_verb(WEIR_VERB_PING, "ping\r");
	expect_verb(WEIR_VERB_PING, " \t ping \t\r");
	expect_verb(WEIR_VERB_SET, "\tset\tWEIR_LIMIT   64M\t");
	expect_release("  release\t keep=1M  class=2M\r", mib, 2 * mib, 2 * mib);
}

TEST(Request, NamesTheVerbsWhereThereIsNone)
{
	for (const char *line : { "", " ", "\t\r", "pin", "pings", "ping,", "help", "\n",
				  "ping\nping", "\xff\xfe", "=", "releas\xc3\xa9" }) {
		Parsed parsed(line);

		EXPECT_FALSE(parsed.accepted) << line;
		EXPECT_EQ("no such request; accepted: ping, stats, metrics, release, get, set",
			  parsed.reason)
			<< line;
	}
}

TEST(Request, RefusesWordsThatItHasNoUseFor)
{
	expect_refused("more words", { "ping ping", "stats 1", "metrics \t x", "get WEIR_LIMIT 64M",
				       "GET / HTTP/1.1", "set WEIR_LIMIT 64M 1", "ping\rping" });
}

TEST(Request, RefusesAZeroByteWhereverItStands)
{
	for (size_t at = 0; at <= 4; at++) {
		Parsed parsed(std::string("ping").insert(at, 1, '\0'));

		EXPECT_FALSE(parsed.accepted) << at;
		EXPECT_EQ("a zero byte", parsed.reason) << at;
	}
}

TEST(Request, TakesALineOfTheMostBytesAndNoLonger)
{
	const std::string most = "ping" + std::string(WEIR_REQUEST_BYTES_MAX - 1 - 4, ' ');
	Parsed fits(most), exceeds(most + " ");

	EXPECT_TRUE(fits.accepted);
	EXPECT_FALSE(exceeds.accepted);
	EXPECT_EQ("too long a line", exceeds.reason);
}

TEST(Request, KeepsTheLongestWordWhole)
{
	const std::string name(WEIR_REQUEST_BYTES_MAX - 1 - 4, 'n');
	Parsed parsed("get " + name);

	ASSERT_TRUE(parsed.accepted);
	EXPECT_EQ(name, parsed.request.name);
	EXPECT_STREQ("", parsed.request.value);
}

/* release */

TEST(Request, ReleasesEverythingWithoutWords)
{
	Parsed parsed("release");

	EXPECT_FALSE(parsed.request.is_partial);
	EXPECT_EQ(0U, parsed.request.keep_bytes);
	EXPECT_EQ(0U, parsed.request.min_bytes);
	EXPECT_EQ(WEIR_NO_LIMIT, parsed.request.max_bytes);
}

TEST(Request, ReadsWhatAReleaseKeeps)
{
	expect_release("release keep=0", 0, 0, WEIR_NO_LIMIT);
	expect_release("release keep=64M", 64 * mib, 0, WEIR_NO_LIMIT);
	expect_release("release KEEP=1.5g", 1536 * mib, 0, WEIR_NO_LIMIT);
	expect_release("release keep=18446744073709551615", SIZE_MAX, 0, WEIR_NO_LIMIT);
}

TEST(Request, ReadsTheSizesOfARelease)
{
	expect_release("release class=64K-1M", 0, 64 * kib, 1024 * kib);
	expect_release("release class=16M", 0, 16 * mib, 16 * mib);
	expect_release("release Class=16m", 0, 16 * mib, 16 * mib);
	expect_release("release class=*", 0, 0, WEIR_NO_LIMIT);
	expect_release("release class=4G", 0, 4 * gib, 4 * gib);
	expect_release("release class=1-4G", 0, 1, 4 * gib);
}

TEST(Request, ReadsBothWordsOfAReleaseInEitherOrder)
{
	expect_release("release keep=8M class=1M-4M", 8 * mib, mib, 4 * mib);
	expect_release("release class=1M-4M keep=8M", 8 * mib, mib, 4 * mib);
}

TEST(Request, SaysWhatAReleaseTakes)
{
	expect_refused("accepted: release [keep=SIZE] [class=RANGE]",
		       { "release all",
			 "release keep",
			 "release keep=",
			 "release keep=64Q",
			 "release keep=-1",
			 "release keep=25%",
			 "release keep =1M",
			 "release keep= 1M",
			 "release =1M",
			 "release keeps=1M",
			 "release kee=1M",
			 "release class",
			 "release class=",
			 "release class=5G",
			 "release class=1M-5G",
			 "release class=2M-1M",
			 "release class=1M-",
			 "release class=-1M",
			 "release class=**",
			 "release class=64K-1M-2M",
			 "release class=1M:2M",
			 "release keep=1M please",
			 "release keep=18446744073709551616",
			 "release keep=16777216T" });
}

/* get and set */

TEST(Request, CopiesNamesAndValuesAsTheyAre)
{
	Parsed get("get weir_Limit"), set("SET WEIR_CLASS_LIMITS 64K-1M:32M,*:25%");

	EXPECT_STREQ("weir_Limit", get.request.name);
	EXPECT_STREQ("WEIR_CLASS_LIMITS", set.request.name);
	EXPECT_STREQ("64K-1M:32M,*:25%", set.request.value);
}

TEST(Request, SaysWhatGetAndSetTake)
{
	expect_refused("accepted: get NAME", { "get", "get ", "GET\t\r" });
	expect_refused("accepted: set NAME VALUE",
		       { "set", "set WEIR_LIMIT", "set WEIR_LIMIT \t", "set WEIR_LIMIT=64M" });
}

TEST(Request, LeavesNothingOfTheRequestBefore)
{
	Parsed parsed("release keep=1M class=1M");
	char none[1] = {};
	weir_text reason;

	weir_text_init(&reason, none, sizeof none);
	ASSERT_TRUE(weir_request_parse(&parsed.request, "release", 7, &reason));
	EXPECT_FALSE(parsed.request.is_partial);
	EXPECT_EQ(0U, parsed.request.keep_bytes);
	EXPECT_EQ(0U, parsed.request.min_bytes);
	EXPECT_EQ(WEIR_NO_LIMIT, parsed.request.max_bytes);
}

/* The parser of ranges, which WEIR_CLASS_LIMITS uses, too. */

bool parse_range(const std::string &text, size_t largest, size_t *min, size_t *max)
{
	std::vector<char> bytes(text.begin(), text.end());

	bytes.reserve(1);
	return weir_option_parse_range(bytes.data(), bytes.size(), largest, min, max);
}

TEST(Range, IsAsItWasAsked)
{
	size_t min = 0, max = 0;

	EXPECT_TRUE(parse_range("100K-900K", 4 * gib, &min, &max));
	EXPECT_EQ(100 * kib, min);
	EXPECT_EQ(900 * kib, max);
	EXPECT_TRUE(parse_range("11M", 4 * gib, &min, &max));
	EXPECT_EQ(11 * mib, min);
	EXPECT_EQ(11 * mib, max);
	EXPECT_TRUE(parse_range("*", 4 * gib, &min, &max));
	EXPECT_EQ(0U, min);
	EXPECT_EQ(WEIR_NO_LIMIT, max);
}

TEST(Range, EndsAtTheLargestSize)
{
	size_t min, max;

	EXPECT_TRUE(parse_range("1M-2M", 2 * mib, &min, &max));
	EXPECT_FALSE(parse_range("1M-2097153", 2 * mib, &min, &max));
	EXPECT_FALSE(parse_range("3M", 2 * mib, &min, &max));
}

TEST(Range, RefusesWhatIsNoRange)
{
	size_t min, max;

	for (const char *text : { "", "-", "1M-", "-1M", "1M-*", "*-1M", "**", "1M--2M", "2M-1M",
				  "1Q", "10%", " 1M", "1M ", "0x10" })
		EXPECT_FALSE(parse_range(text, 4 * gib, &min, &max)) << text;
}

TEST(Request, RefusesInOneShortLine)
{
	Parsed parsed("release " + std::string(500, 'x'));

	EXPECT_THAT(parsed.reason, AllOf(StartsWith("accepted: "), Not(HasSubstr("\n"))));
	EXPECT_LT(parsed.reason.size(), 200U);
}

} // namespace
